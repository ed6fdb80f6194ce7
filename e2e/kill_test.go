//go:build e2e

package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
)

// along has the daemon end once on every path at each of some moments.
func along(t *testing.T, moments func(path) []moment, gently bool) {
	t.Helper()
	t.Parallel()
	score := newScore(t)
	t.Cleanup(func() {
		if gently && score.waited < score.rollouts*3/4 {
			t.Errorf("only %d of %d rollouts were left to the next daemon", score.waited, score.rollouts)
		}
	})
	for name, p := range paths() {
		t.Run(name, func(t *testing.T) {
			k := settled(t, score, rig.Options{})
			p.gently = gently
			for _, m := range moments(p) {
				k.subdrill(t, m.String(), p.drill, m)
			}
		})
	}
}

// The daemon is killed at every record of every kind of rollout, and in the middle of what takes long. The next start
// ends each rollout as it would have ended without.
func TestKillAtEveryRecord(t *testing.T) {
	along(t, func(p path) []moment { return slices.Concat(begun(p.actions), over(p.actions), p.middles) }, false)
}

// The daemon is told to stop in every action. It ends well and soon, and the next one ends the rollout as it would have
// ended without.
func TestStopInEveryAction(t *testing.T) {
	along(t, func(p path) []moment { return begun(p.actions) }, true)
}

// subdrill carries out a drill as a subtest.
func (k *killing) subdrill(t *testing.T, name string, d drill, kills ...moment) {
	t.Helper()
	k.sub(t, name, func(k *killing) {
		d.kills = kills
		k.carried(d)
	})
}

// Even a daemon that is killed again and again in one rollout ends it.
func TestKillAgainAndAgain(t *testing.T) {
	t.Parallel()
	score := newScore(t)
	good, bad := drill{kind: "deploy", outcome: "succeeded"}, drill{kind: "deploy", misbehave: "crash", outcome: "rolled_back"}
	t.Run("forwards and backwards", func(t *testing.T) {
		k := settled(t, score, rig.Options{})
		k.subdrill(t, "twice in one action", good, moment{"begun", "replace", "web", 20 * time.Millisecond}, moment{"begun", "replace", "web", 60 * time.Millisecond})
		k.subdrill(t, "at every step", good, moment{"begun", "validate", "", 0}, moment{"begun", "pull", "", 0}, moment{"begun", "replace", "worker", 0},
			moment{"begun", "verify", "", 0}, moment{"begun", "promote", "web", 0}, moment{"begun", "retire", "web", 0}, moment{"begun", "clear", "", 0})
		k.subdrill(t, "before the revert and in it", bad, moment{"begun", "verify", "", 0}, moment{"begun", "restore", "web", 0}, moment{"begun", "hold", "", 0})
		k.subdrill(t, "twice in the revert", bad, moment{"begun", "restore", "worker", 0}, moment{"begun", "restore", "worker", 100 * time.Millisecond})
	})
	t.Run("the first release over one that was started by hand", func(t *testing.T) {
		k := newKilling(t, score, rig.Options{})
		k.subdrill(t, "reverting", bad, moment{"begun", "replace", "web", 50 * time.Millisecond}, moment{"begun", "restore", "web", 50 * time.Millisecond})
		k.subdrill(t, "going on", good, moment{"done", "replace", "web", 0}, moment{"begun", "retire", "web", 0})
	})
}

// A daemon that was dead beyond a deadline has no more time than one that was not: what is not proved by then is put
// back.
func TestKillBeyondTheDeadline(t *testing.T) {
	k := settled(t, newScore(t), rig.Options{Verify: "3s"})
	k.subdrill(t, "verify", drill{kind: "deploy", misbehave: "slow-start=1s", outcome: "rolled_back", dead: 3500 * time.Millisecond}, moment{"begun", "verify", "", 0})
	k.subdrill(t, "but what was proved goes on", drill{kind: "deploy", outcome: "succeeded", dead: 3500 * time.Millisecond}, moment{"done", "verify", "", 0})
}
