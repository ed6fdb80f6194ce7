package orchestrator

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
)

// Those who wait are served in the order in which they came, one at a time, whoever comes in between without waiting.
func TestServedInOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, gate := gated()
		r := started(t, w)
		first := r.trigger(rollout.Deploy)
		var all []*patient
		for _, name := range []string{"ada", "bertha", "cleo"} {
			pass(time.Second)
			all = append(all, r.wait(name, time.Hour))
		}
		_, err := r.Trigger(t.Context(), anna, request(rollout.Rotate))
		wantKind(t, err, fault.Busy)
		if !strings.Contains(fault.Text(err), "3 requests wait already") {
			t.Errorf("the answer does not tell of the queue: %v", err)
		}
		for i, p := range all {
			want := "capakraken is held by rollout " + first + ": deploy by anna (uid 1000) since 2000-01-01T00:00:00Z, for " + fmt.Sprint(i+1) +
				"s (it is time), now in verify; " + []string{"this request is next", "one request comes before this one", "2 requests come before this one"}[i]
			if got, _ := p.told(); got != want {
				t.Errorf("it is told %q,\nnot        %q", got, want)
			}
		}
		for i, p := range all {
			if p.answered() {
				t.Errorf("%d has its turn before the one before has ended", i)
			}
			gate <- struct{}{}
			if !p.answered() || p.err != nil {
				t.Fatalf("%d has not had its turn: %v", i, p.err)
			}
			if since := time.Since(p.begun); p.waited != since {
				t.Errorf("%d was told late: after %s, not %s", i, p.waited, since)
			}
		}
		if _, last := all[2].told(); !strings.Contains(last, "this request is next") {
			t.Errorf("it is not told that it is next: %q", last)
		}
		gate <- struct{}{}
		r.end(all[2].state.Request.ID)
		if got := r.served(); got != "it is time ada bertha cleo" {
			t.Errorf("served were %s", got)
		}
		r.stop()
	})
}

// A lock is waited for as well, and nobody who does not wait comes before those who do.
func TestNobodyOvertakes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := locked(t)
		pass(49 * time.Hour)
		p := r.wait("ada", time.Hour)
		first, _ := p.told()
		if want := "capakraken is locked by anna (uid 1000) since 2000-01-01T00:00:00Z, for 2d1h: the auditors are here; this request is next"; first != want {
			t.Errorf("it is told %q, not %q", first, want)
		}
		r.pen.take() // what comes now is decided when all have asked
		go r.lift()
		synctest.Wait()
		var hasty error
		go func() { _, hasty = r.Trigger(t.Context(), anna, request(rollout.Deploy)) }()
		synctest.Wait()
		r.pen.give()
		<-p.done
		synctest.Wait()
		if p.err != nil || fault.KindOf(hasty) != fault.Busy {
			t.Errorf("who waited is told %v, and who did not %v", p.err, hasty)
		}
		r.end(p.state.Request.ID)
		r.stop()
	})
}

// A free app belongs to whoever has waited for it: a request that does not wait is told so.
func TestFreeButWaitedFor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := locked(t)
		p := r.wait("ada", time.Hour)
		r.mu.Lock()
		a := r.ledger.change(capakraken)
		lock := a.Lock
		a.Lock = nil
		free := r.held(capakraken, 2)
		a.Lock = lock
		r.mu.Unlock()
		if free == nil {
			t.Fatal("nothing holds the app")
		}
		if text := fault.Text(free.refusal()); text != "capakraken is free, but next comes the rotate that is waited for by ada (uid 1003) since 2000-01-01T00:00:00Z, for 0s (for ada); wait for your turn with --wait" {
			t.Error(text)
		}
		p.leave()
		<-p.done
		r.stop()
	})
}

// Whoever has waited as long as it was to is refused on the dot, and is told for whom; the next one moves up.
func TestTimeIsOver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := locked(t)
		ada, bertha := r.wait("ada", 30*time.Minute), r.wait("bertha", time.Hour)
		ada.refused(fault.Busy, "waited 30m in vain", "nothing was begun", "locked by anna (uid 1000) since", "for 30m: the auditors are here")
		if ada.waited != 30*time.Minute {
			t.Errorf("it waited %s", ada.waited)
		}
		if _, ok := errors.AsType[*BusyError](ada.err); !ok {
			t.Error("the holder is not behind the answer")
		}
		if _, last := bertha.told(); bertha.answered() || !strings.Contains(last, "this request is next") {
			t.Errorf("who is next is told %q", last)
		}
		r.lift()
		<-bertha.done
		r.end(bertha.state.Request.ID)
		if got := r.served(); got != "bertha" {
			t.Errorf("served were %s", got)
		}
		if all := r.refusedRequests(); len(all) != 1 || !strings.HasPrefix(all[0], "ada ") || !strings.Contains(all[0], "waited 30m in vain") {
			t.Errorf("recorded as refused: %q", all)
		}
		r.stop()
	})
}

