package orchestrator

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/rollout"
)

// One rollout per app: the second is told who holds it, since when and why, and another app is not held.
func TestBusy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		w.on["verify"] = hangs
		r := started(t, w)
		id := r.trigger(rollout.Deploy)
		_, err := r.Trigger(t.Context(), anna, request(rollout.Rotate))
		wantKind(t, err, fault.Busy)
		for _, want := range []string{id, "deploy by anna", "2000-01-01T00:00:0", "it is time", "fairlead watch " + id} {
			if !strings.Contains(fault.Text(err), want) {
				t.Errorf("%q does not say %q", fault.Text(err), want)
			}
		}
		if busy, ok := errors.AsType[*BusyError](err); !ok || busy.Rollout != id || busy.Error() == "" {
			t.Errorf("the holder is not named: %+v", busy)
		}
		s, err := r.Trigger(t.Context(), anna, Request{App: other, Kind: rollout.Cleanup})
		if err != nil {
			t.Fatal(err)
		}
		r.end(s.Request.ID) // at verify's deadline
		r.end(id)
		r.end(r.trigger(rollout.Rotate))
		r.stop()
	})
}

func TestLocks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := started(t, newWorld())
		ctx := t.Context()
		wantKind(t, r.Lock(ctx, anna, "nobody", "why"), fault.NotFound)
		wantKind(t, r.unlock("nobody", "why"), fault.NotFound)
		wantKind(t, r.Lock(ctx, anna, capakraken, ""), fault.Usage)
		wantKind(t, r.Lock(ctx, anna, capakraken, strings.Repeat("x", maxReason+1)), fault.Usage)
		wantKind(t, r.unlock(capakraken, "why"), fault.Conflict)
		if err := r.Lock(ctx, anna, capakraken, "the auditors are here"); err != nil {
			t.Fatal(err)
		}
		wantKind(t, r.Lock(ctx, anna, capakraken, "again"), fault.Busy)
		wantKind(t, r.unlock(capakraken, ""), fault.Usage)
		r.stop()
		r.life() // a lock outlives a daemon
		r.start()
		_, err := r.Trigger(ctx, anna, request(rollout.Rotate))
		wantKind(t, err, fault.Busy)
		busy, ok := errors.AsType[*BusyError](err)
		if !ok || busy.Lock == nil || busy.Lock.Holder != "anna" || !strings.Contains(busy.Error(), "anna") || !strings.Contains(fault.Text(err), "the auditors are here") {
			t.Errorf("the lock is not told: %v, %+v", err, busy)
		}
		if err := r.unlock(capakraken, "they are gone"); err != nil {
			t.Fatal(err)
		}
		r.end(r.trigger(rollout.Rotate))
		r.stop()
	})
}

// A lock does not stop a rollout that runs.
func TestLockWhileItRuns(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		r := open(t, w)
		w.on["verify"] = func(c call) error { return r.Lock(c.ctx, anna, capakraken, "no more after this") }
		r.start()
		if s := r.end(r.trigger(rollout.Deploy)); s.Outcome != rollout.Succeeded {
			t.Errorf("it ended %s", s.Outcome)
		}
		_, err := r.Trigger(t.Context(), anna, request(rollout.Rotate))
		wantKind(t, err, fault.Busy)
		r.stop()
	})
}

// A halted rollout locks its app until a person says that it is mended.
func TestHaltedLocks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		w.on["verify"], w.on["hold"] = fails, fails
		r := started(t, w)
		id := r.trigger(rollout.Deploy)
		r.end(id)
		r.stop()
		r.life()
		r.start()
		_, err := r.Trigger(t.Context(), anna, request(rollout.Rotate))
		busy, ok := errors.AsType[*BusyError](err)
		if !ok || busy.Lock == nil || busy.Lock.Rollout != id || !strings.Contains(busy.Lock.Reason, "it cannot be done") {
			t.Fatalf("the app is not locked: %v", err)
		}
		if err := r.unlock(capakraken, "put back by hand"); err != nil {
			t.Fatal(err)
		}
		delete(w.on, "verify")
		if s := r.end(r.trigger(rollout.Rotate)); s.Outcome != rollout.Succeeded {
			t.Errorf("after the unlock it ends %s", s.Outcome)
		}
		r.stop()
	})
}

