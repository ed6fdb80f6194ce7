//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/e2e/world"
)

// moment is when the daemon is killed: as soon as a record stands in its journal, or some time after.
type moment struct {
	record  string // begun, done or failed; of the rollout itself, where there is no verb; none is waited for where empty
	verb    string // of the action
	service string // any where empty
	after   time.Duration
}

func (m moment) String() string {
	text := strings.Join(strings.Fields(m.verb+" "+m.service+" "+m.record), " ")
	if m.after > 0 {
		text += " and " + m.after.String()
	}
	return text
}

func (m moment) is(r rig.Record) bool {
	a := r.Data.Action
	if m.verb == "" {
		return r.Type == "rollout."+m.record
	}
	return r.Type == "action."+m.record && a.Verb == m.verb && (m.service == "" || m.service == a.Service)
}

// drill is a rollout in which the daemon is killed.
type drill struct {
	kind      string // deploy, rotate or cleanup
	misbehave string // of the image that is deployed
	kills     []moment
	dead      time.Duration // how long the daemon stays away after each
	outcome   string        // in which it must end all the same
}

// score is what a test counts over all its drills. A zero is what each of its faults is to be.
type score struct {
	mu                                     sync.Mutex
	rollouts, kills                        int
	lost, untrue, duplicated, notConfirmed int
}

// newScore returns a score that the test shows at its end, when all its subtests are through.
func newScore(t *testing.T) *score {
	s := &score{}
	t.Cleanup(func() {
		t.Logf("%d rollouts, %d kills: %d rollouts lost, %d untrue outcomes, %d containers duplicated, %d clears unconfirmed",
			s.rollouts, s.kills, s.lost, s.untrue, s.duplicated, s.notConfirmed)
	})
	return s
}

func (s *score) add(counter *int, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*counter += n
}

// killing is a stage on which the daemon is killed, with an old version that runs and a database that takes down when it
// was cleared.
type killing struct {
	*stage
	score  *score
	sentry *sentry
	env    rig.Env
	tags   int
}

// newKilling makes such a stage. Version 1 was just started by hand.
func newKilling(t *testing.T, score *score, o rig.Options) *killing {
	t.Helper()
	s := newTenant(t, o)
	k := &killing{stage: s, score: score, env: goodEnv(), sentry: watched(t, s)}
	k.version1()
	k.must(k.Postgres.Exec(t.Context(), noteClears))
	return k
}

// settled is newKilling with a good release that Fairlead deployed.
func settled(t *testing.T, score *score, o rig.Options) *killing {
	t.Helper()
	k := newKilling(t, score, o)
	k.run(0, "deploy", rig.App, "--image", k.tag(""))
	return k
}

// noteClears has the database itself take down when a legacy value goes. A transaction that is rolled back leaves no
// note.
const noteClears = `CREATE TABLE "Cleared" (at timestamptz NOT NULL);
CREATE FUNCTION note_clear() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	IF NEW."smtpPassword" IS DISTINCT FROM OLD."smtpPassword" AND coalesce(NEW."smtpPassword", '') = ''
	OR NEW."azureOpenAiApiKey" IS DISTINCT FROM OLD."azureOpenAiApiKey" AND coalesce(NEW."azureOpenAiApiKey", '') = ''
	OR NEW."anonymizationSeed" IS DISTINCT FROM OLD."anonymizationSeed" AND coalesce(NEW."anonymizationSeed", '') = ''
	THEN INSERT INTO "Cleared" VALUES (clock_timestamp()); END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER note_clear AFTER UPDATE ON "SystemSettings" FOR EACH ROW EXECUTE FUNCTION note_clear();`

// tag makes a new image and returns its tag.
func (k *killing) tag(misbehave string) string {
	k.t.Helper()
	k.tags++
	return k.image(fmt.Sprintf("2.%d.0", k.tags), misbehave)
}

// residue is what the database holds before a drill: the values that are in the environment.
func (k *killing) residue() map[string]string {
	return map[string]string{"azureOpenAiApiKey": k.env["AZURE_OPENAI_API_KEY"], "smtpPassword": k.env["SMTP_PASSWORD"],
		"anonymizationSeed": k.env["ANONYMIZATION_SEED"]}
}

