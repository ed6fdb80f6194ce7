package orchestrator

import (
	stdcmp "cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
)

// watched is what one watcher has seen.
type watched struct {
	mu       sync.Mutex
	types    []string
	seqs     []uint64
	progress []string
	err      error
	over     bool
}

// watch follows a rollout in the background until that ends by itself.
func (r *rig) watch(ctx context.Context, id string, after uint64) *watched {
	w := &watched{}
	go func() {
		for e, err := range r.Watch(ctx, id, after) {
			w.take(e, err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.over = true
	}()
	synctest.Wait()
	return w
}

func (w *watched) take(e Event, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case err != nil:
		w.err = err
	case e.Progress != nil:
		w.progress = append(w.progress, e.Progress.Text)
	default:
		w.types, w.seqs = append(w.types, e.Record.Type), append(w.seqs, e.Record.Seq)
	}
}

// paused returns a rig with a deploy that waits in verify, and what lets it go on.
func paused(t *testing.T) (r *rig, id string, goOn func()) {
	w := newWorld()
	begun, gate := make(chan call), make(chan struct{})
	w.on["verify"] = func(c call) error {
		begun <- c
		<-gate
		return nil
	}
	r = started(t, w)
	id = r.trigger(rollout.Deploy)
	<-begun
	return r, id, func() { close(gate) }
}

// A watcher sees the history and then what comes, each record once and in order, and the end ends it. So does one who
// comes late, and one who comes back.
func TestWatch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, id, goOn := paused(t)
		fromStart := r.watch(t.Context(), id, 0)
		history := len(fromStart.seqs)
		if history == 0 || fromStart.types[0] != "rollout.requested" || fromStart.types[history-1] != "action.begun" || fromStart.over {
			t.Fatalf("before the end a watcher has seen %v", fromStart.types)
		}
		fromHere := r.watch(t.Context(), id, fromStart.seqs[history-1])
		fromMiddle := r.watch(t.Context(), id, fromStart.seqs[2])
		goOn()
		r.end(id)
		synctest.Wait()
		all := fromStart.seqs
		for i, seq := range all {
			if i > 0 && seq != all[i-1]+1 {
				t.Errorf("a record is missing or seen twice: %v", all)
			}
		}
		if last := fromStart.types[len(all)-1]; last != "rollout.ended" || !fromStart.over {
			t.Errorf("the last record is %s", last)
		}
		for name, c := range map[string]struct {
			got  *watched
			want []uint64
		}{
			"from here":       {fromHere, all[history:]},
			"from the middle": {fromMiddle, all[3:]},
			"after the end":   {r.watch(t.Context(), id, 0), all},
			"of the tail":     {r.watch(t.Context(), id, all[len(all)-2]), all[len(all)-1:]},
			"of nothing more": {r.watch(t.Context(), id, all[len(all)-1]), nil},
			"of the future":   {r.watch(t.Context(), id, 1000), nil},
		} {
			if diff := cmp.Diff(c.want, c.got.seqs); diff != "" || !c.got.over || c.got.err != nil {
				t.Errorf("%s (over %t, %v):\n%s", name, c.got.over, c.got.err, diff)
			}
		}
		r.stop()
	})
}

func TestWatchOfNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := started(t, newWorld())
		w := r.watch(t.Context(), "01X", 0)
		if wantKind(t, w.err, fault.NotFound); !w.over {
			t.Error("it goes on")
		}
		r.stop()
	})
}

// A stop ends every watcher, without an error: the rollout goes on with the next daemon.
func TestWatchEndsWithTheDaemon(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		w.on["verify"] = hangs
		r := started(t, w)
		id := r.trigger(rollout.Deploy)
		seen := r.watch(t.Context(), id, 0)
		r.stop()
		synctest.Wait()
		if !seen.over || seen.err != nil || seen.types[len(seen.types)-1] != "rollout.suspended" {
			t.Errorf("over %t, %v, %v", seen.over, seen.err, seen.types)
		}
		late := r.watch(t.Context(), id, 0)
		if wantKind(t, late.err, fault.Unavailable); !late.over {
			t.Error("a watcher that comes after the stop waits")
		}
		r.life()
		r.start()
		resumed := r.watch(t.Context(), id, seen.seqs[len(seen.seqs)-1])
		if len(resumed.types) == 0 || resumed.types[0] != "rollout.resumed" {
			t.Errorf("with the next daemon it sees %v", resumed.types)
		}
		r.end(id)
		r.stop()
	})
}

// A watcher that goes away leaves nothing behind.
func TestWatchEndsWithItsContext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, id, goOn := paused(t)
		ctx, cancel := context.WithCancel(t.Context())
		seen := r.watch(ctx, id, 0)
		cancel()
		synctest.Wait()
		for range r.Watch(t.Context(), id, 0) {
			break
		}
		if !seen.over || len(r.watchers) != 0 {
			t.Errorf("over %t, %d watchers are left", seen.over, len(r.watchers))
		}
		goOn()
		r.end(id)
		r.stop()
	})
}

// What is recorded between a watcher's subscription and its look at the journal is in both, and is seen once.
func TestWatchSeesNothingTwice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, id, goOn := paused(t)
		live, first, over, err := r.subscribe(id)
		if err != nil || over {
			t.Fatal(over, err)
		}
		if _, err := r.Cancel(t.Context(), anna, id, ""); err != nil {
			t.Fatal(err)
		}
		seen := &watched{}
		go func() {
			defer r.unsubscribe(live)
			r.follow(t.Context(), id, first, live, func(e Event, err error) bool { seen.take(e, err); return true })
		}()
		synctest.Wait()
		goOn()
		r.end(id)
		synctest.Wait()
		if diff := cmp.Diff(r.watch(t.Context(), id, 0).seqs, seen.seqs); diff != "" {
			t.Errorf("the watcher has not seen each record once:\n%s", diff)
		}
		r.stop()
	})
}

// A slow watcher loses passing signs of life, and never a record.
func TestSlowWatcher(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const signs = 3 * backlog
		w := newWorld()
		w.on["pull"] = func(c call) error {
			for i := range signs {
				c.progress(rollout.Progress{Step: rollout.Pull, Text: fmt.Sprint(i), Bytes: int64(i), Total: signs})
			}
			return nil
		}
		begun, gate := make(chan struct{}), make(chan struct{})
		w.on["validate"] = func(call) error { close(begun); <-gate; return nil }
		r := started(t, w)
		id := r.trigger(rollout.Deploy)
		<-begun
		slow := &watched{}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for e, err := range r.Watch(t.Context(), id, 0) {
				slow.take(e, err)
				pass(time.Second)
			}
		}()
		synctest.Wait()
		close(gate)
		<-done
		if diff := cmp.Diff(r.watch(t.Context(), id, 0).seqs, slow.seqs); diff != "" || slow.err != nil {
			t.Errorf("the slow watcher has not seen each record once (%v):\n%s", slow.err, diff)
		}
		if len(slow.progress) == 0 || len(slow.progress) > backlog+1 {
			t.Errorf("the slow watcher has seen %d signs of life", len(slow.progress))
		}
		if !slices.IsSortedFunc(slow.progress, func(a, b string) int { return stdcmp.Or(len(a)-len(b), strings.Compare(a, b)) }) {
			t.Errorf("the signs of life are not in order: %s", strings.Join(slow.progress, " "))
		}
		r.stop()
	})
}
