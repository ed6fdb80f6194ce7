package orchestrator

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/workload"
)

// stopped has a rollout of capakraken halt, after one that has succeeded, and returns both.
func stopped(t *testing.T) (r *rig, before, halted rollout.State) {
	t.Helper()
	r = started(t, newWorld())
	before = r.end(r.trigger(rollout.Deploy))
	r.world.on["verify"], r.world.on["hold"] = fails, fails
	halted = r.end(r.trigger(rollout.Rotate))
	r.world.on = map[string]func(call) error{}
	return r, before, halted
}

// An unlock after a halt records what runs: that is current from there on, whatever was before.
func TestUnlockObserves(t *testing.T) {
	for name, c := range map[string]struct {
		release string // that runs; empty for the one from before
		change  []func(*workload.Container)
		current bool
		doubts  int
	}{
		"the release from before": {"", nil, true, 0},
		"another":                 {"r3", nil, true, 0},
		"another, unproved":       {"r3", []func(*workload.Container){unproved}, true, 2},
		"one of each":             {"r3", []func(*workload.Container){of("web", func(c *workload.Container) { c.Release = "r2" })}, false, 1},
		"one that is stopped":     {"r3", []func(*workload.Container){of("web", func(c *workload.Container) { c.Status = workload.Exited })}, false, 2},
		"one that somebody made":  {"r3", []func(*workload.Container){of("web", func(c *workload.Container) { c.Ours = false })}, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r, before, _ := stopped(t)
				want := c.release
				if want == "" {
					want = before.Target.ID
				}
				r.world.runs(before.Request.ID, want, c.change...)
				done, err := r.Unlock(t.Context(), anna, capakraken, "put back by hand")
				if err != nil || done.App != capakraken || done.Lock.Rollout == "" || done.Observed == nil || len(done.Observed.Doubts) != c.doubts || len(done.Observed.Containers) != 2 {
					t.Fatalf("the answer is %+v, %v", done, err)
				}
				for range 2 { // now, and as the next daemon reads it
					a, left := r.app(), r.ledger.app(capakraken).Left
					if a.Lock != nil || (a.Current != nil) != c.current || c.current && a.Current.ID != want {
						t.Errorf("the app is %+v", a)
					}
					if same := c.release == ""; (left != nil) != same || (a.Adopted == nil) != (same || !c.current) {
						t.Errorf("of what was left is known %+v, and adopted is %+v", left, a.Adopted)
					}
					r.restart()
				}
				r.world.shows = nil
				if s := r.end(r.trigger(rollout.Deploy)); s.Outcome != rollout.Succeeded {
					t.Errorf("the next rollout ends %s", s.Outcome)
				}
				r.stop()
				r.recorded(done)
			})
		})
	}
}

// recorded expects the journal to hold what an unlock has answered.
func (r *rig) recorded(done rollout.Unlocked) {
	r.Helper()
	var f finding
	for rec, err := range r.Audit(1) {
		if err != nil {
			r.Fatal(err)
		}
		if rec.Type == appUnlocked && json.Unmarshal(rec.Data, &f) == nil && rec.Actor.User != "anna" {
			r.Errorf("it is recorded as %s's", rec.Actor.User)
		}
	}
	if f.Reason != "put back by hand" || f.Observed == nil || len(f.Observed.Doubts) != len(done.Observed.Doubts) || len(f.Observed.Containers) != 2 ||
		(f.Observed.Current == nil) != (done.Observed.Current == nil) {
		r.Errorf("recorded is %+v", f)
	}
}