// Whoever has gone away leaves the queue at once, and is never begun.
func TestGoneAway(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := locked(t)
		ada, bertha := r.wait("ada", time.Hour), r.wait("bertha", time.Hour)
		pass(3 * time.Minute)
		ada.leave()
		ada.refused(fault.Conflict, "given up after 3m", "nothing was begun")
		if ada.waited != 3*time.Minute {
			t.Errorf("it left after %s", ada.waited)
		}
		r.lift()
		<-bertha.done
		r.end(bertha.state.Request.ID)
		if all := r.refusedRequests(); r.served() != "bertha" || len(all) != 1 || !strings.Contains(all[0], "given up after 3m") {
			t.Errorf("served were %s; recorded as refused: %q", r.served(), all)
		}
		r.stop()
	})
}

// A request whose turn comes is not begun if its time is over, or its client gone, by the moment at which it can be
// recorded.
func TestTurnThatComesTooLate(t *testing.T) {
	for name, c := range map[string]struct {
		limit time.Duration
		leave bool
		kind  fault.Kind
	}{
		"its time is over":   {5 * time.Second, false, fault.Busy},
		"its client is gone": {time.Hour, true, fault.Conflict},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := locked(t)
				p := r.wait("ada", c.limit)
				r.pen.take()
				go r.lift()
				pass(c.limit - time.Nanosecond)
				if c.leave {
					p.leave()
				}
				synctest.Wait()
				pass(time.Nanosecond)
				r.pen.give()
				p.refused(c.kind)
				synctest.Wait()
				if got := r.served(); got != "" {
					t.Errorf("%s was begun all the same", got)
				}
				r.stop()
			})
		})
	}
}

// A daemon that stops answers those who wait at once, also while something else has to finish first, and takes note of
// nothing: they wait on at the next one.
func TestStopAnswersThoseWhoWait(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		w.on["replace web"] = func(call) error { pass(70 * time.Second); return nil }
		r := started(t, w)
		r.trigger(rollout.Deploy)
		ada, bertha := r.wait("ada", time.Hour), r.wait("bertha", time.Hour)
		pass(time.Minute)
		r.Stop(t.Context())
		for _, p := range []*patient{ada, bertha} {
			p.refused(fault.Unavailable, "the daemon stops, after 1m of waiting", "nothing was begun", "wait on")
			if !errors.Is(p.err, ErrStopping) || p.waited != time.Minute {
				t.Errorf("the answer after %s does not tell a stop from a failure: %v", p.waited, p.err)
			}
		}
		r.wait("cleo", time.Hour).refused(fault.Unavailable, "the daemon stops")
		_, err := r.Trigger(t.Context(), anna, request(rollout.Rotate))
		wantKind(t, err, fault.Unavailable)
		if all := r.refusedRequests(); len(all) != 0 {
			t.Errorf("recorded as refused: %q", all)
		}
		if all := r.records(); all[len(all)-1] != daemonStopped {
			t.Errorf("the last record is %s", all[len(all)-1])
		}
	})
}

// At the next daemon everybody stands where they stood, in whatever order they come back, and before those who are new.
func TestTheNextDaemonKeepsTheOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := locked(t)
		since := map[string]time.Time{}
		for _, name := range []string{"ada", "bertha", "cleo"} {
			pass(time.Second)
			since[name] = time.Now()
			r.wait(name, time.Hour)
		}
		r.stop()
		r.life()
		pass(time.Second)
		r.start()
		r.lift()
		var all []*patient
		for _, name := range []string{"cleo", "ada", "bertha"} {
			all = append(all, r.wait(name, time.Hour, func(_ *Request, w *Wait) { w.Since = since[name] }))
			pass(time.Second)
		}
		for _, p := range all {
			<-p.done
			if p.err == nil {
				r.end(p.state.Request.ID)
			}
		}
		if got := r.served(); !strings.HasSuffix(got, "ada bertha cleo") {
			t.Errorf("served were %s", got)
		}
		r.stop()
	})
}

// Nobody comes before others by claiming to have waited for longer than anybody may, or since tomorrow.
func TestClaims(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := locked(t)
		pass(48 * time.Hour)
		r.wait("ada", time.Hour)
		pass(time.Second)
		for _, claim := range []time.Duration{time.Hour, -LongestWait - time.Second} {
			p := r.wait("bertha", time.Hour, func(_ *Request, w *Wait) { w.Since = time.Now().Add(claim) })
			if first, _ := p.told(); !strings.Contains(first, "before this one") {
				t.Errorf("a claim of %s is believed: %s", claim, first)
			}
		}
		r.stop()
		synctest.Wait()
	})
}
