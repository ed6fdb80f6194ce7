//go:build e2e && full

package e2e

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/internal/failpoint"
)

// letsGo has the daemon die as it puts the images in order. The next one does what is left of it.
func letsGo(t *testing.T, score *score) {
	t.Helper()
	k := pointed(t, score, rig.Options{Template: keepingTwo})
	k.carried(goodDeploy)
	k.carried(goodDeploy)
	k.struck(t, strike{at: failpoint.KeepNamed, play: rolling(goodDeploy)}, strike{at: failpoint.KeepUnnamed, play: rolling(goodDeploy)},
		strike{at: failpoint.KeepRemoved, play: rolling(goodDeploy)})
	if now := k.status(); now.Disk.Images != 2 || !now.Targets[0].Kept {
		t.Errorf("status says %+v", now)
	}
}

// preStarts has the daemon die as it has the one-off container run. The next one has it run to its end, once.
func preStarts(t *testing.T, score *score) {
	t.Helper()
	k := pointed(t, score, rig.Options{Template: migrating})
	good := drill{kind: "deploy", misbehave: "migrate:slow-start=500ms", outcome: "succeeded"}
	bad := drill{kind: "deploy", misbehave: "migrate:crash", outcome: "rolled_back"}
	once := func(d drill) func(*killing, strike) {
		return func(k *killing, s strike) {
			rolling(d)(k, s)
			if n := k.migrations(fmt.Sprintf("2.%d.0", k.tags)); n != 1 || len(k.oneOffs()) > 0 {
				k.t.Errorf("%d migrations, and left over is %+v", n, k.oneOffs())
			}
		}
	}
	plays := map[failpoint.Point][]drill{failpoint.OneOffMade: {good}, failpoint.OneOffStarting: {good}, failpoint.OneOffStarted: {good, bad},
		failpoint.OneOffStopped: {good, bad}, failpoint.OneOffRemoved: {good, bad}}
	for _, p := range slices.Sorted(maps.Keys(plays)) {
		for _, d := range plays[p] {
			k.struck(t, strike{at: p, play: once(d)})
		}
	}
}
