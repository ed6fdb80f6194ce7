//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"testing"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/internal/failpoint"
)

// The daemon dies at ten points at which most is at stake. The next one ends each rollout as it must end.
func TestKillAtTenPoints(t *testing.T) {
	t.Parallel()
	ten := []failpoint.Point{failpoint.RequestNoted, failpoint.ReplaceCreated, failpoint.OldStopped, failpoint.ReplaceStarted, failpoint.PromoteRenamed,
		failpoint.RetireStopped, failpoint.ClearUpdated, failpoint.ClearCommitted, failpoint.RestoreRemoved, failpoint.TearCut}
	var all []strike
	for _, s := range strikes() {
		if slices.Contains(ten, s.at) {
			all = append(all, s)
		}
	}
	if len(all) != 10 {
		t.Fatalf("%d points, want ten", len(all))
	}
	inLanes(t, 2, all)
}

// inLanes carries out strikes on several stages side by side.
func inLanes(t *testing.T, lanes int, all []strike) *score {
	t.Helper()
	score := newScore(t)
	for lane := range lanes {
		t.Run(fmt.Sprintf("lane %d", lane+1), func(t *testing.T) {
			k := pointed(t, score, rig.Options{})
			for i, s := range all {
				if i%lanes == lane {
					k.struck(t, s)
				}
			}
		})
	}
	return score
}
