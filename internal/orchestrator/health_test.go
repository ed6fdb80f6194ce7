package orchestrator

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
)

// What nobody moves is stuck; what waits within its deadline is not, and nor is what only a disk holds up.
func TestStuck(t *testing.T) {
	within := func(o *Orchestrator) error {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		return o.Stuck(ctx)
	}
	says := func(o *Orchestrator, words string) {
		t.Helper()
		if err := within(o); err == nil || !strings.Contains(fault.Text(err), words) {
			t.Errorf("it is told %v, and not that %s", err, words)
		}
	}
	r := started(t, newWorld())
	o := r.Orchestrator
	if err := within(o); err != nil {
		t.Errorf("an idle daemon is stuck: %v", err)
	}
	o.pen.take()
	says(o, "nobody could decide")
	o.writing.Store(true)
	if err := within(o); err != nil {
		t.Errorf("a disk that does not answer is a daemon that is stuck: %v", err)
	}
	o.writing.Store(false)
	o.pen.give()
	o.mu.Lock()
	says(o, "could not be looked at")
	o.mu.Unlock()

	o.acts("01", &rollout.Action{Verb: rollout.DoVerify, Deadline: time.Now().Add(time.Hour)})
	if err := within(o); err != nil {
		t.Errorf("a long wait within its deadline is stuck: %v", err)
	}
	o.acts("01", &rollout.Action{Verb: rollout.DoVerify, Deadline: time.Now().Add(-time.Second)})
	if err := within(o); err != nil {
		t.Errorf("an action that has just been interrupted is stuck: %v", err)
	}
	o.acts("01", &rollout.Action{Verb: rollout.DoVerify, Deadline: time.Now().Add(-2 * overdue)})
	says(o, "verify of rollout 01 goes on, 2m0s after its deadline")
	o.acts("01", nil)
	if err := within(o); err != nil {
		t.Error(err)
	}
}

// An action that does not end with its context is seen, by what the worker itself has noted.
func TestAnActionThatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := started(t, newWorld())
		begun, release := make(chan struct{}), make(chan struct{})
		r.world.on["validate"] = func(call) error { close(begun); <-release; return nil }
		r.trigger(rollout.Rotate)
		<-begun
		if err := r.Stuck(t.Context()); err != nil {
			t.Errorf("it is stuck as soon as it has begun: %v", err)
		}
		if doing := r.Doing(); len(doing) != 1 || doing[0].Doing == nil || doing[0].Doing.Verb != rollout.DoValidate {
			t.Errorf("it does %+v", doing)
		}
		time.Sleep(time.Until(r.Doing()[0].Doing.Deadline.Add(overdue + time.Second)))
		if err := r.Stuck(t.Context()); err == nil || !strings.Contains(fault.Text(err), "validate of rollout") {
			t.Errorf("an action that does not end is told of as %v", err)
		}
		close(release)
		synctest.Wait()
		if err := r.Stuck(t.Context()); err != nil {
			t.Errorf("it ended, and is stuck: %v", err)
		}
		r.stop()
	})
}

// A configuration that would leave a rollout without its app is refused; an app that is new is recognised first.
func TestReconfigure(t *testing.T) {
	r := started(t, newWorld())
	begun, release := make(chan struct{}), make(chan struct{})
	r.world.on["validate"] = func(call) error { close(begun); <-release; return nil }
	id := r.trigger(rollout.Rotate)
	<-begun
	swapped := false
	if err := r.Reconfigure(t.Context(), []string{other}, func([]string) { swapped = true }); fault.KindOf(err) != fault.Refused || swapped || !strings.Contains(fault.Text(err), id) {
		t.Errorf("a rollout lost its app: %v, %t", err, swapped)
	}
	if err := r.Reconfigure(t.Context(), []string{capakraken, other, "third"}, func([]string) { swapped, r.world.more = true, []string{"third"} }); err != nil || !swapped {
		t.Errorf("it is not taken up: %v, %t", err, swapped)
	}
	r.mu.Lock()
	third := r.apps["third"]
	r.mu.Unlock()
	if third == nil {
		t.Fatal("the new app is not looked at")
	}
	select {
	case <-third.done:
	case <-time.After(time.Minute):
		t.Error("the new app was not recognised")
	}
	close(release)
	r.end(id)
}

// A request that waits is begun as the configuration has it by then: one that was to clear with a deploy does not, once the
// configuration says otherwise.
func TestReconfigureWhileARequestWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, gate := gated()
		r := started(t, w)
		first := r.trigger(rollout.Rotate)
		p := r.wait("ada", time.Hour, func(q *Request, _ *Wait) { q.Kind, q.Image = rollout.Deploy, "2.0.0" })
		var unended []string
		if err := r.Reconfigure(t.Context(), w.Apps(), func(ids []string) { unended, w.manual = ids, true }); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(unended, []string{first}) {
			t.Errorf("%v are said to go on as they began, not %s", unended, first)
		}
		gate <- struct{}{}
		if !p.answered() || p.err != nil {
			t.Fatalf("it has not had its turn: %v", p.err)
		}
		gate <- struct{}{}
		if s := r.end(p.state.Request.ID); s.Request.Clears || s.Outcome != rollout.Succeeded {
			t.Errorf("it clears (%t), and ended %s", s.Request.Clears, s.Outcome)
		}
		r.stop()
	})
}
