package orchestrator

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
)

// endings are the ways in which rollouts go in these tests: what happens to which action, and what must come of it.
var endings = []struct {
	name string
	kind rollout.Kind
	on   map[string]func(call) error
	want rollout.Outcome
	did  string
}{
	{"deploy", rollout.Deploy, nil, rollout.Succeeded,
		"validate, pull, replace web, replace worker, verify, promote web, promote worker, retire web, retire worker, keep, clear"},
	{"rotate", rollout.Rotate, nil, rollout.Succeeded,
		"validate, replace web, replace worker, verify, promote web, promote worker, retire web, retire worker, keep"},
	{"cleanup", rollout.Cleanup, nil, rollout.Succeeded, "validate, verify, clear"},
	{"deploy refused", rollout.Deploy, map[string]func(call) error{"pull": fails}, rollout.Refused, "validate, pull"},
	{"deploy rolled back", rollout.Deploy, map[string]func(call) error{"verify": fails}, rollout.RolledBack,
		"validate, pull, replace web, replace worker, verify, restore worker, restore web, hold"},
	{"rotate halted", rollout.Rotate, map[string]func(call) error{"verify": fails, "restore web": fails}, rollout.Halted,
		"validate, replace web, replace worker, verify, restore worker, restore web"},
	{"cleanup refused", rollout.Cleanup, map[string]func(call) error{"verify": fails}, rollout.Refused, "validate, verify"},
	{"cleanup whose clear fails", rollout.Cleanup, map[string]func(call) error{"clear": fails}, rollout.Succeeded, "validate, verify, clear"},
}

// Each kind goes its way, and the intent of each action is on the disk before the action is begun.
func TestPaths(t *testing.T) {
	for _, c := range endings {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld()
				w.on = c.on
				r := open(t, w)
				w.seen = func(s rollout.State, a rollout.Action) {
					all := r.records()
					if want := strings.TrimSpace("action.begun " + string(a.Verb) + " " + a.Service); all[len(all)-1] != want {
						t.Errorf("%s is done when the last record is %s", a.Verb, all[len(all)-1])
					}
					if s.Doing == nil || *s.Doing != a {
						t.Errorf("%s is done while the state says %v", a.Verb, s.Doing)
					}
					r.whole()
				}
				r.start()
				s := r.end(r.trigger(c.kind))
				if s.Outcome != c.want || w.done() != c.did {
					t.Errorf("it ended %s after\n  %s\nand not %s after\n  %s", s.Outcome, w.done(), c.want, c.did)
				}
				if len(r.ended) != 1 || r.ended[0].Outcome != c.want {
					t.Errorf("it was told of %d ends", len(r.ended))
				}
				r.stop()
				r.whole()
				r.life()
				again, err := r.Rollout(s.Request.ID)
				if diff := cmp.Diff(s, again); err != nil || diff != "" {
					t.Errorf("after a restart it is not the same (%v):\n%s", err, diff)
				}
				r.stop()
			})
		})
	}
}

func TestRecordsOfADeploy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := started(t, newWorld())
		r.end(r.trigger(rollout.Rotate))
		r.stop()
		want := []string{"daemon.started", "rollout.requested",
			"action.begun validate", "action.done validate",
			"action.begun replace web", "action.done replace web",
			"action.begun replace worker", "action.done replace worker",
			"action.begun verify", "action.done verify",
			"action.begun promote web", "action.done promote web",
			"action.begun promote worker", "action.done promote worker",
			"action.begun retire web", "action.done retire web",
			"action.begun retire worker", "action.done retire worker",
			"action.begun keep", "action.done keep",
			"rollout.ended", "daemon.stopped"}
		r.life()
		if diff := cmp.Diff(want, r.records()); diff != "" {
			t.Errorf("the journal (-want +got):\n%s", diff)
		}
		r.stop()
	})
}

// A panic is an action's failure: it is recorded without what it said, and the action is not tried again.
func TestPanic(t *testing.T) {
	for action, want := range map[string]rollout.Outcome{"validate": rollout.Refused, "verify": rollout.RolledBack, "clear": rollout.Succeeded} {
		t.Run(action, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld()
				times := 0
				w.on[action] = func(call) error { times++; panic("hunter22") }
				r := started(t, w)
				s := r.end(r.trigger(rollout.Deploy))
				if s.Outcome != want || times != 1 {
					t.Errorf("it ended %s after %d panics", s.Outcome, times)
				}
				r.stop()
				for rec, err := range r.Audit(1) {
					if err != nil || strings.Contains(string(rec.Data), "hunter22") {
						t.Errorf("record %d: %v %s", rec.Seq, err, rec.Data)
					}
				}
				if !slices.ContainsFunc(r.records(), func(s string) bool { return s == "action.failed "+action }) {
					t.Errorf("the failure is not recorded: %v", r.records())
				}
			})
		})
	}
}

// A result that cannot be recorded is a failure; without one the rollout would stand still for ever.
func TestUnfitResults(t *testing.T) {
	for name, found := range map[string]func(*rollout.Evidence) *rollout.Evidence{
		"nothing was found": func(*rollout.Evidence) *rollout.Evidence { return nil },
		"too much was found": func(ev *rollout.Evidence) *rollout.Evidence {
			ev.Verified.Warnings = []string{strings.Repeat("x", 1<<20)}
			return ev
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld()
				w.found = func(a rollout.Action, ev *rollout.Evidence) *rollout.Evidence {
					if a.Verb == rollout.DoVerify {
						return found(ev)
					}
					return ev
				}
				r := started(t, w)
				s := r.end(r.trigger(rollout.Deploy))
				if s.Outcome != rollout.RolledBack || s.Failure.Kind != fault.Internal || r.Refusing() != "" {
					t.Errorf("it ended %s for %+v; %s", s.Outcome, s.Failure, r.Refusing())
				}
				r.stop()
				r.life() // nothing is in the journal that the next daemon would stumble over
				r.stop()
			})
		})
	}
}

// An error that is not ours is recorded without its text, which could carry a secret.
func TestStrangeError(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		w.on["verify"] = func(call) error { return errors.New("pq: password hunter22") }
		r := started(t, w)
		s := r.end(r.trigger(rollout.Deploy))
		r.stop()
		if s.Failure == nil || strings.Contains(s.Failure.Text(), "hunter22") || s.Failure.Kind != fault.Internal {
			t.Errorf("the failure is %+v", s.Failure)
		}
	})
}

func TestNewWantsItsOptions(t *testing.T) {
	_, err := New(Options{})
	wantKind(t, err, fault.Internal)
}
