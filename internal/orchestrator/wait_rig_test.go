package orchestrator

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/rollout"
)

// patient is a request that waits for its turn, beside the test.
type patient struct {
	t      testing.TB
	leave  context.CancelFunc // the client goes away
	begun  time.Time
	mu     sync.Mutex
	why    []string        // it waits, as it was told
	after  []time.Duration // when it was told
	done   chan struct{}   // closed when it is answered
	state  rollout.State
	err    error
	waited time.Duration
}

// wait asks for a rotate of capakraken in somebody's name, and returns when the request waits or is answered.
func (r *rig) wait(name string, limit time.Duration, more ...func(*Request, *Wait)) *patient {
	r.Helper()
	q, w := Request{App: capakraken, Kind: rollout.Rotate, Reason: "for " + name}, Wait{Limit: limit}
	for _, change := range more {
		change(&q, &w)
	}
	ctx, cancel := context.WithCancel(r.Context())
	p := &patient{t: r.TB, leave: cancel, begun: time.Now(), done: make(chan struct{})}
	w.Told = func(_ time.Time, err error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.why, p.after = append(p.why, fault.Text(err)), append(p.after, time.Since(p.begun))
	}
	by := journal.Actor{UID: int64(len(name)) + 1000, User: name}
	go func() { // ends when the request is answered
		defer close(p.done)
		defer cancel()
		p.state, p.err = r.TriggerInTurn(ctx, by, q, w)
		p.waited = time.Since(p.begun)
	}()
	synctest.Wait()
	return p
}

// keyed gives a request an idempotency key.
func keyed(key string) func(*Request, *Wait) {
	return func(q *Request, _ *Wait) { q.IdempotencyKey = key }
}

// told returns what the request was told first, and last.
func (p *patient) told() (first, last string) {
	p.t.Helper()
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.why) == 0 {
		p.t.Fatal("it was not told why it waits")
	}
	return p.why[0], p.why[len(p.why)-1]
}

// answered returns whether the request is answered by now.
func (p *patient) answered() bool {
	synctest.Wait()
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// refused expects an answer of a kind that says all this.
func (p *patient) refused(k fault.Kind, says ...string) {
	p.t.Helper()
	<-p.done
	wantKind(p.t, p.err, k)
	for _, text := range says {
		if !strings.Contains(fault.Text(p.err), text) {
			p.t.Errorf("%q does not say %q", fault.Text(p.err), text)
		}
	}
}

// served returns for whom the rollouts were begun, in order, and expects that no two were under way at once.
func (r *rig) served() string {
	r.Helper()
	var names []string
	active := 0
	for rec, err := range r.Audit(1) {
		if err != nil {
			r.Fatal(err)
		}
		switch rollout.EventType(rec.Type) {
		case rollout.Requested:
			if active++; active > 1 {
				r.Errorf("record %d begins a rollout beside another one", rec.Seq)
			}
			e, err := eventOf(rec)
			if err != nil {
				r.Fatal(err)
			}
			names = append(names, strings.TrimPrefix(e.Request.Reason, "for "))
		case rollout.Ended:
			active--
		}
	}
	return strings.Join(names, " ")
}

// refusedRequests returns why requests were refused, as it is recorded.
func (r *rig) refusedRequests() []string {
	r.Helper()
	var out []string
	for rec, err := range r.Audit(1) {
		if err != nil {
			r.Fatal(err)
		}
		if rec.Type == requestRefused {
			out = append(out, rec.Actor.User+" "+string(rec.Data))
		}
	}
	return out
}

// gated holds every rollout in verify until the test lets one go on.
func gated() (*world, chan struct{}) {
	w, gate := newWorld(), make(chan struct{})
	w.on["verify"] = func(c call) error {
		select {
		case <-gate:
			return nil
		case <-c.ctx.Done():
			return fault.New(fault.Unavailable, "interrupted")
		}
	}
	return w, gate
}

// locked starts a daemon whose app is locked.
func locked(t testing.TB) *rig {
	t.Helper()
	r := started(t, newWorld())
	if err := r.Lock(t.Context(), anna, capakraken, "the auditors are here"); err != nil {
		t.Fatal(err)
	}
	return r
}

// lift takes the lock of capakraken away.
func (r *rig) lift() {
	r.pen.take()
	defer r.pen.give()
	if _, err := r.append(journal.Record{Actor: anna, Type: appUnlocked, App: capakraken}, map[string]string{"reason": "they are gone"}); err != nil {
		r.Error(err)
	}
}
