package orchestrator

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
)

// anna is who asks for things.
var anna = journal.Actor{UID: 1000, GID: 1000, PID: 42, User: "anna", Role: "operator"}

// rig is one daemon's life over a directory and a world that outlive it.
type rig struct {
	testing.TB
	*Orchestrator
	dir   string
	disk  *disk
	world *world
	ended []rollout.State
	key   secret.Fingerprint // the mark of the host's key, where a test wants one
}

// bubble runs a test in a bubble of its own: its time is not ours, and every goroutine has to end.
func bubble(t *testing.T, test func(*testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}

// open begins a daemon's life over an empty journal.
func open(t testing.TB, w *world) *rig {
	t.Helper()
	r := &rig{TB: t, dir: filepath.Join(t.TempDir(), "journal"), world: w}
	r.life()
	return r
}

// started is open, with the daemon started.
func started(t testing.TB, w *world) *rig {
	t.Helper()
	r := open(t, w)
	r.start()
	return r
}

func (r *rig) start() {
	r.Helper()
	if err := r.Start(); err != nil {
		r.Fatal(err)
	}
}

// life begins another daemon's life over the same journal and world. Nothing is taken over from the one before.
func (r *rig) life() {
	r.Helper()
	r.disk = sound()
	log, err := journal.Open(journal.Options{Dir: r.dir, FS: r.disk})
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { _ = log.Close() })
	r.Orchestrator, err = New(Options{Journal: log, Steps: r.world, Log: zap.NewNop(), Version: "test", Key: r.key,
		Ended: func(s rollout.State) { r.ended = append(r.ended, s) }})
	if err != nil {
		r.Fatal(err)
	}
}

// trigger begins a rollout of capakraken.
func (r *rig) trigger(kind rollout.Kind) string {
	r.Helper()
	s, err := r.Trigger(r.Context(), anna, request(kind))
	if err != nil {
		r.Fatal(err)
	}
	return s.Request.ID
}

// unlock takes a lock away, as anna.
func (r *rig) unlock(app, reason string) error {
	_, err := r.Unlock(r.Context(), anna, app, reason)
	return err
}

func request(kind rollout.Kind) Request {
	q := Request{App: capakraken, Kind: kind, Reason: "it is time"}
	if kind == rollout.Deploy {
		q.Image = "2.0.0"
	}
	return q
}

// end waits for the rollout's end.
func (r *rig) end(id string) rollout.State {
	r.Helper()
	for _, err := range r.Watch(r.Context(), id, 0) {
		if err != nil {
			r.Fatal(err)
		}
	}
	r.pen.take() // until the worker is through with it
	r.pen.give()
	s, err := r.Rollout(id)
	if err != nil || s.Phase != rollout.Over {
		r.Fatalf("the rollout has not ended: %s, %v", s.Phase, err)
	}
	return s
}

// stop ends the daemon's life in good order.
func (r *rig) stop() {
	r.Helper()
	r.Stop(r.Context())
	if err := r.Journal.Close(); err != nil {
		r.Error(err)
	}
}

// records returns the journal's records, as "type action" where they have one.
func (r *rig) records() []string {
	r.Helper()
	var out []string
	for rec, err := range r.Audit(1) {
		if err != nil {
			r.Fatal(err)
		}
		name := rec.Type
		if e, err := eventOf(rec); err == nil && isRolloutEvent(rec.Type) && e.Action != nil {
			name = strings.TrimSpace(name + " " + string(e.Action.Verb) + " " + e.Action.Service)
		}
		out = append(out, name)
	}
	return out
}

// whole makes sure that the journal is whole, as somebody sees it who only has the files.
func (r *rig) whole() {
	r.Helper()
	if report, err := journal.Verify(r.dir); err != nil || report.Tear != nil {
		r.Errorf("the journal does not verify: %+v, %v", report, err)
	}
}

// pass lets time go by.
func pass(d time.Duration) { <-time.After(d) }

func wantKind(t testing.TB, err error, k fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != k {
		t.Errorf("the answer is %v, not of kind %s", err, k)
	}
}

// fails is what becomes of an action that cannot be done.
func fails(call) error { return fault.New(fault.Refused, "it cannot be done") }

// hangs is an action that waits for its end.
func hangs(c call) error {
	<-c.ctx.Done()
	return fault.Hide(c.ctx.Err(), fault.Unavailable, "interrupted")
}
