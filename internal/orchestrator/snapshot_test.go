package orchestrator

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/rollout"
)

// everything brings about all that a ledger can hold: every ending, locks, and a rollout that has not ended.
func (r *rig) everything() {
	r.Helper()
	r.start()
	for _, c := range endings {
		r.world.on = map[string]func(call) error{}
		if c.on != nil {
			r.world.on = c.on
		}
		if s := r.end(r.trigger(c.kind)); s.Outcome == rollout.Halted {
			if err := r.unlock(capakraken, "it was looked at"); err != nil {
				r.Fatal(err)
			}
		}
		r.world.reset()
	}
	if err := r.Lock(r.Context(), anna, other, "they are moving"); err != nil {
		r.Fatal(err)
	}
	r.stop()
	r.life()
	r.world.on = map[string]func(call) error{}
	stopIn(r, "verify", hangs)
}

// reset makes the host what it was before the first rollout.
func (w *world) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	fresh := newWorld()
	w.live, w.retired, w.residue = fresh.live, fresh.retired, fresh.residue
}

// forget takes the snapshot away, and returns whether there was one.
func (r *rig) forget() bool {
	r.Helper()
	names, err := r.disk.Names(r.dir)
	if err != nil {
		r.Fatal(err)
	}
	found := false
	for _, name := range names {
		if !strings.HasSuffix(name, ".jsonl") {
			found = true
			if err := os.Remove(filepath.Join(r.dir, name)); err != nil {
				r.Fatal(err)
			}
		}
	}
	return found
}

// The snapshot changes nothing: the ledger that it spares is the one that the journal says.
func TestSnapshotChangesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := open(t, newWorld())
		r.everything()
		r.life()
		if r.saved == 0 || r.ledger.Seq != r.saved {
			t.Fatalf("the snapshot covers %d records of %d", r.saved, r.ledger.Seq)
		}
		with := r.ledger
		if err := r.Journal.Close(); err != nil || !r.forget() {
			t.Fatal("no snapshot is on the disk", err)
		}
		r.life()
		if r.saved != 0 {
			t.Error("there is still a snapshot")
		}
		if diff := cmp.Diff(r.ledger, with); diff != "" {
			t.Errorf("the snapshot says otherwise than the journal:\n%s", diff)
		}
		r.start()
		for _, s := range r.Rollouts(capakraken, 1) {
			if s = r.end(s.Request.ID); s.Outcome != rollout.Succeeded {
				t.Errorf("it ended %s", s.Outcome)
			}
		}
		r.stop()
	})
}

// Another version may fold otherwise: it does not take a snapshot over, and reads the journal.
func TestSnapshotOfAnotherVersion(t *testing.T) {
	for name, change := range map[string]func(*snapshot){
		"another version":     func(s *snapshot) { s.Version = "older" },
		"another level":       func(s *snapshot) { s.Level++ },
		"of another sequence": func(s *snapshot) { s.Ledger.Seq-- },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := open(t, newWorld())
				r.everything()
				r.life()
				want := r.ledger
				s := snapshot{Version: r.Version, Level: Level, Ledger: *newLedger()} // and it lies: nothing is in it
				s.Ledger.Seq = want.Seq
				change(&s)
				r.plant(s, want.Seq)
				r.life()
				if diff := cmp.Diff(want, r.ledger); diff != "" {
					t.Errorf("it was believed:\n%s", diff)
				}
				r.stop()
			})
		})
	}
}

// plant puts a snapshot in the place of the one that there is.
func (r *rig) plant(s snapshot, seq uint64) {
	r.Helper()
	text, err := json.Marshal(s)
	if err == nil {
		err = r.Journal.Save(seq, text)
	}
	if err != nil || r.Journal.Close() != nil {
		r.Fatal(err)
	}
}
