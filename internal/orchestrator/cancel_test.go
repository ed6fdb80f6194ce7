package orchestrator

import (
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
)

// A cancel ends the action under way, and turns the rollout back or ends it as refused. Once something may be gone for
// good it is too late.
func TestCancel(t *testing.T) {
	for action, want := range map[string]rollout.Outcome{
		"validate": rollout.Refused, "pull": rollout.Refused,
		"replace web": rollout.RolledBack, "replace worker": rollout.RolledBack, "verify": rollout.RolledBack,
		"promote web": rollout.RolledBack, "promote worker": rollout.RolledBack,
		"retire web": rollout.Succeeded, "retire worker": rollout.Succeeded, "keep": rollout.Succeeded, "clear": rollout.Succeeded,
	} {
		for name, after := range map[string]func(call) error{
			"and waits":                hangs,
			"and is done all the same": func(call) error { return nil },
		} {
			t.Run(action+" "+name, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					w := newWorld()
					r := open(t, w)
					w.on[action] = func(c call) error {
						s, err := r.Cancel(c.ctx, anna, c.state.Request.ID, " wrong image ")
						if want == rollout.Succeeded {
							wantKind(t, err, fault.Conflict)
							return nil
						}
						if err != nil || s.Cancel != "cancelled by anna: wrong image" {
							t.Errorf("cancel: %q, %v", s.Cancel, err)
						}
						_, err = r.Cancel(t.Context(), anna, c.state.Request.ID, "")
						wantKind(t, err, fault.Conflict)
						return after(c)
					}
					r.start()
					id := r.trigger(rollout.Deploy)
					before, since := w.picture(), time.Now()
					s := r.end(id)
					if took := time.Since(since); took != 0 {
						t.Errorf("the cancel was heard of after %s", took)
					}
					if s.Outcome != want {
						t.Errorf("it ended %s, not %s: %s", s.Outcome, want, w.done())
					}
					if want != rollout.Succeeded && (s.Failure.Kind != fault.Conflict || !strings.Contains(s.Failure.Message, "wrong image") || w.picture().Live["web"] != before.Live["web"]) {
						t.Errorf("its failure is %+v, and the host %+v", s.Failure, w.picture())
					}
					r.stop()
				})
			})
		}
	}
}

func TestCancelThatCannotBe(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := started(t, newWorld())
		_, err := r.Cancel(t.Context(), anna, "01X", "")
		wantKind(t, err, fault.NotFound)
		id := r.trigger(rollout.Rotate)
		_, err = r.Cancel(t.Context(), anna, id, strings.Repeat("x", maxReason+1))
		wantKind(t, err, fault.Usage)
		r.end(id)
		_, err = r.Cancel(t.Context(), anna, id, "")
		if wantKind(t, err, fault.Conflict); !strings.Contains(fault.Text(err), "succeeded") {
			t.Errorf("a cancel after the end is answered with %q", fault.Text(err))
		}
		r.stop()
	})
}

// A cancel that cannot be recorded has not happened, and nothing else happens either.
func TestCancelWithoutJournal(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		r := open(t, w)
		w.on["verify"] = func(c call) error {
			r.disk.failAfter(0, false)
			_, err := r.Cancel(c.ctx, anna, c.state.Request.ID, "")
			wantKind(t, err, fault.Unavailable)
			if c.ctx.Err() != nil {
				t.Error("the action was ended for it")
			}
			return nil
		}
		r.start()
		r.trigger(rollout.Deploy)
		r.die()
		if last := w.done(); !strings.HasSuffix(last, "verify") {
			t.Errorf("after the journal had failed: %s", last)
		}
		delete(w.on, "verify")
		r.nextLife(0, rollout.Succeeded, picture{Live: map[string]string{"web": "new-web", "worker": "new-worker"},
			Retired: map[string]bool{"web": true, "worker": true}})
	})
}
