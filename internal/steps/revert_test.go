package steps

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// restores makes the runtime restore whatever it is asked to, and returns what it was asked.
func (r *rig) restores() *[]string {
	var asked []string
	r.runtime.restore = func(rollout, service string, old *workload.Container) error {
		id := "nothing"
		if old != nil {
			id = old.ID
		}
		asked = append(asked, strings.Join([]string{rollout, service, id}, " "))
		return nil
	}
	return &asked
}

func TestRestoreKeepsTheEvidence(t *testing.T) {
	r := newRig(t)
	s := r.replaced(rollout.Deploy)
	c := r.container("web-new")
	c.Status, c.ExitCode = workload.Exited, 3
	asked := r.restores()
	encoded := base64.StdEncoding.EncodeToString([]byte("user:" + smtp))
	r.envs["web-new"] = holding(r.envs["web-new"], "ONLY_HERE", "canary-azure-only-here") // no longer in the env file
	r.containers.logs = func(id string, lines int) (string, error) {
		if id != "web-new" || lines != 20 {
			t.Errorf("read %d lines of %s", lines, id)
		}
		if len(*asked) > 0 {
			t.Error("the log was read when the container was already gone")
		}
		return "key " + azure + "\nauth " + encoded + "\nat " + dsn + "\nand canary-azure-only-here\npanic: no route\n", nil
	}
	ev, err := r.do(t.Context(), s, rollout.DoRestore, "web")
	if err != nil {
		t.Fatal(err)
	}
	got := *ev.Restored
	if got.Service != "web" || got.Removed != "web-new" || got.Status != workload.Exited || got.ExitCode != 3 || got.Baseline != "running" {
		t.Errorf("kept %+v", got)
	}
	for _, want := range []string{"key [AZURE_OPENAI_API_KEY]", "[DATABASE_URL]", "[ONLY_HERE]", "[SMTP_PASSWORD]", "panic: no route"} {
		if !strings.Contains(got.Log, want) {
			t.Errorf("the log %q does not hold %q", got.Log, want)
		}
	}
	if strings.Contains(got.Log, encoded) {
		t.Error("the log holds a value in base64")
	}
	if !slices.Equal(*asked, []string{"r1 web web-old"}) {
		t.Errorf("restored %q", *asked)
	}
}

// TestRestoreRedactsWhatOnlyTheDatabaseHolds holds that a value which the environment does not have is kept out of the
// journal as well, and that a log in which it could stand unknown is not kept at all.
func TestRestoreRedactsWhatOnlyTheDatabaseHolds(t *testing.T) {
	const gemini = "canary-gemini-only-in-the-database"
	for name, test := range map[string]struct {
		stored func(ctx context.Context, l Legacy) (secret.Env, error)
		log    string
	}{
		"read": {func(_ context.Context, l Legacy) (secret.Env, error) {
			if l.DSN.IsEmpty() || len(l.Secrets) == 0 {
				return nil, fault.New(fault.Internal, "asked for %+v", l)
			}
			return secret.NewEnv(secret.Var{Name: "geminiApiKey", Value: secret.NewValue(gemini)}), nil
		}, "bad credential [geminiApiKey], not [SMTP_PASSWORD]"},
		"not there": {func(context.Context, Legacy) (secret.Env, error) {
			return nil, fault.New(fault.NotFound, "no such table")
		},
			"bad credential " + gemini + ", not [SMTP_PASSWORD]"},
		"unreachable": {func(context.Context, Legacy) (secret.Env, error) {
			return nil, fault.New(fault.Unavailable, "nobody answers")
		},
			"(not kept, since the legacy values that may stand in it cannot be looked up: nobody answers)"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			s := r.replaced(rollout.Rotate)
			r.containers.logs = func(string, int) (string, error) { return "bad credential " + gemini + ", not " + smtp, nil }
			r.database.stored = test.stored
			asked := r.restores()
			ev, err := r.do(t.Context(), s, rollout.DoRestore, "web")
			if err != nil || len(*asked) != 1 {
				t.Fatalf("not restored (%q): %v", *asked, err)
			}
			if ev.Restored.Log != test.log {
				t.Errorf("kept the log %q, want %q", ev.Restored.Log, test.log)
			}
		})
	}
}

