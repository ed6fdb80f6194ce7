package orchestrator

import (
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