// prepared sets the stage for a drill and returns the command that begins it.
func (k *killing) prepared(d drill) []string {
	k.t.Helper()
	if d.kind == "rotate" {
		k.tags++
		k.env["SMTP_PASSWORD"] = newSMTP + strconv.Itoa(k.tags)
		k.must(k.WriteEnv(k.env))
	}
	k.must(k.Store(k.t.Context(), k.residue()))
	args := append([]string{d.kind, rig.App}, yes(d.kind)...)
	if d.kind == "deploy" {
		args = append(args, "--image", k.tag(d.misbehave))
	}
	return args
}

// carried carries out a drill: it begins a rollout, kills the daemon at each moment and starts it again, and holds what
// came of it against all that was promised.
func (k *killing) carried(d drill) {
	k.t.Helper()
	args := k.prepared(d)
	before := k.live("web", "worker")
	journal, err := k.Tail()
	k.must(err)
	ctx, cancel := context.WithTimeout(k.t.Context(), 2*time.Minute)
	defer cancel()
	told := make(chan rig.Result, 1)
	go func() { // ends with the command, at the latest with ctx
		res, err := k.Run(ctx, args...)
		if err != nil {
			res.Err += err.Error()
		}
		told <- res
	}()
	follow := &follower{journal: journal}
	for _, m := range d.kills {
		if m.record != "" {
			k.must(follow.until(ctx, m.is))
		}
		k.killed(ctx, m.after, d.dead)
	}
	err = follow.until(ctx, moment{record: "ended"}.is)
	k.score.add(&k.score.rollouts, 1)
	if err != nil {
		k.score.add(&k.score.lost, 1)
		k.t.Fatal(err)
	}
	k.judged(d, before, follow.last)
	k.toldTruth(<-told, d.outcome)
}

// killed kills the daemon after a while, and starts it again when it has been dead for another.
func (k *killing) killed(ctx context.Context, after, dead time.Duration) {
	k.t.Helper()
	k.must(elapsed(ctx, after))
	k.must(k.Kill())
	k.score.add(&k.score.kills, 1)
	k.must(elapsed(ctx, dead))
	k.must(k.Start(ctx))
}

// elapsed returns when d is over.
func elapsed(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// toldTruth holds what the command said against the outcome. A daemon that was killed before it answered leaves it with
// nothing to say.
func (k *killing) toldTruth(res rig.Result, outcome string) {
	k.t.Helper()
	codes := map[string]int{"succeeded": 0, "refused": 3, "rolled_back": 4, "halted": 5}
	const unreachable = 8
	if res.Code != codes[outcome] && res.Code != unreachable {
		k.t.Errorf("the rollout ended as %s, and the command said: %s", outcome, res)
	}
}

// judged holds what a drill left against its outcome.
func (k *killing) judged(d drill, before map[string]rig.Container, ended rig.Record) {
	k.t.Helper()
	if ended.Data.Outcome != d.outcome {
		k.score.add(&k.score.untrue, 1)
		k.t.Errorf("the rollout ended as %s (%s), want %s", ended.Data.Outcome, ended.Data.Failure.Message, d.outcome)
	}
	switch {
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
	k.neverTwo()
	k.clearsConfirmed()
	k.run(0, "audit", "verify", "--state", k.State())
}

// renewed expects that every service runs in a container of this rollout, with its final name and policy and today's
// environment.
func (k *killing) renewed(rollout string) {
	k.t.Helper()
	for service, c := range k.live("web", "worker") {
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

// neverTwo expects that the sentry saw no two containers of one service.
func (k *killing) neverTwo() {
	k.t.Helper()
	doubles := k.sentry.report()
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

// follower follows a journal from record to record.
type follower struct {
	journal *rig.Tail
	waiting []rig.Record // read, and not yet passed
	last    rig.Record   // that was passed
}

// until returns when a record that is wanted stands in the journal, and with an error when the rollout has ended without.
func (f *follower) until(ctx context.Context, wanted func(rig.Record) bool) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		for len(f.waiting) > 0 {
			f.last, f.waiting = f.waiting[0], f.waiting[1:]
			if wanted(f.last) {
				return nil
			}
			if f.last.Type == "rollout.ended" {
				return fmt.Errorf("the rollout ended before the record that was waited for: %s", f.last)
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited in vain for a record; the last one is: %s: %w", f.last, ctx.Err())
		case <-tick.C:
		}
		var err error
		if f.waiting, err = f.journal.Next(); err != nil {
			return err
		}
	}
}

// ignoreGone returns nil for an object that the Engine no longer has.
func ignoreGone(err error) error {
	if refusal, ok := errors.AsType[*world.Refusal](err); ok && refusal.Status == 404 {
		return nil
	}
	return err
}
