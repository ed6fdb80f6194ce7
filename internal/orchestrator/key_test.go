package orchestrator

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
)

// fingerprinted has what is validated say which key its fingerprints are made with.
func (w *world) fingerprinted(key secret.Fingerprint) {
	w.found = func(_ rollout.Action, ev *rollout.Evidence) *rollout.Evidence {
		if ev != nil && ev.Validated != nil {
			ev.Validated.Key = key
		}
		return ev
	}
}

// changed returns when the app's one secret was first seen as it is, and whether a rotation is said to be due.
func (r *rig) changed() (at time.Time, pending bool) {
	r.Helper()
	report, err := r.Secrets(r.Context(), capakraken)
	if err != nil {
		r.Fatal(err)
	}
	return report.Secrets[0].Changed, report.Secrets[0].Pending
}

// When the host's key is another than before, fingerprints tell nothing: nobody is told that all secrets have changed.
func TestAnotherKey(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		r := open(t, w)
		r.key = "k1"
		w.fingerprinted("k1")
		r.life()
		r.start()
		r.end(r.trigger(rollout.Deploy))
		r.restart()
		if at, pending := r.changed(); at.IsZero() || pending {
			t.Errorf("with the same key it is known since %s, pending: %t", at, pending)
		}
		r.stop()
		r.key = "k2"
		r.life()
		r.start()
		if at, pending := r.changed(); !at.IsZero() || pending {
			t.Errorf("with another key it is known since %s, pending: %t", at, pending)
		}
		w.fingerprinted("k2")
		r.end(r.trigger(rollout.Rotate))
		r.restart()
		if at, pending := r.changed(); at.IsZero() || pending {
			t.Errorf("after a rotate it is known since %s, pending: %t", at, pending)
		}
		r.stop()
		r.rekeyed(false, false, true, false)
	})
}

// rekeyed expects the starts to say, one by one, whether the key was another.
func (r *rig) rekeyed(want ...bool) {
	r.Helper()
	var got []bool
	for rec, err := range r.Audit(1) {
		if err != nil {
			r.Fatal(err)
		}
		var b birth
		if rec.Type == daemonStarted && json.Unmarshal(rec.Data, &b) == nil && b.Key != "" {
			got = append(got, b.Rekeyed)
		}
	}
	if !slices.Equal(got, want) {
		r.Errorf("the starts say %t, and not %t", got, want)
	}
}

// What was validated under the old key is not taken for what is known under the new one.
func TestAnotherKeyInTheMiddle(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		r := open(t, w)
		r.key = "k1"
		r.life()
		w.fingerprinted("k1")
		stopIn(r, "verify", hangs)
		delete(w.on, "verify")
		r.key = "k2"
		r.life()
		r.start()
		if s := r.end(r.ledger.active()[0]); s.Outcome != rollout.Succeeded {
			t.Errorf("it ends %s", s.Outcome)
		}
		if at, pending := r.changed(); !at.IsZero() || pending {
			t.Errorf("it is known since %s, pending: %t", at, pending)
		}
		r.stop()
	})
}