// TestRestoreWhereTheDatabaseTellsNothing holds that with a function in the table's place a log is kept only if the environment
// knows every value that the database has.
func TestRestoreWhereTheDatabaseTellsNothing(t *testing.T) {
	said := "not " + smtp
	for name, test := range map[string]struct {
		verdict secret.Verdict
		err     error
		log     string
	}{
		"the same":    {verdict: secret.Same, log: "not [SMTP_PASSWORD]"},
		"empty":       {verdict: secret.Empty, log: "not [SMTP_PASSWORD]"},
		"another":     {verdict: secret.Differs, log: `(not kept, since the legacy values that may stand in it cannot be looked up: column "smtpPassword" holds another value than the environment, and the function f does not tell it)`},
		"no table":    {err: fault.New(fault.NotFound, "no such table"), log: "not [SMTP_PASSWORD]"},
		"unreachable": {err: fault.New(fault.Unavailable, "nobody answers"), log: "(not kept, since the legacy values that may stand in it cannot be looked up: nobody answers)"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, "row: {id: singleton}}", "row: {id: singleton}, function: f}")
			s := r.replaced(rollout.Rotate)
			r.containers.logs = func(string, int) (string, error) { return said, nil }
			r.database.stored = func(context.Context, Legacy) (secret.Env, error) { t.Error("it was asked for values"); return nil, nil }
			r.database.inspect = func(_ context.Context, l Legacy, expected map[string]secret.Value) ([]secret.Residue, error) {
				if l.Config.Function != "f" || !expected["smtp"].Equal(secret.NewValue(smtp)) {
					t.Errorf("asked for %+v", l)
				}
				return []secret.Residue{{Secret: "smtp", Column: "smtpPassword", Verdict: test.verdict}}, test.err
			}
			r.restores()
			ev, err := r.do(t.Context(), s, rollout.DoRestore, "web")
			if err != nil || ev.Restored.Log != test.log {
				t.Errorf("kept the log %q, want %q (%v)", ev.Restored.Log, test.log, err)
			}
		})
	}
}

func TestRestoreWithoutEvidence(t *testing.T) {
	unavailable := fault.New(fault.Unavailable, "the Engine does not answer")
	for name, test := range map[string]struct {
		arrange func(r *rig)
		removed string
	}{
		"it was never made": {func(r *rig) { r.remove("web-new") }, ""},
		"its environment cannot be read": {func(r *rig) {
			r.containers.environment = func(string) (secret.Env, error) { return nil, unavailable }
		}, "web-new"},
		"its log cannot be read": {func(r *rig) {
			r.containers.logs = func(string, int) (string, error) { return "half a line of " + azure, unavailable }
		}, "web-new"},
		"nothing can be seen": {func(r *rig) {
			r.runtime.observe = func([]workload.Service) ([]workload.Container, error) { return nil, unavailable }
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			s := r.replaced(rollout.Deploy)
			r.containers.logs = func(string, int) (string, error) { return "a log with " + azure, nil }
			test.arrange(r)
			asked := r.restores()
			ev, err := r.do(t.Context(), s, rollout.DoRestore, "web")
			if err != nil || len(*asked) != 1 {
				t.Fatalf("not restored (%q): %v", *asked, err)
			}
			if got := ev.Restored; got.Log != "" || got.Removed != test.removed {
				t.Errorf("kept %+v", got)
			}
		})
	}
}

