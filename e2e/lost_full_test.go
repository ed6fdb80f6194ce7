//go:build e2e && full

package e2e

import (
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
)

// TestLostInTheMiddle at every other moment.
func TestLostAnywhere(t *testing.T) {
	k := settled(t, newScore(t), rig.Options{})
	there, back := drill{kind: "deploy", misbehave: "slow-start=700ms"}, drill{kind: "deploy", misbehave: "worker:crash"}
	rotate := drill{kind: "rotate"}
	const ms = time.Millisecond
	for _, h := range []half{
		{there, moment{"begun", "validate", "", 0}, true},
		{there, moment{"begun", "pull", "", 0}, true},
		{there, moment{"begun", "replace", "web", 40 * ms}, false},
		{there, moment{"begun", "replace", "web", 300 * ms}, false},
		{there, moment{"done", "replace", "web", 0}, false},
		{there, moment{"begun", "replace", "worker", 150 * ms}, false},
		{there, moment{"done", "replace", "worker", 0}, false},
		{there, moment{"done", "promote", "worker", 0}, false},
		{there, moment{"done", "retire", "web", 0}, false},
		{there, moment{"done", "retire", "worker", 0}, true},
		{rotate, moment{"begun", "replace", "web", 150 * ms}, false},
		{rotate, moment{"done", "promote", "web", 0}, false},
		{back, moment{"failed", "verify", "", 0}, false},
		{back, moment{"done", "restore", "worker", 0}, false},
		{back, moment{"done", "restore", "web", 0}, true},
		{back, moment{"begun", "hold", "", 0}, true},
	} {
		t.Run(h.kind+" "+h.at.String(), func(t *testing.T) { k.here(t).lostIn(h) })
	}
}
