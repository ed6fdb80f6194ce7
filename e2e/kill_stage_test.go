//go:build e2e

package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/internal/failpoint"
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
	gently    bool          // it is told to stop, and not killed
	dead      time.Duration // how long the daemon stays away after each
	outcome   string        // in which it must end all the same; empty where the request itself is to be lost
	or        []string      // or in one of these
	// staged, where set, is done last before the rollout begins.
	staged func(*killing)
	// judge, where set, takes the place of judged.
	judge func(k *killing, before map[string]rig.Container, ended rig.Record)
}

// score is what a test counts over all its drills. A zero is what each of its faults is to be.
type score struct {
	mu                       sync.Mutex
	rollouts, kills          int
	points                   map[failpoint.Point]int // how often a daemon died at each
	waited                   int                     // rollouts that one daemon left to the next one
	lost                     int                     // that did not end, or not as they must
	duplicated, notConfirmed int
}

// newScore returns a score that the test shows at its end, when all its subtests are through.
func newScore(t *testing.T) *score {
	s := &score{points: map[failpoint.Point]int{}}
	t.Cleanup(func() {
		t.Log(s)
		t.Attr("rollouts", strconv.Itoa(s.rollouts))
		t.Attr("deaths", strconv.Itoa(s.kills))
		if s.lost+s.duplicated+s.notConfirmed > 0 {
			t.Error("each is to be 0")
		}
	})
	return s
}

// died takes down that a daemon died at a point.
func (s *score) died(at failpoint.Point) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kills++
	s.points[at]++
}

func (s *score) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("rollouts %d, kills %d: lost %d, containers duplicated %d, clears unconfirmed %d", s.rollouts, s.kills, s.lost, s.duplicated, s.notConfirmed)
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
	prober *prober
	keeper *keeper
	env    rig.Env
	tags   int
}

// newKilling makes such a stage. Version 1 was just started by hand.
func newKilling(t *testing.T, score *score, o rig.Options) *killing {
	t.Helper()
	s := newTenant(t, o)
	k := &killing{stage: s, score: score, env: goodEnv(), sentry: watched(t, s), prober: probed(t, s)}
	k.version1()
	k.must(k.Postgres.Exec(t.Context(), noteClears))
	k.keeper = kept(t, s)
	k.serves() // or the prober would be blind
	return k
}

// serves expects that the app serves, as seen from outside.
func (k *killing) serves() {
	k.t.Helper()
	k.eventually("the app serves", func() error { return k.prober.serves(k.t.Context()) })
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
	if misbehave == absent {
		return "0.0.0-absent"
	}
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
