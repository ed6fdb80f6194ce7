package orchestrator

import (
	"context"
	"slices"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/rollout"
)

// How many requests may wait at once: of an app, and of one user for all apps. Each keeps a connection.
const (
	mostWaiting = 32
	mostOfUser  = 32
)

// waiter is a request that waits until the app is free. Nothing of it is in the journal.
type waiter struct {
	by      journal.Actor
	asked   Request
	request rollout.Request
	since   time.Time // it stands in the queue behind all that wait longer
	until   time.Time // it is never begun after that
	cancel  context.CancelCauseFunc
	woken   chan struct{} // holds a word when something has happened to the app
	// offered is the id under which it was to be recorded when the journal failed; guarded by the pen.
	offered string
}

// enter puts a request into the queue of its app.
func (o *Orchestrator) enter(w *waiter) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	name, ofUser := w.asked.App, 0
	for _, q := range o.queues {
		for _, other := range q {
			if other.by.UID == w.by.UID {
				ofUser++
			}
		}
	}
	q := o.queues[name]
	switch {
	case len(q) >= mostWaiting:
		return fault.Hide(o.held(name, len(q)+1), fault.Busy, "%d requests wait for %s already; nothing was begun; ask again when some of them have had their turn", len(q), name)
	case ofUser >= mostOfUser:
		return fault.New(fault.Busy, "%d requests of user %s wait already; nothing was begun; ask again when some of them have had their turn",
			ofUser, rollout.Who(w.by.User, &w.by.UID))
	}
	at := len(q)
	for at > 0 && w.since.Before(q[at-1].since) {
		at-- // it has waited longer, at the daemon before this one
	}
	o.queues[name] = slices.Insert(q, at, w)
	return nil
}

// leave takes a request out of its queue; whoever is behind it is told. It may be called twice.
func (o *Orchestrator) leave(w *waiter) {
	o.mu.Lock()
	defer o.mu.Unlock()
	name := w.asked.App
	q := slices.DeleteFunc(o.queues[name], func(other *waiter) bool { return other == w })
	if o.queues[name] = q; len(q) == 0 {
		delete(o.queues, name)
	}
	o.wake(name)
}

// first returns the request whose turn is next, or nil. The caller holds mu.
func (o *Orchestrator) first(name string) *waiter {
	if q := o.queues[name]; len(q) > 0 {
		return q[0]
	}
	return nil
}

// place returns where a request stands in its queue, from 1; behind all others for one that does not wait. The caller
// holds mu.
func (o *Orchestrator) place(name string, w *waiter) int {
	q := o.queues[name]
	if at := slices.Index(q, w); at >= 0 {
		return at + 1
	}
	return len(q) + 1
}

// wake has those look again who wait for an app; with an empty name, all. The caller holds mu.
func (o *Orchestrator) wake(name string) {
	for app, q := range o.queues {
		if name != "" && name != app {
			continue
		}
		for _, w := range q {
			select {
			case w.woken <- struct{}{}:
			default: // it is about to
			}
		}
	}
}

// waiting returns who waits for an app. The caller holds mu.
func (o *Orchestrator) waiting(name string) []rollout.Waiter {
	var out []rollout.Waiter
	for _, w := range o.queues[name] {
		out = append(out, rollout.Waiter{Kind: w.asked.Kind, Image: w.asked.Image, Release: w.asked.Release, Requester: w.by.User, UID: w.by.UID, Reason: w.asked.Reason,
			Since: w.since.UTC(), Until: w.until.UTC(), Age: int64(time.Since(w.since).Seconds())})
	}
	return out
}
