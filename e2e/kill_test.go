//go:build e2e

package e2e

import (
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
)

// begunAndDone returns the moments at which each action of a rollout begins and has ended.
func begunAndDone(actions ...moment) []moment {
	var all []moment
	for _, a := range actions {
		begun, done := a, a
		begun.record, done.record = "begun", "done"
		all = append(all, begun, done)
	}
	return all
}

// in returns moments in the middle of an action.
func in(verb, service string, after ...time.Duration) []moment {
	var all []moment
	for _, d := range after {
		all = append(all, moment{"begun", verb, service, d})
	}
	return all
}

// on is an action for one service, or for all where none is named.
func on(verb, service string) moment { return moment{verb: verb, service: service} }

// The daemon is killed at every record of every kind of rollout, and in the middle of what takes long. The next start
// ends each rollout as it would have ended without.
func TestKillAtEveryRecord(t *testing.T) {
	t.Parallel()
	score := newScore(t)
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		drill
		moments [][]moment
	}{
		"deploy": {drill{kind: "deploy", outcome: "succeeded"}, [][]moment{
			begunAndDone(on("validate", ""), on("pull", ""), on("replace", "web"), on("replace", "worker"), on("verify", "")),
			begunAndDone(on("promote", "web"), on("promote", "worker"), on("retire", "web"), on("retire", "worker"), on("clear", "")),
			in("pull", "", 20*ms), in("replace", "web", 40*ms, 150*ms, 300*ms), in("verify", "", 50*ms), in("clear", "", 10*ms, 25*ms),
		}},
		"deploy of a broken image": {drill{kind: "deploy", misbehave: "worker:crash", outcome: "rolled_back"}, [][]moment{
			begunAndDone(on("validate", ""), on("pull", ""), on("replace", "web"), on("replace", "worker")),
			{{"begun", "verify", "", 0}, {"failed", "verify", "", 0}},
			begunAndDone(on("restore", "worker"), on("restore", "web"), on("hold", "")),
			in("replace", "worker", 100*ms), in("restore", "web", 100*ms, 300*ms), in("hold", "", 30*ms),
		}},
		"rotate": {drill{kind: "rotate", outcome: "succeeded"}, [][]moment{
			begunAndDone(on("validate", ""), on("replace", "web"), on("replace", "worker"), on("verify", "")),
			begunAndDone(on("promote", "web"), on("promote", "worker"), on("retire", "web"), on("retire", "worker")),
			in("replace", "worker", 40*ms, 200*ms),
		}},
		"cleanup": {drill{kind: "cleanup", outcome: "succeeded"}, [][]moment{
			begunAndDone(on("validate", ""), on("verify", ""), on("clear", "")), in("clear", "", 10*ms, 25*ms),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			k := settled(t, score, rig.Options{})
			for _, moments := range c.moments {
				for _, m := range moments {
					k.subdrill(t, m.String(), c.drill, m)
				}
			}
		})
	}
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
