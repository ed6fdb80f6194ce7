package orchestrator

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/workload"
)

// Two rollouts that no journal of these tests knows: one of before the bubbles' time, and one of after.
const (
	unknown  = "00000000000000000000000001"
	upcoming = "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"
)

// runs has the host show one container of each service as a rollout has left it, and changed by whoever wants them to be.
func (w *world) runs(id, release string, change ...func(c *workload.Container)) {
	shows := func() []workload.Container {
		var all []workload.Container
		for _, service := range services {
			all = append(all, workload.Container{ID: "id-" + service, Name: "app-" + service, Service: service, Ours: true, Rollout: id, Release: release,
				Image: workload.Image{Repository: "registry.example.com/app", Digest: "sha256:33"}, Definitions: "d3", Env: "e3", Status: workload.Running})
		}
		for i := range all {
			for _, c := range change {
				c(&all[i])
			}
		}
		return all
	}
	w.meanwhile(func() { w.shows = shows })
}

// of changes the container of one service.
func of(service string, change func(c *workload.Container)) func(c *workload.Container) {
	return func(c *workload.Container) {
		if c.Service == service {
			change(c)
		}
	}
}

// unproved is a container as it is before it is promoted.
func unproved(c *workload.Container) { c.Name += ".new-12345678" }

// app returns what is known of capakraken.
func (r *rig) app() rollout.App {
	r.Helper()
	a, err := r.App(r.Context(), capakraken)
	if err != nil {
		r.Fatal(err)
	}
	return a
}

// restart ends the daemon's life in good order and begins another.
func (r *rig) restart() {
	r.Helper()
	r.stop()
	r.life()
	r.start()
}

// count returns how many records are of a type.
func (r *rig) count(typ string) (n int) {
	r.Helper()
	for _, name := range r.records() {
		if strings.Fields(name)[0] == typ {
			n++
		}
	}
	return n
}

// cut leaves only the first n records of a journal, as a copy of it would that was made then.
func (r *rig) cut(n int) {
	r.Helper()
	path := filepath.Join(r.dir, "00000000000000000001.jsonl")
	text, err := os.ReadFile(path)
	if err != nil {
		r.Fatal(err)
	}
	lines := slices.Collect(bytes.Lines(text))
	if err := os.WriteFile(path, bytes.Join(lines[:n], nil), 0o600); err != nil {
		r.Fatal(err)
	}
}

// After the journal was lost, what runs is the current release if it is as a rollout leaves it. That is recorded once.
func TestAdopt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		w.runs(unknown, "r3")
		r := started(t, w)
		for range 2 {
			a := r.app()
			if a.Current == nil || a.Current.ID != "r3" || a.Current.Image.Digest != "sha256:33" || a.Current.Env != "e3" || a.Lock != nil || len(a.Drift) > 0 || a.Unrecognised != "" {
				t.Fatalf("what is known is %+v", a)
			}
			if a.Adopted == nil || a.Adopted.Since.IsZero() || !strings.Contains(a.Adopted.Why, "app-web (of rollout "+unknown+")") {
				t.Errorf("it is adopted for %+v", a.Adopted)
			}
			if n := r.count(appAdopted); n != 1 {
				t.Errorf("that was recorded %d times", n)
			}
			r.restart()
		}
		s := r.end(r.trigger(rollout.Rotate))
		if s.Outcome != rollout.Succeeded || s.Request.Previous != nil {
			t.Errorf("the next rotate ends %s, and was told of %+v", s.Outcome, s.Request.Previous)
		}
		if a := r.app(); a.Adopted != nil || a.Current.ID != s.Target.ID {
			t.Errorf("after a rollout it is adopted for %+v, and current is %+v", a.Adopted, a.Current)
		}
		r.stop()
		r.whole()
	})
}

// What the journal knows, and what is not ours, is no reason for anything.
func TestNothingToAdopt(t *testing.T) {
	for name, run := range map[string]func(w *world, known string){
		"nothing runs":           func(w *world, _ string) { w.shows = func() []workload.Container { return nil } },
		"what the journal knows": func(w *world, known string) { w.runs(known, "r3", unproved) },
		"somebody else's":        func(w *world, _ string) { w.runs(unknown, "", func(c *workload.Container) { c.Ours = false }) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := started(t, newWorld())
				s := r.end(r.trigger(rollout.Rotate))
				for range keep + 5 { // until it is no longer in memory
					r.world.begin = func(rollout.Request) error { return nil }
					r.world.on["validate"] = fails
					r.end(r.trigger(rollout.Rotate))
				}
				delete(r.world.on, "validate")
				before := len(r.records())
				run(r.world, s.Request.ID)
				r.restart()
				if now := r.records()[before:]; !slices.Equal(now, []string{daemonStopped, daemonStarted}) {
					t.Errorf("there is recorded %q", now)
				}
				if a := r.app(); a.Lock != nil || a.Current == nil || a.Current.ID != s.Target.ID {
					t.Errorf("the app is %+v", a)
				}
				r.stop()
			})
		})
	}
}

