//go:build e2e && full

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/internal/failpoint"
	"github.com/capakraken/fairlead/internal/journal"
)

// The daemon dies at every point of its code.
func TestKillAtEveryPoint(t *testing.T) {
	t.Parallel()
	score := inLanes(t, atOnce, strikes())
	t.Cleanup(func() {
		left := slices.DeleteFunc(failpoint.Points(), func(p failpoint.Point) bool { return score.points[p] > 0 })
		if len(left) > 0 {
			t.Errorf("no daemon died at %v", left)
		}
	})
	t.Run("on two networks", func(t *testing.T) {
		k := pointed(t, score, rig.Options{})
		other, err := k.World.Network(t.Context())
		k.must(err)
		k.reconfigured("networks: [{{.Network.Name}}]", "networks: [{{.Network.Name}}, "+other.Name+"]")
		k.struck(t, strike{at: failpoint.ReplaceConnected, play: rolling(goodDeploy)})
	})
	t.Run("at a segment's end", func(t *testing.T) {
		k := pointed(t, score, rig.Options{})
		k.struck(t, strike{at: failpoint.SegmentCreated, play: full}, strike{at: failpoint.SegmentNamed, play: full})
		k.carried(goodDeploy)
	})
	t.Run("without memory", func(t *testing.T) {
		k := pointed(t, score, rig.Options{})
		k.struck(t, strike{at: failpoint.AdoptNoted, play: adopting}, strike{at: failpoint.LossNoted, play: losing},
			strike{at: failpoint.AbandonNoted, play: abandoning})
	})
	t.Run("with images to let go", func(t *testing.T) { letsGo(t, score) })
	t.Run("with a pre_start", func(t *testing.T) { preStarts(t, score) })
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

// full fills the journal's segment, so that the next rollout begins with a new one.
func full(k *killing, s strike) {
	k.t.Helper()
	k.must(k.Stop())
	log, err := journal.Open(journal.Options{Dir: filepath.Join(k.State(), "journal")})
	k.must(err)
	filler, err := json.Marshal(map[string]string{"filler": strings.Repeat("x", journal.MaxLine/2)})
	k.must(err)
	k.must(log.Reserve(journal.DefaultSegmentBytes + 2*journal.MaxLine)) // within which a segment may become too long
	for size := 0; size <= journal.DefaultSegmentBytes; size += len(filler) {
		_, err := log.Append(journal.Record{Actor: journal.Actor{User: "filler"}, Type: "test.filler", Data: filler})
		k.must(err)
	}
	k.must(log.Close())
	k.must(k.Start(k.t.Context()))
	rolling(lostDeploy)(k, s)
}

// first has a daemon die that finds no state at all, and nothing on the host.
func first(k *killing, s strike) {
	k.t.Helper()
	k.must(k.Kill())
	k.must(os.RemoveAll(k.State()))
	k.arm(s)
	k.must(k.Launch())
	k.dies(k.t.Context())
	k.again(s)
	k.run(0, "audit", "verify", "--state", k.State())
}

// firsts are the strikes at the very first start.
func firsts() []strike {
	return []strike{{failpoint.KeyWritten, 0, first}, {failpoint.SegmentCreated, 0, first}, {failpoint.SegmentNamed, 0, first}}
}
