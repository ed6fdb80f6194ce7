package orchestrator

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal/journaltest"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/workload"
)

// A rollout is not gone on with when the journal ends in its middle and the host shows a later one, wherever the journal
// ends. It ends halted where anything may have been touched, and the app is locked until somebody has looked; else it is
// refused, and what runs is current. Nothing is done.
func TestAbandonAnywhere(t *testing.T) {
	for _, bad := range []bool{false, true} {
		act := map[bool]string{false: "deploy", true: "deploy that is reverted"}[bad]
		t.Run(act, func(t *testing.T) {
			total := 0
			bubble(t, func(t *testing.T) { // the whole of it, to know how long it is
				r := started(t, newWorld())
				r.goes(bad)
				total = len(r.records())
			})
			t.Run("cut", func(t *testing.T) {
				for n := 2; n < total-1; n++ { // from the request to what comes before the end
					t.Run(fmt.Sprint(n), func(t *testing.T) { bubble(t, func(t *testing.T) { abandoned(t, bad, n) }) })
				}
			})
		})
	}
}

// goes has a deploy go to its end, and the daemon stop.
func (r *rig) goes(bad bool) {
	r.Helper()
	if bad {
		r.world.on["verify"] = fails
	}
	r.end(r.trigger(rollout.Deploy))
	r.stop()
}

// abandoned comes back with a journal of n records to a host on which a later rollout has come to its end.
func abandoned(t *testing.T, bad bool, n int) {
	t.Helper()
	r := started(t, newWorld())
	r.goes(bad)
	r.cut(n)
	did := r.world.done()
	r.world.runs(upcoming, "r3")
	r.life()
	id := r.ledger.active()[0]
	touched := r.ledger.Rollouts[id].Touched()
	ending := r.ledger.Rollouts[id].Phase == rollout.Ending
	r.start()
	s := r.end(id)
	want := rollout.Refused
	if touched {
		want = rollout.Halted
	}
	if s.Outcome != want || r.world.done() != did {
		t.Fatalf("after %q it ends %s, and is done: %s", r.records()[n-1], s.Outcome, r.world.done())
	}
	if why := r.count(string(rollout.Abandoned)); !ending && (why != 1 || r.count(string(rollout.Resumed)) != 0) {
		t.Errorf("there is recorded: %q", r.records()[n:])
	}
	a := r.app()
	switch {
	case !touched && (a.Lock != nil || a.Current == nil || a.Current.ID != "r3"):
		t.Errorf("what runs is not adopted: %+v", a)
	case touched && (a.Lock == nil || a.Lock.Rollout != id || !strings.Contains(a.Lock.Reason, upcoming)):
		t.Errorf("the lock is %+v", a.Lock)
	case touched:
		r.restart() // and nothing more comes of it
		if err := r.unlock(capakraken, "looked at"); err != nil {
			t.Fatal(err)
		}
		if a := r.app(); a.Lock != nil || a.Current.ID != "r3" {
			t.Errorf("after the unlock: %+v", a)
		}
	}
	r.stop()
	r.whole()
}

// A rollout of which the host shows more than was recorded was gone on with by somebody whose records are lost.
func TestAbandonWhatHasRunAhead(t *testing.T) {
	for name, c := range map[string]struct {
		after string // the last record
		shows func(c *workload.Container)
		want  rollout.Outcome
	}{
		"made, and nothing was touched":   {"action.done pull", unproved, rollout.Halted},
		"promoted, and nothing is proved": {"action.done replace worker", func(*workload.Container) {}, rollout.Halted},
		"as it was recorded":              {"action.done replace worker", unproved, rollout.Succeeded},
		"promoted, as may be":             {"action.begun promote worker", func(*workload.Container) {}, rollout.Succeeded},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := started(t, newWorld())
				r.goes(false)
				r.cut(1 + slices.Index(r.records(), c.after))
				r.life()
				id := r.ledger.active()[0]
				r.world.runs(id, "r3", c.shows)
				r.start()
				if s := r.end(id); s.Outcome != c.want {
					t.Errorf("it ends %s: %q", s.Outcome, r.records())
				}
				r.stop()
			})
		})
	}
}

// Of a rollout that has halted and that only lacks its end, the end locks the app, and nothing else is recorded.
func TestLostBeforeAHaltIsRecorded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, _, halted := stopped(t)
		r.stop()
		r.cut(slices.Index(r.records(), "action.failed restore worker") + 1)
		r.world.runs(upcoming, "r3")
		r.life()
		r.start()
		s := r.end(halted.Request.ID)
		if n := r.count(appAdopted) + r.count(appLost) + r.count(string(rollout.Abandoned)); n != 0 || s.Outcome != rollout.Halted {
			t.Errorf("it ends %s: %q", s.Outcome, r.records())
		}
		if a := r.app(); a.Lock == nil || a.Lock.Rollout != s.Request.ID || a.Lock.Lost {
			t.Errorf("the lock is %+v", a.Lock)
		}
		if err := r.unlock(capakraken, "looked at"); err != nil || r.app().Current.ID != "r3" {
			t.Errorf("the unlock: %v, %+v", err, r.app().Current)
		}
		r.stop()
	})
}