// What is not as a rollout leaves it locks the app, whatever the reason is, and nothing is touched. An unlock takes it as
// it is then.
func TestLose(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		w.runs(unknown, "r3", of("worker", unproved))
		r := started(t, w)
		for range 2 {
			a := r.app()
			if a.Lock == nil || !a.Lock.Lost || a.Lock.Holder != "fairlead" || a.Current != nil || !strings.Contains(a.Lock.Reason, "app-worker.new-12345678 of service worker has no final name") {
				t.Fatalf("the app is %+v, its lock %+v", a, a.Lock)
			}
			_, err := r.Trigger(t.Context(), anna, request(rollout.Deploy))
			wantKind(t, err, fault.Busy)
			if text := fault.Text(err); !strings.Contains(text, unknown) || !strings.Contains(text, "fairlead unlock capakraken --reason") {
				t.Errorf("whoever asks is told: %s", text)
			}
			if n := r.count(appLost); n != 1 || w.done() != "" {
				t.Errorf("that was recorded %d times, and %q done", n, w.done())
			}
			r.restart()
		}
		w.runs(unknown, "r3") // somebody has put it right
		if err := r.unlock(capakraken, "put right"); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if a := r.app(); a.Lock != nil || a.Current == nil || a.Current.ID != "r3" || !strings.Contains(a.Adopted.Why, "anna unlocked the app: put right") {
				t.Errorf("after the unlock the app is %+v, for %+v", a, a.Adopted)
			}
			r.restart()
		}
		if n := r.count(appLost); n != 1 || r.count(appAdopted) != 0 {
			t.Errorf("it is lost again: %q", r.records())
		}
		r.end(r.trigger(rollout.Deploy))
		r.stop()
	})
}

// A journal that was restored from yesterday knows an older release. What runs is current, and what was known of the
// older one is forgotten as far as it is another.
func TestRestoredFromYesterday(t *testing.T) {
	for _, env := range []string{"ee", "e3"} { // that of the release in the journal, and another
		bubbled := func(t *testing.T) {
			r := started(t, newWorld())
			old := r.end(r.trigger(rollout.Deploy))
			r.world.runs(unknown, "r3", func(c *workload.Container) { c.Env = old.Target.Env })
			if env != "ee" {
				r.world.runs(unknown, "r3")
			}
			r.restart()
			a := r.app()
			if a.Current.ID != "r3" || a.Adopted == nil || a.Last != old.Request.ID || r.ledger.app(capakraken).Left != nil {
				t.Errorf("current is %+v", a.Current)
			}
			report, err := r.Secrets(t.Context(), capakraken)
			if known := !report.Secrets[0].Changed.IsZero(); err != nil || known != (env == "ee") {
				t.Errorf("with environment %s, when a secret changed is known: %t, %v", env, known, err)
			}
			r.stop()
		}
		t.Run(env, func(t *testing.T) { bubble(t, bubbled) })
	}
}

// A host that cannot be looked at keeps new rollouts back until it can be, and nobody waits for the daemon's start.
func TestBlindStart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		w.blind = fault.New(fault.Unavailable, "the engine does not answer")
		r := started(t, w)
		if a := r.app(); !strings.Contains(a.Unrecognised, "the engine does not answer") {
			t.Errorf("the app is %+v", a)
		}
		_, err := r.Trigger(t.Context(), anna, request(rollout.Deploy))
		wantKind(t, err, fault.Unavailable)
		if text := fault.Text(err); !strings.Contains(text, "not recognised yet") || !strings.Contains(text, "the engine does not answer") || !strings.Contains(text, "nothing was changed") {
			t.Errorf("whoever asks is told: %s", text)
		}
		pass(time.Hour)
		w.meanwhile(func() { w.blind = nil })
		r.end(r.trigger(rollout.Deploy)) // which looks by itself
		r.stop()

		w.blind = fault.New(fault.Unavailable, "the engine does not answer")
		r.life()
		r.start()
		w.runs(unknown, "r3")
		w.meanwhile(func() { w.blind = nil })
		pass(lookAgain + time.Second)
		if a := r.app(); a.Current.ID != "r3" || a.Unrecognised != "" {
			t.Errorf("once it answers, the app is %+v", a)
		}
		r.stop()
	})
}

// A look that panics or hangs ends neither the daemon nor its start.
func TestLookFails(t *testing.T) {
	for name, c := range map[string]struct {
		looks func(context.Context) error
		kind  fault.Kind
	}{
		"it panics": {func(context.Context) error { panic("hunter22") }, fault.Internal},
		"it hangs":  {func(ctx context.Context) error { return hangs(call{ctx: ctx}) }, fault.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld()
				w.looks = c.looks
				began := time.Now()
				r := started(t, w)
				if took := time.Since(began); took > firstLook {
					t.Errorf("the start took %s", took)
				}
				_, err := r.Trigger(t.Context(), anna, request(rollout.Deploy))
				wantKind(t, err, c.kind)
				if strings.Contains(fault.Text(err), "hunter22") {
					t.Errorf("it tells %s", fault.Text(err))
				}
				w.meanwhile(func() { w.looks = nil })
				r.end(r.trigger(rollout.Deploy))
				r.stop()
			})
		})
	}
}

// The ids of new rollouts are later than those that only the containers know: the Engine's guards rely on it. A clock that
// is far behind is told.
func TestClockBehindTheContainers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		r := open(t, w)
		soon := ulid.MustNew(ulid.Timestamp(time.Now().Add(stray/2)), r.ids).String()
		w.runs(soon, "r3")
		r.start()
		id := r.trigger(rollout.Rotate)
		if id <= soon {
			t.Errorf("the rollout is %s, and the containers are of %s", id, soon)
		}
		r.end(id)
		r.stop()

		w.runs(upcoming, "r3")
		r.life()
		r.start()
		_, err := r.Trigger(t.Context(), anna, request(rollout.Rotate))
		if wantKind(t, err, fault.Refused); !strings.Contains(fault.Text(err), "the clock of this host is wrong") {
			t.Errorf("it is refused for %v", err)
		}
		r.stop()
	})
}