// A repeated request is the first one's rollout: while it runs, when it has ended, and after a restart.
func TestIdempotency(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		r := started(t, w)
		q := request(rollout.Deploy)
		q.IdempotencyKey = "ci-4711"
		ask := func(q Request) string {
			t.Helper()
			s, err := r.Trigger(t.Context(), anna, q)
			if err != nil {
				t.Fatal(err)
			}
			return s.Request.ID
		}
		id := ask(q)
		if again := ask(q); again != id {
			t.Errorf("while it runs, the same request is rollout %s, not %s", again, id)
		}
		r.end(id)
		if again := ask(q); again != id {
			t.Errorf("after its end, the same request is rollout %s, not %s", again, id)
		}
		r.stop()
		r.life()
		r.start()
		if again := ask(q); again != id {
			t.Errorf("after a restart, the same request is rollout %s, not %s", again, id)
		}
		for name, change := range map[string]func(*Request){
			"image": func(q *Request) { q.Image = "3.0.0" },
			"kind":  func(q *Request) { q.Kind, q.Image = rollout.Rotate, "" },
			"force": func(q *Request) { q.Force = true },
		} {
			another := q
			change(&another)
			_, err := r.Trigger(t.Context(), anna, another)
			if wantKind(t, err, fault.Conflict); err == nil || !strings.Contains(fault.Text(err), id) {
				t.Errorf("with another %s: %v", name, err)
			}
		}
		q.App = other // a key is an app's own
		if r.end(ask(q)).Request.ID == id {
			t.Error("another app's request is the same rollout")
		}
		if n := len(slices.DeleteFunc(r.records(), func(s string) bool { return s != "request.refused" })); n != 3 {
			t.Errorf("%d refused requests are recorded, not 3", n)
		}
		r.stop()
	})
}

// What is refused before it begins is recorded, and nothing is done.
func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		request Request
		kind    fault.Kind
		full    bool
	}{
		"no such app":      {Request{App: "nobody", Kind: rollout.Rotate}, fault.NotFound, false},
		"no such kind":     {Request{App: capakraken, Kind: "upgrade"}, fault.Usage, false},
		"too long a story": {Request{App: capakraken, Kind: rollout.Rotate, Reason: strings.Repeat("x", maxReason+1)}, fault.Usage, false},
		"a full disk":      {Request{App: capakraken, Kind: rollout.Rotate}, fault.Unavailable, true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld()
				r := started(t, w)
				r.disk.full = c.full
				_, err := r.Trigger(t.Context(), anna, c.request)
				wantKind(t, err, c.kind)
				all := r.records()
				if all[len(all)-1] != "request.refused" || w.done() != "" || len(r.Rollouts("", 10)) != 0 {
					t.Errorf("%v was recorded, and %q done", all, w.done())
				}
				r.stop()
			})
		})
	}
}

// refusalsOf returns what is recorded of refused requests.
func refusalsOf(t *testing.T, r *rig) []journal.Record {
	t.Helper()
	var out []journal.Record
	for rec, err := range r.Audit(1) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Type == "request.refused" {
			out = append(out, rec)
		}
	}
	return out
}

// Nobody fills the disk with refused requests: an hour's are capped for each app, and together for all that do not
// exist. The next hour's first record tells how many were left out.
func TestRefusalsAreCapped(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		w.begin = func(q rollout.Request) error {
			if q.App == other {
				return nil
			}
			return fault.Many(fault.Refused, "refused", []fault.Problem{{What: "secret-looking detail"}})
		}
		r := started(t, w)
		ask := func(app string) { _, _ = r.Trigger(t.Context(), anna, Request{App: app, Kind: rollout.Rotate}) }
		for i := range 3 * refusedPerHour {
			ask(capakraken)
			ask(fmt.Sprint("invented-", i))
		}
		all := refusalsOf(t, r)
		if len(all) != 2*refusedPerHour {
			t.Errorf("%d refusals are recorded, not %d", len(all), 2*refusedPerHour)
		}
		if rec := all[0]; rec.App != capakraken || rec.Actor != anna || strings.Contains(string(rec.Data), "detail") {
			t.Errorf("the record is %+v %s", rec, rec.Data)
		}
		if slices.ContainsFunc(all, func(rec journal.Record) bool { return strings.HasPrefix(rec.App, "invented") }) {
			t.Error("apps that do not exist are recorded by their names")
		}
		pass(time.Hour)
		ask(capakraken)
		ask(capakraken)
		all = refusalsOf(t, r)[2*refusedPerHour:]
		var data struct {
			Before int `json:"unrecorded_before"`
		}
		if len(all) != 2 || json.Unmarshal(all[0].Data, &data) != nil || data.Before != 2*refusedPerHour {
			t.Errorf("an hour later %d are recorded, the first with %s", len(all), all[0].Data)
		}
		if strings.Contains(string(all[1].Data), "unrecorded_before") {
			t.Errorf("the second tells it again: %s", all[1].Data)
		}
		r.stop()
	})
}