// interrupted leaves a rollout in the middle of its verify, and a host that cannot be looked at.
func interrupted(t *testing.T) (r *rig, id string) {
	t.Helper()
	r = open(t, newWorld())
	stopIn(r, "verify", hangs)
	delete(r.world.on, "verify")
	r.world.blind = fault.New(fault.Unavailable, "the engine does not answer")
	r.life()
	r.start()
	return r, r.ledger.active()[0]
}

// A rollout of before does nothing until its app is recognised.
func TestResumeWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, id := interrupted(t)
		did := r.world.done()
		pass(20 * time.Second)
		if r.world.done() != did {
			t.Fatalf("before anybody has looked: %s", r.world.done())
		}
		r.world.meanwhile(func() { r.world.blind = nil })
		if s := r.end(id); s.Outcome != rollout.Succeeded {
			t.Errorf("once somebody has looked it ends %s", s.Outcome)
		}
		r.stop()
	})
}

// Nor does it then, when the host has left it behind.
func TestResumeWaitsInVain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, id := interrupted(t)
		did := r.world.done()
		r.world.runs(upcoming, "r3")
		r.world.meanwhile(func() { r.world.blind = nil })
		if s := r.end(id); s.Outcome != rollout.Halted || r.world.done() != did {
			t.Errorf("it ends %s: %s", s.Outcome, r.world.done())
		}
		r.stop()
	})
}

// It does not wait for ever: when its deadline has passed, it is turned back, and the adapters look for themselves. When
// the app is recognised in the middle of that, what is being done is interrupted.
func TestResumeWaitsForItsDeadline(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, id := interrupted(t)
		var seen time.Time
		r.world.on["restore worker"] = func(c call) error {
			seen = time.Now()
			r.world.runs(upcoming, "r3")
			r.world.meanwhile(func() { r.world.blind = nil })
			return hangs(c)
		}
		s := r.end(id)
		if s.Outcome != rollout.Halted || !strings.Contains(s.Stuck.Message, upcoming) || r.count(string(rollout.Abandoned)) != 1 {
			t.Errorf("it ends %s for %+v: %q", s.Outcome, s.Stuck, r.records())
		}
		if took := s.Ended.Sub(seen); took > lookAgain {
			t.Errorf("what was under way went on for %s", took)
		}
		r.stop()
		r.whole()
	})
}

// A cancel is heard while a rollout waits, and so is a stop.
func TestResumeWaitsAndHears(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, id := interrupted(t)
		r.restart()
		if _, err := r.Cancel(t.Context(), anna, id, "never mind"); err != nil {
			t.Fatal(err)
		}
		did := r.world.done()
		pass(10 * time.Second)
		if r.world.done() != did {
			t.Fatalf("before anybody has looked: %s", r.world.done())
		}
		r.world.meanwhile(func() { r.world.blind = nil })
		if s := r.end(id); s.Outcome != rollout.RolledBack {
			t.Errorf("it ends %s", s.Outcome)
		}
		r.stop()
	})
	t.Run("nothing touched", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			r := open(t, newWorld())
			stopIn(r, "pull", hangs)
			r.world.blind = fault.New(fault.Unavailable, "the engine does not answer")
			r.life()
			r.start()
			id := r.ledger.active()[0]
			if _, err := r.Cancel(t.Context(), anna, id, "never mind"); err != nil {
				t.Fatal(err)
			}
			if s := r.end(id); s.Outcome != rollout.Refused {
				t.Errorf("it ends %s", s.Outcome)
			}
			r.stop()
		})
	})
}

// What is found at the start is recorded in the end, whatever becomes of the daemon or of its disk meanwhile.
func TestFindingsSurvive(t *testing.T) {
	for name, c := range map[string]struct {
		shows []func(*workload.Container)
		typ   string
	}{
		"adopted": {nil, appAdopted},
		"lost":    {[]func(*workload.Container){unproved}, appLost},
	} {
		for _, fails := range []error{syscall.EIO, journaltest.After(syscall.EIO)} { // the record is not there, and it is
			t.Run(fmt.Sprint(name, fails), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					w, disk := newWorld(), journaltest.New(1)
					w.runs(unknown, "r3", c.shows...)
					w.looks = func(ctx context.Context) error { // after the record of the start
						disk.Fail(func(op journaltest.Op) error {
							if op.Verb == journaltest.Sync {
								return fails
							}
							return nil
						})
						return nil
					}
					r := memory(t, w, disk)
					r.start()
					_, err := r.Trigger(t.Context(), anna, request(rollout.Deploy))
					wantKind(t, err, fault.Unavailable)
					w.meanwhile(func() { w.looks = nil })
					disk.Fail(nil)
					pass(time.Minute)
					if n := r.count(c.typ); n != 1 || r.app().Unrecognised != "" {
						t.Errorf("it is recorded %d times: %q", n, r.records())
					}
					r.stop()
				})
			})
		}
	}
	t.Run("dead", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			w := newWorld()
			w.runs(unknown, "r3")
			r := started(t, w)
			r.stop()
			r.cut(1) // the daemon died before it could record it
			r.life()
			r.start()
			if r.count(appAdopted) != 1 || r.app().Current == nil {
				t.Errorf("recorded is %q", r.records())
			}
			r.stop()
		})
	})
}
