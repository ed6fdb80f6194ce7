//go:build e2e && full

package e2e

import (
	"strings"
	"testing"

	"github.com/capakraken/fairlead/e2e/rig"
)

// A service may answer what it will: too much, without an end, or what unpacks to too much. It is turned back, in time,
// and the daemon stays small.
func TestBoundsOfStatus(t *testing.T) {
	s := newTenant(t, rig.Options{Verify: "6s"})
	before := s.deployed("2.0.0")
	g := &gauge{stage: s}
	g.measured(t, "a deploy")
	for _, c := range []struct{ misbehave, says string }{
		{"web:huge", "1 MiB"},
		{"worker:huge", "printed more than"},
		{"web:endless", "1 MiB"},
		{"web:drip", "did not prove itself in time"},
		{"web:deep", "not JSON"},
		{"web:wide", "did not prove itself in time"},
		{"web:bomb", "content encoding"},
		{"web:headers", "did not prove itself in time"},
	} {
		t.Run(c.misbehave, func(t *testing.T) {
			s := s.in(t)
			tag := s.image("3.0-"+strings.ReplaceAll(c.misbehave, ":", "-"), c.misbehave)
			s.told(4, []string{"deploy", rig.App, "--image", tag}, c.says, "rolled back")
			s.restored(before)
			g.measured(t, c.misbehave)
		})
	}
	g.reports(t)
}

// A container that writes 100 MB of long lines and dies is turned back with its last words, and no more of them.
func TestBoundsOfLogs(t *testing.T) {
	s := newTenant(t, rig.Options{Verify: "60s"})
	before := s.deployed("2.0.0")
	g := &gauge{stage: s}
	g.measured(t, "a deploy")
	res := s.told(4, []string{"deploy", rig.App, "--image", s.image("3.0.0", "web:log-storm=100")}, "exit code 3", "the storm is over", "rolled back")
	g.measured(t, "a log storm")
	if n := len(res.Out) + len(res.Err); n > 256<<10 {
		t.Errorf("the operator is shown %d bytes", n)
	}
	if n := len(s.recorded()); n > 1<<20 {
		t.Errorf("the journal has %d bytes", n)
	}
	s.restored(before)
	g.reports(t)
}
