package orchestrator

import (
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
)

// A rotation that is for a change is begun only for one, and what came of the question is recorded, within bounds.
func TestOnlyIfChanged(t *testing.T) {
	r := started(t, newWorld())
	asked := Request{App: capakraken, Kind: rollout.Rotate, IfChanged: true}
	r.world.meanwhile(func() { r.world.unchanged = true })
	for range refusedPerHour + 5 {
		s, err := r.Trigger(t.Context(), anna, asked)
		if err != nil || s.Request.ID != "" || s.Phase != rollout.Over || s.Outcome != rollout.Succeeded || s.Request.App != capakraken {
			t.Fatalf("nothing has changed, and it is answered %+v, %v", s, err)
		}
	}
	if s, err := r.TriggerInTurn(t.Context(), anna, asked, Wait{Limit: time.Minute}); err != nil || s.Request.ID != "" {
		t.Errorf("one that waits is answered %+v, %v", s, err)
	}
	if did := r.world.done(); did != "" || len(r.Rollouts("", 10)) != 0 {
		t.Errorf("it was done: %s", did)
	}
	n := 0
	for _, name := range r.records() {
		if name == requestUnneeded {
			n++
		}
	}
	if n != refusedPerHour {
		t.Errorf("%d such requests are recorded, want %d", n, refusedPerHour)
	}

	// Where an env file is refused, the rollout says so; where there is a change, it is given to the app.
	r.world.meanwhile(func() { r.world.unchanged, r.world.refused = true, fault.New(fault.Refused, "an env file is refused") })
	if s, err := r.Trigger(t.Context(), anna, asked); err != nil || s.Request.ID == "" {
		t.Errorf("with a file that is refused, it is answered %+v, %v", s, err)
	} else {
		r.end(s.Request.ID)
	}
	r.world.meanwhile(func() { r.world.unchanged, r.world.refused = false, nil })
	if s, err := r.Trigger(t.Context(), anna, asked); err != nil || s.Request.ID == "" {
		t.Errorf("with a change, it is answered %+v, %v", s, err)
	} else {
		r.end(s.Request.ID)
	}
	// Without the condition, it is a rotation whatever was found.
	r.world.meanwhile(func() { r.world.unchanged = true })
	if s, err := r.Trigger(t.Context(), anna, Request{App: capakraken, Kind: rollout.Rotate}); err != nil || s.Request.ID == "" {
		t.Errorf("a plain rotation is answered %+v, %v", s, err)
	} else {
		r.end(s.Request.ID)
	}
	if _, err := r.Trigger(t.Context(), anna, Request{App: capakraken, Kind: rollout.Deploy, Image: "2.0.0", IfChanged: true}); fault.KindOf(err) != fault.Usage {
		t.Errorf("a deploy under that condition: %v", err)
	}
}

// While the app is held, nobody looks whether there is a change: by then there may be another one.
func TestOnlyIfChangedInTurn(t *testing.T) {
	r := started(t, newWorld())
	begun, release := make(chan struct{}), make(chan struct{})
	r.world.on["validate"] = func(call) error { close(begun); <-release; return nil }
	first, err := r.Trigger(t.Context(), anna, Request{App: capakraken, Kind: rollout.Rotate})
	if err != nil {
		t.Fatal(err)
	}
	<-begun
	r.world.meanwhile(func() { r.world.unchanged = true })
	asked := Request{App: capakraken, Kind: rollout.Rotate, IfChanged: true}
	if _, err := r.Trigger(t.Context(), anna, asked); fault.KindOf(err) != fault.Busy {
		t.Errorf("an app that is held: %v", err)
	}
	waits, over := make(chan struct{}), make(chan rollout.State, 1)
	told := false
	go func() {
		s, err := r.TriggerInTurn(t.Context(), anna, asked, Wait{Limit: time.Minute, Told: func(time.Time, error) {
			if !told {
				told = true
				close(waits)
			}
		}})
		if err != nil {
			t.Error(err)
		}
		over <- s
	}()
	<-waits
	close(release)
	r.end(first.Request.ID)
	if s := <-over; s.Request.ID != "" || s.Outcome != rollout.Succeeded {
		t.Errorf("in its turn it is answered %+v", s)
	}
}

// A secret manager that cannot be asked is no change: else a unit that asks each hour would restart the app each hour.
func TestWhetherItChangedCannotBeTold(t *testing.T) {
	for _, kind := range []fault.Kind{fault.TimedOut, fault.Unavailable} {
		r := started(t, newWorld())
		r.world.meanwhile(func() { r.world.refused = fault.New(kind, "the source does not answer") })
		_, err := r.Trigger(t.Context(), anna, Request{App: capakraken, Kind: rollout.Rotate, IfChanged: true})
		wantKind(t, err, kind)
		if did := r.world.done(); did != "" || !strings.Contains(fault.Text(err), "nothing was done: the source does not answer") {
			t.Errorf("it was done: %s, and answered %v", did, err)
		}
		r.stop()
	}
}

// An environment that was turned back is not given to the app again by whoever asks for a change, until it is another one or
// somebody rotates without the condition.
func TestAnEnvironmentThatWasTurnedBack(t *testing.T) {
	r := started(t, newWorld())
	asked := Request{App: capakraken, Kind: rollout.Rotate, IfChanged: true}
	r.world.meanwhile(func() { r.world.env = "ee" }) // which is what validate finds as well
	r.world.on["verify"] = fails
	first, err := r.Trigger(t.Context(), anna, asked)
	if err != nil {
		t.Fatal(err)
	}
	if s := r.end(first.Request.ID); s.Outcome != rollout.RolledBack {
		t.Fatalf("it ended %s", s.Outcome)
	}
	for range 3 {
		_, err = r.Trigger(t.Context(), anna, asked)
		wantKind(t, err, fault.Refused)
		if !strings.Contains(fault.Text(err), "rollout "+first.Request.ID+" gave capakraken this environment, and was rolled back; nothing was done") {
			t.Errorf("it is answered %v", err)
		}
	}
	delete(r.world.on, "verify")
	r.world.meanwhile(func() { r.world.env = "another" })
	if s, err := r.Trigger(t.Context(), anna, asked); err != nil || s.Request.ID == "" {
		t.Errorf("another environment is answered %+v, %v", s, err)
	} else {
		r.end(s.Request.ID)
	}
	r.stop()
}
