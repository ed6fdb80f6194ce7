package orchestrator

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
)

// More rollouts have ended than are held in memory. The older ones are read from the journal.
func TestOldRollouts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		w.on["validate"] = fails
		r := started(t, w)
		var ids []string
		for range keep + 5 {
			ids = append(ids, r.trigger(rollout.Rotate))
			r.end(ids[len(ids)-1])
		}
		if n := len(r.ledger.Rollouts); n != keep || len(r.ledger.Order) != keep {
			t.Errorf("%d rollouts are in memory", n)
		}
		for _, id := range []string{ids[0], ids[4], ids[5], ids[len(ids)-1]} {
			if s, err := r.Rollout(id); err != nil || s.Request.ID != id || s.Outcome != rollout.Refused {
				t.Errorf("rollout %s: %s, %v", id, s.Outcome, err)
			}
			if w := r.watch(t.Context(), id, 0); !w.over || w.err != nil || len(w.types) != 4 {
				t.Errorf("a watcher of rollout %s sees %v, %v", id, w.types, w.err)
			}
		}
		_, err := r.Cancel(t.Context(), anna, ids[0], "")
		wantKind(t, err, fault.Conflict)
		_, err = r.Rollout("01X")
		wantKind(t, err, fault.NotFound)
		r.stop()
	})
}

func TestRollouts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := started(t, newWorld())
		first, second := r.trigger(rollout.Rotate), ""
		r.end(first)
		second = r.trigger(rollout.Cleanup)
		r.end(second)
		s, err := r.Trigger(t.Context(), anna, Request{App: other, Kind: rollout.Rotate})
		if err != nil {
			t.Fatal(err)
		}
		third := s.Request.ID
		r.end(third)
		for _, c := range []struct {
			app   string
			limit int
			want  []string
		}{
			{"", 10, []string{third, second, first}},
			{"", 2, []string{third, second}},
			{"", 0, nil},
			{capakraken, 10, []string{second, first}},
			{capakraken, 1, []string{second}},
			{"nobody", 10, nil},
		} {
			var got []string
			for _, s := range r.Rollouts(c.app, c.limit) {
				got = append(got, s.Request.ID)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("at most %d of %q:\n%s", c.limit, c.app, diff)
			}
		}
		r.stop()
	})
}

func TestApp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		r := open(t, w)
		r.start()
		_, err := r.App(t.Context(), "nobody")
		wantKind(t, err, fault.NotFound)
		if all := r.Apps(t.Context()); len(all) != 2 || all[0].Current != nil || all[0].Drift != nil {
			t.Errorf("before the first rollout: %+v", all)
		}
		id := r.trigger(rollout.Deploy)
		s := r.end(id)
		a, err := r.App(t.Context(), capakraken)
		if err != nil || a.Last != id || a.Active != "" || a.Current == nil || a.Current.ID != s.Target.ID || !a.Current.Since.Equal(s.Ended) {
			t.Errorf("after it: %+v, %v", a, err)
		}
		if want := []string{"service web runs container new-web, which is not of the current release",
			"service worker runs container new-worker, which is not of the current release"}; !cmp.Equal(a.Drift, want) {
			t.Errorf("drift is %v", a.Drift)
		}
		w.live["web"] = ""
		if a, _ = r.App(t.Context(), capakraken); len(a.Drift) != 2 || a.Drift[0] != "service web has no running container" {
			t.Errorf("drift is %v", a.Drift)
		}
		w.blind = fault.New(fault.Unavailable, "the engine does not answer")
		if a, err = r.App(t.Context(), capakraken); err != nil || a.Unobserved != "the engine does not answer" || a.Drift != nil || a.Last != id {
			t.Errorf("with an engine that does not answer: %+v, %v", a, err)
		}
		r.stop()
	})
}

// A rollout that was put back changes neither the current release nor what is known of the secrets.
func TestWhatASuccessLeaves(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		r := started(t, w)
		report := func() rollout.SecretStatus {
			t.Helper()
			all, err := r.Secrets(t.Context(), capakraken)
			if err != nil {
				t.Fatal(err)
			}
			return all.Secrets[0]
		}
		if s := report(); s.Pending || !s.Changed.IsZero() {
			t.Errorf("before the first rollout: %+v", s)
		}
		first := r.end(r.trigger(rollout.Deploy))
		if s := report(); s.Pending || !s.Changed.Equal(first.Ended) {
			t.Errorf("after the first rollout: %+v", s)
		}
		pass(time.Hour)
		w.found = func(_ rollout.Action, ev *rollout.Evidence) *rollout.Evidence {
			if ev != nil && ev.Validated != nil {
				ev.Validated.Secrets[0].Fingerprint = "f0"
			}
			return ev
		}
		w.on["verify"] = fails
		w.retired = map[string]bool{}
		second := r.end(r.trigger(rollout.Rotate))
		if p := second.Request.Previous; first.Request.Previous != nil || p == nil || p.Release.ID != first.Target.ID {
			t.Errorf("the second rollout is told of %+v", p)
		}
		if a, _ := r.App(t.Context(), capakraken); a.Current.ID != first.Target.ID {
			t.Errorf("after a revert the current release is %s", a.Current.ID)
		}
		if s := report(); s.Pending || !s.Changed.Equal(first.Ended) {
			t.Errorf("after a revert: %+v", s)
		}
		if a, ok := r.ledger.Apps[capakraken]; !ok || a.Left.Release.ID != first.Target.ID {
			t.Errorf("after a revert what is left is %+v", a.Left)
		}
		delete(w.on, "verify")
		third := r.end(r.trigger(rollout.Rotate))
		if s := report(); !s.Pending || !s.Changed.Equal(third.Ended) {
			t.Errorf("after a rotation to another value: %+v", s)
		}
		r.stop()
	})
}
