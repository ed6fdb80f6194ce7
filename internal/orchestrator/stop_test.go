package orchestrator

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
)

// stopIn starts a deploy, and stops the daemon as soon as the action has begun. It returns how long the stop took.
func stopIn(r *rig, action string, then func(call) error) time.Duration {
	r.Helper()
	begun := make(chan struct{})
	r.world.on[action] = func(c call) error {
		close(begun)
		return then(c)
	}
	r.start()
	r.trigger(rollout.Deploy)
	<-begun
	since := time.Now()
	r.stop()
	delete(r.world.on, action)
	return time.Since(since)
}

// A stop ends what only waits at once, and lets what changes a container finish. Either way the next daemon goes on.
func TestStop(t *testing.T) {
	slow := func(d time.Duration) func(call) error {
		return func(c call) error {
			select {
			case <-time.After(d):
				return nil
			case <-c.ctx.Done():
				return fault.New(fault.Unavailable, "interrupted")
			}
		}
	}
	for name, c := range map[string]struct {
		action string
		takes  time.Duration // as long as it is let
		stop   time.Duration // how long the stop then takes
		last   string        // record before daemon.stopped
	}{
		"a verify is interrupted":             {"verify", time.Minute, 0, "action.begun verify"},
		"a pull is interrupted":               {"pull", time.Minute, 0, "action.begun pull"},
		"a replace may finish":                {"replace web", 5 * time.Second, 5 * time.Second, "action.done replace web"},
		"a clear may finish":                  {"clear", 5 * time.Second, 5 * time.Second, "action.done clear"},
		"a replace that hangs is interrupted": {"replace web", time.Minute, 20 * time.Second, "action.begun replace web"},
		"a retire that hangs is interrupted":  {"retire web", time.Minute, 20 * time.Second, "action.begun retire web"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := open(t, newWorld())
				if took := stopIn(r, c.action, slow(c.takes)); took != c.stop {
					t.Errorf("the stop took %s, not %s", took, c.stop)
				}
				all := r.records()
				if got := all[len(all)-3]; c.action != "clear" && (got != c.last || all[len(all)-2] != "rollout.suspended") {
					t.Errorf("the journal ends with %v", all[len(all)-3:])
				}
				r.Stop(t.Context()) // twice does no harm
				if again := r.records(); len(again) != len(all) || again[len(all)-1] != "daemon.stopped" {
					t.Errorf("the second stop is recorded: %v", again[len(all)-1:])
				}
				r.life()
				r.start()
				for _, s := range r.Rollouts(capakraken, 1) {
					if s = r.end(s.Request.ID); s.Outcome != rollout.Succeeded || s.Resumed != (c.action != "clear") {
						t.Errorf("the next daemon ended it %s (resumed %t)", s.Outcome, s.Resumed)
					}
				}
				r.stop()
			})
		})
	}
}

// The caller's context bounds a stop as well.
func TestStopIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		begun := make(chan struct{})
		w.on["replace web"] = func(c call) error { close(begun); return hangs(c) }
		r := started(t, w)
		r.trigger(rollout.Deploy)
		<-begun
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		since := time.Now()
		r.Stop(ctx)
		if took := time.Since(since); took != time.Second {
			t.Errorf("the stop took %s", took)
		}
	})
}

func TestNothingBeginsOnceItStops(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := started(t, newWorld())
		r.Stop(t.Context())
		if r.Refusing() != "the daemon is stopping" {
			t.Errorf("it refuses with %q", r.Refusing())
		}
		_, err := r.Trigger(t.Context(), anna, request(rollout.Rotate))
		wantKind(t, err, fault.Unavailable)
	})
}

// An action that does not end by its deadline is ended, and the operator is told that it was the deadline.
func TestDeadline(t *testing.T) {
	for action, c := range map[string]struct {
		want rollout.Outcome
		says string
	}{
		"validate":    {rollout.Refused, "validate did not end before its deadline"},
		"pull":        {rollout.Refused, "pull did not end"},
		"replace web": {rollout.RolledBack, "replace of service web did not end"},
		"verify":      {rollout.RolledBack, "verify did not end"},
		"clear":       {rollout.Succeeded, "clear did not end"},
	} {
		t.Run(action, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld()
				w.on[action] = hangs
				r := started(t, w)
				since := time.Now()
				s := r.end(r.trigger(rollout.Deploy))
				r.stop()
				said := strings.Join(s.Warnings, "")
				if s.Failure != nil {
					said += s.Failure.Text()
					if s.Failure.Kind != fault.TimedOut {
						t.Errorf("the failure is of kind %s", s.Failure.Kind)
					}
				}
				if took := time.Since(since); s.Outcome != c.want || took != time.Minute || !strings.Contains(said, c.says) {
					t.Errorf("it ended %s after %s: %s", s.Outcome, took, said)
				}
			})
		})
	}
}

// A deadline goes on while no daemon runs.
func TestDeadlineWhileItIsDown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := open(t, newWorld())
		stopIn(r, "verify", hangs)
		pass(2 * time.Minute)
		r.life()
		r.start()
		s := r.end(r.Rollouts(capakraken, 1)[0].Request.ID)
		if s.Outcome != rollout.RolledBack || s.Failure.Kind != fault.TimedOut || strings.Count(r.world.done(), "verify") != 1 {
			t.Errorf("it ended %s for %+v after %s", s.Outcome, s.Failure, r.world.done())
		}
		r.stop()
	})
}
