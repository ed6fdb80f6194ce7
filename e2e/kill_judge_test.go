//go:build e2e

package e2e

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
)

// toldTruth holds what the command said against the outcome. A daemon that was killed before it answered leaves it with
// nothing to say. A command whose first look at its rollout meets a daemon that stops lets go of it, and says so.
func (k *killing) toldTruth(res rig.Result, outcome string) {
	k.t.Helper()
	codes := map[string]int{"succeeded": 0, "refused": 3, "rolled_back": 4, "halted": 5}
	const unreachable = 8
	letGo := strings.Contains(res.Err, "the daemon is stopping") && strings.Contains(res.Err, "was not seen to its end")
	if res.Code != codes[outcome] && res.Code != unreachable && !letGo {
		k.t.Errorf("the rollout ended as %s, and the command said: %s", outcome, res)
	}
}

// neverBegun expects that a request was lost with the daemon that took it: nobody was told that it stands, and it does
// not.
func (k *killing) neverBegun(f *follower, before map[string]rig.Container, told rig.Result) {
	k.t.Helper()
	const unreachable = 8
	if told.Code != unreachable {
		k.t.Errorf("the request is lost, and the command said: %s", told)
	}
	k.run(0, "status") // whatever goes on has gone on by then
	if there, err := f.holds(func(r rig.Record) bool { return r.Type == "rollout.requested" }); err != nil || there {
		k.t.Errorf("the request is in the journal: %v", err)
	}
	k.untouched(before)
	k.stored(k.residue())
	k.sound()
}

// judged holds what a drill left against its outcome.
func (k *killing) judged(d drill, before map[string]rig.Container, ended rig.Record) {
	k.t.Helper()
	if ended.Data.Outcome != d.outcome && !slices.Contains(d.or, ended.Data.Outcome) {
		k.score.add(&k.score.lost, 1)
		k.t.Errorf("the rollout ended as %s (%s), want %s", ended.Data.Outcome, ended.Data.Failure.Message, d.outcome)
	}
	switch {
	case d.judge != nil:
		d.judge(k, before, ended)
	case ended.Data.Outcome == "rolled_back":
		k.restored(before)
		k.stored(k.residue())
	case ended.Data.Outcome == "refused":
		k.untouched(before)
		k.stored(k.residue())
	case d.kind == "cleanup":
		k.untouched(before)
		k.stored(cleared())
	default:
		k.renewed(ended.Rollout)
		if d.kind == "deploy" {
			k.stored(cleared())
		}
	}
	k.sound()
}

// sound expects of every moment until now what must hold at each.
func (k *killing) sound() {
	k.t.Helper()
	k.serves()
	k.neverTwo()
	k.clearsConfirmed()
	k.run(0, "audit", "verify", "--state", k.State())
}

// renewed expects that every service runs in a container of this rollout, with its final name and policy and today's
// environment.
func (k *killing) renewed(rollout string) {
	k.t.Helper()
	for service, c := range k.live(k.Services...) {
		if c.Config.Labels["fairlead.rollout"] != rollout {
			k.t.Errorf("%s runs in a container of rollout %s, not of %s", service, c.Config.Labels["fairlead.rollout"], rollout)
		}
		if c.HostConfig.RestartPolicy.Name != "unless-stopped" {
			k.t.Errorf("%s has the restart policy %q", service, c.HostConfig.RestartPolicy.Name)
		}
		if !slices.Contains(c.Config.Env, "SMTP_PASSWORD="+k.env["SMTP_PASSWORD"]) {
			k.t.Errorf("%s does not have the present value of SMTP_PASSWORD", service)
		}
	}
}

// neverTwo expects that neither the sentry nor the prober saw two containers of one service.
func (k *killing) neverTwo() {
	k.t.Helper()
	doubles := append(k.sentry.report(), k.prober.report()...)
	k.score.add(&k.score.duplicated, len(doubles))
	for _, double := range doubles {
		k.t.Error(double)
	}
}

// clearsConfirmed expects that every clear which the database noted came when the journal held the proof and the intent
// of a rollout that had not ended.
func (k *killing) clearsConfirmed() {
	k.t.Helper()
	text, err := k.Postgres.Text(k.t.Context(), `SELECT string_agg((extract(epoch FROM at) * 1000000)::bigint::text, ' ') FROM "Cleared"`)
	k.must(err)
	records, err := k.Journal()
	k.must(err)
	for _, field := range strings.Fields(text) {
		micros, err := strconv.ParseInt(field, 10, 64)
		k.must(err)
		if at := time.UnixMicro(micros + 1); !confirmed(records, at) {
			k.score.add(&k.score.notConfirmed, 1)
			k.t.Errorf("a legacy value was cleared at %s, without the proof and the intent in the journal", at.UTC().Format(time.RFC3339Nano))
		}
	}
	k.must(k.Postgres.Exec(k.t.Context(), `DELETE FROM "Cleared"`))
	unproved, err := k.keeper.report(k.t.Context())
	k.must(err)
	for _, unproved := range unproved {
		k.score.add(&k.score.notConfirmed, 1)
		k.t.Error(unproved)
	}
}

// confirmed tells whether, at that time, some rollout was proved and about to clear.
func confirmed(records []rig.Record, at time.Time) bool {
	proved, clearing := map[string]bool{}, map[string]bool{}
	for _, r := range records {
		if r.Time.After(at) {
			break
		}
		switch {
		case moment{record: "done", verb: "verify"}.is(r):
			proved[r.Rollout] = true
		case moment{record: "begun", verb: "clear"}.is(r):
			clearing[r.Rollout] = proved[r.Rollout]
		case r.Type == "rollout.ended":
			delete(clearing, r.Rollout)
		}
	}
	return slices.Contains(slices.Collect(maps.Values(clearing)), true)
}