func TestRestoreOfWhatWasThere(t *testing.T) {
	for name, test := range map[string]struct {
		arrange  func(r *rig)
		baseline string
		asked    string
	}{
		"running": {func(*rig) {}, "running", "r1 web web-old"},
		"paused":  {func(r *rig) { r.container("web-old").Status = workload.Paused }, "paused", "r1 web web-old"},
		"stopped": {func(r *rig) { r.container("web-old").Status = workload.Exited }, "stopped", "r1 web web-old"},
		"nothing": {func(r *rig) { r.remove("web-old") }, "absent", "r1 web nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			test.arrange(r)
			s := r.validated(rollout.Deploy)
			asked := r.restores()
			r.write("must not matter to a revert")
			ev, err := r.do(t.Context(), s, rollout.DoRestore, "web")
			if err != nil || ev.Restored.Baseline != test.baseline || !slices.Equal(*asked, []string{test.asked}) {
				t.Errorf("%+v, %v, restored %q", ev, err, *asked)
			}
		})
	}
}

// TestRestoreIsTriedAgain makes sure that a port which somebody holds for a while does not halt a rollout, and that one
// which is never let go does, at the deadline.
func TestRestoreIsTriedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		held time.Duration
		kind fault.Kind
		ends bool
	}{
		"for a while":      {14 * time.Second, fault.Conflict, true},
		"for ever":         {time.Hour, fault.Unavailable, false},
		"what cannot pass": {time.Nanosecond, fault.Refused, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				s := r.replaced(rollout.Deploy)
				begun := time.Now()
				r.runtime.restore = func(string, string, *workload.Container) error {
					if time.Since(begun) < c.held {
						return fault.New(c.kind, "the port is taken")
					}
					return nil
				}
				ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
				defer cancel()
				ev, err := r.do(ctx, s, rollout.DoRestore, "web")
				if c.ends {
					if err != nil || ev.Restored == nil {
						t.Errorf("%+v, %v", ev, err)
					}
					return
				}
				if expect(t, err, c.kind, "the port is taken"); ev != nil {
					t.Errorf("evidence of a failed restore: %+v", ev)
				}
			})
		})
	}
}

func TestTail(t *testing.T) {
	short := strings.Repeat("a", maxLog)
	if tail(short) != short {
		t.Error("a log that fits is cut")
	}
	cut := tail(strings.Repeat("ä", maxLog) + "z")
	if len(cut) > maxLog+len("…") || !strings.HasPrefix(cut, "…ä") || !strings.HasSuffix(cut, "äz") {
		t.Errorf("cut to %d bytes, beginning with %q", len(cut), cut[:8])
	}
}

// TestTheServiceDoesNotWaitForTheDatabase: a database that hangs is no reason for the old release to stay down.
func TestTheServiceDoesNotWaitForTheDatabase(t *testing.T) {
	r := newRig(t)
	s := r.replaced(rollout.Deploy)
	asked := r.restores()
	r.containers.logs = func(string, int) (string, error) { return "the last words", nil }
	r.database.stored = func(context.Context, Legacy) (secret.Env, error) {
		if len(*asked) == 0 {
			t.Error("the database is asked before the service is restored")
		}
		return nil, nil
	}
	ev, err := r.do(t.Context(), s, rollout.DoRestore, "web")
	if err != nil || ev.Restored.Log != "the last words" {
		t.Errorf("%+v, %v", ev, err)
	}
}

// A container of this rollout that has its final name was proved, or somebody has seen to it, where the journal does not
// know of a promotion. It may be all that runs.
func TestRestoreLeavesWhatWasPromoted(t *testing.T) {
	r := newRig(t) // whose runtime fails the test when it is asked to restore
	s := r.replaced(rollout.Deploy)
	r.container("web-new").Name = "shop-web"
	_, err := r.do(t.Context(), s, rollout.DoRestore, "web")
	expect(t, err, fault.Conflict, "container shop-web of service web has its final name", "nothing was touched")

	asked := r.restores()
	if _, err := r.do(t.Context(), s, rollout.DoRestore, "worker"); err != nil || len(*asked) != 1 {
		t.Errorf("the other service is not restored: %q, %v", *asked, err)
	}
	s.Services[0].Promote = rollout.Begin // so it can be that
	if _, err := r.do(t.Context(), s, rollout.DoRestore, "web"); err != nil || len(*asked) != 2 {
		t.Errorf("what the journal knows to be promoted is not restored: %q, %v", *asked, err)
	}
}
