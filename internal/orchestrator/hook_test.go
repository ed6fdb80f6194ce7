package orchestrator

import (
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
)

func tell(step rollout.Step, when rollout.When) []rollout.Hook {
	return []rollout.Hook{{Step: step, When: when, Name: "tell", Command: []string{"/usr/local/bin/tell"}, Timeout: time.Minute}}
}

// What a hook said before it failed is recorded with its failure, and is still known after the daemon's end.
func TestFailedHookKeepsItsWords(t *testing.T) {
	for _, c := range []struct {
		step rollout.Step
		when rollout.When
		want rollout.Outcome
		did  string
	}{
		{rollout.Validate, rollout.Before, rollout.Refused, "hook"},
		{rollout.Restart, rollout.Before, rollout.Refused, "validate, pull, hook"},
		{rollout.Verify, rollout.After, rollout.RolledBack, "validate, pull, replace web, replace worker, verify, hook, restore worker, restore web, hold"},
		{rollout.Clear, rollout.Before, rollout.Succeeded, "validate, pull, replace web, replace worker, verify, promote web, promote worker, retire web, retire worker, keep, hook"},
	} {
		t.Run(string(c.when)+" "+string(c.step), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld()
				w.hooks, w.on["hook"] = tell(c.step, c.when), fails
				r := started(t, w)
				id := r.trigger(rollout.Deploy)
				if s := r.end(id); s.Outcome != c.want || w.done() != c.did {
					t.Errorf("it ended %s after\n  %s\nand not %s after\n  %s", s.Outcome, w.done(), c.want, c.did)
				}
				r.stop()
				r.life()
				r.start()
				if s := r.end(id); len(s.Hooked) != 1 || s.Hooked[0].Log != "its last words" {
					t.Errorf("what is known of the hook is %+v", s.Hooked)
				}
				r.stop()
			})
		})
	}
}

// A daemon that comes too late for a hook says that it may have done its work.
func TestHookExpires(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		w.hooks = tell(rollout.Restart, rollout.Before)
		r := open(t, w)
		stopIn(r, "hook", hangs)
		pass(2 * time.Minute)
		r.life()
		r.start()
		s := r.end(r.Rollouts(capakraken, 1)[0].Request.ID)
		if s.Outcome != rollout.Refused || s.Failure.Kind != fault.TimedOut || strings.Count(w.done(), "hook") != 1 {
			t.Errorf("it ended %s for %+v after %s", s.Outcome, s.Failure, w.done())
		}
		for _, part := range []string{"the deadline of the hook before restart (tell) has passed", "it was begun, and may have done its work; no container was touched"} {
			if !strings.Contains(s.Failure.Message, part) {
				t.Errorf("%q is missing in %q", part, s.Failure.Message)
			}
		}
		r.stop()
	})
}

// What stops the daemon may end its hook as well. That is no failure of the hook: the next daemon calls it again.
func TestHookThatAStopEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		w.hooks = tell(rollout.Verify, rollout.After)
		r := open(t, w)
		stopIn(r, "hook", func(c call) error {
			pass(time.Second)
			return fault.New(fault.Refused, "it was ended by the signal SIGTERM")
		})
		if all := r.records(); all[len(all)-2] != "rollout.suspended" {
			t.Errorf("the journal ends with %v", all[len(all)-3:])
		}
		r.life()
		r.start()
		if s := r.end(r.Rollouts(capakraken, 1)[0].Request.ID); s.Outcome != rollout.Succeeded || !s.Resumed {
			t.Errorf("it ended %s for %+v", s.Outcome, s.Failure)
		}
		r.stop()
	})
}
