//go:build e2e && full

package e2e

import (
	"testing"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/internal/failpoint"
)

// The daemon dies at every point of its code.
func TestKillAtEveryPoint(t *testing.T) {
	t.Parallel()
	score := inLanes(t, atOnce, strikes())
	t.Run("on two networks", func(t *testing.T) {
		k := pointed(t, score, rig.Options{})
		other, err := k.World.Network(t.Context())
		k.must(err)
		k.reconfigured("networks: [{{.Network.Name}}]", "networks: [{{.Network.Name}}, "+other.Name+"]")
		k.struck(t, strike{at: failpoint.ReplaceConnected, play: rolling(goodDeploy)})
	})
	t.Run("at the first start", func(t *testing.T) {
		k := unborn(t, score)
		k.struck(t, firsts()...)
		k.run(0, "deploy", rig.App, "--image", k.tag(""))
		k.live(k.Services...)
	})
}

// unborn is a stage whose daemon was never started, and on whose host nothing runs.
func unborn(t *testing.T, score *score) *killing {
	t.Helper()
	k := newKilling(t, score, rig.Options{}) // which makes the table
	k.must(k.Remove(t.Context()))
	path, err := armed()
	k.must(err)
	k.Binary = path
	return k
}