// An app stays locked whose host cannot be looked at, or of which two containers live.
func TestUnlockRefused(t *testing.T) {
	for name, c := range map[string]struct {
		arrange func(*world)
		kind    fault.Kind
		says    []string
	}{
		"the host does not answer": {func(w *world) { w.blind = fault.New(fault.Unavailable, "the engine does not answer") }, fault.Unavailable,
			[]string{"still locked", "the engine does not answer"}},
		"the look hangs": {func(w *world) { w.looks = func(ctx context.Context) error { return hangs(call{ctx: ctx}) } }, fault.Unavailable,
			[]string{"still locked"}},
		"two live": {func(w *world) {
			w.runs(unknown, "r3")
			one := w.shows
			w.shows = func() []workload.Container {
				twin := one()[0]
				twin.ID, twin.Name = "twin", "app-web.old-12345678"
				return append(one(), twin)
			}
		}, fault.Conflict, []string{"still locked", "app-web (of rollout " + unknown + "), app-web.old-12345678", "stop and remove the other"}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r, _, halted := stopped(t)
				c.arrange(r.world)
				began := time.Now()
				err := r.unlock(capakraken, "put back by hand")
				wantKind(t, err, c.kind)
				for _, text := range c.says {
					if !strings.Contains(fault.Text(err), text) {
						t.Errorf("%q is missing in: %v", text, err)
					}
				}
				if took := time.Since(began); took > laterLook {
					t.Errorf("it took %s", took)
				}
				r.world.blind, r.world.looks, r.world.shows = nil, nil, nil
				if a := r.app(); a.Lock == nil || a.Lock.Rollout != halted.Request.ID || r.count(appUnlocked) != 0 {
					t.Errorf("the app is %+v", a)
				}
				r.stop()
			})
		})
	}
}

// A lock that somebody has put on needs nobody to look.
func TestUnlockPlain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := started(t, newWorld())
		if err := r.Lock(t.Context(), anna, capakraken, "the auditors are here"); err != nil {
			t.Fatal(err)
		}
		r.world.blind = fault.New(fault.Unavailable, "the engine does not answer")
		done, err := r.Unlock(t.Context(), anna, capakraken, "they are gone")
		if err != nil || done.Observed != nil || done.Lock.Reason != "the auditors are here" {
			t.Errorf("%+v, %v", done, err)
		}
		r.stop()
	})
}

// A lock that was on before fairlead locked the app as well is still told, and goes with it.
func TestLocksAddUp(t *testing.T) {
	const why = "the auditors are here"
	both := func(t *testing.T, r *rig) {
		t.Helper()
		a := r.app()
		if !a.Lock.Guards() || a.Lock.Before == nil || a.Lock.Before.Holder != "anna" || a.Lock.Before.Reason != why {
			t.Fatalf("the locks are %+v, %+v", a.Lock, a.Lock.Before)
		}
		_, err := r.Trigger(t.Context(), anna, request(rollout.Rotate))
		if wantKind(t, err, fault.Busy); !strings.Contains(fault.Text(err), why) || !strings.Contains(fault.Text(err), "by fairlead") {
			t.Errorf("whoever asks is told: %v", err)
		}
		if err := r.unlock(capakraken, "all is well"); err != nil {
			t.Fatal(err)
		}
		if a := r.app(); a.Lock != nil {
			t.Errorf("a lock is left: %+v", a.Lock)
		}
		r.stop()
	}
	t.Run("halted", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			w := newWorld()
			r := started(t, w)
			w.on["hold"] = fails
			w.on["verify"] = func(c call) error {
				if err := r.Lock(c.ctx, anna, capakraken, why); err != nil {
					t.Error(err)
				}
				return fails(c)
			}
			r.end(r.trigger(rollout.Deploy))
			both(t, r)
		})
	})
	t.Run("lost", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			r := started(t, newWorld())
			if err := r.Lock(t.Context(), anna, capakraken, why); err != nil {
				t.Fatal(err)
			}
			r.world.runs(unknown, "r3", unproved)
			r.restart()
			both(t, r)
		})
	})
}

// What has changed while somebody looked is not unlocked unseen.
func TestUnlockMeanwhile(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, _, _ := stopped(t)
		r.world.looks = func(context.Context) error {
			r.world.looks = nil
			if err := r.unlock(capakraken, "faster"); err != nil {
				t.Error(err)
			}
			return r.Lock(t.Context(), anna, capakraken, "and now it is mine")
		}
		wantKind(t, r.unlock(capakraken, "slower"), fault.Conflict)
		if a := r.app(); a.Lock == nil || a.Lock.Reason != "and now it is mine" {
			t.Errorf("the lock is %+v", a.Lock)
		}
		r.stop()
	})
}
