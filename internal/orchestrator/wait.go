package orchestrator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/rollout"
)

// Wait says how a request waits for its turn.
type Wait struct {
	Limit time.Duration // from now on; 0 for not at all
	// Since is when the request began to wait, at a daemon that was stopped meanwhile; zero for now.
	Since time.Time
	// Told, where set, is told since when the request waits, and why it is not its turn: at first, whenever that changes,
	// and every few seconds as a sign of life.
	Told func(since time.Time, why error)
}

// LongestWait is the longest time for which a request may wait.
const LongestWait = 24 * time.Hour

const (
	// glance is how often a request that waits looks for itself; as a rule it is told before.
	glance = time.Second
	// sign is how often a request that waits is told that it still does.
	sign = 15 * time.Second
	// settling is how long after its start a daemon gives those who waited at the one before time to come back, so that
	// their order stays the same.
	settling = 5 * time.Second
)

// Why a request waits no longer.
var (
	errTooLong   = errors.New("its time is over")
	errWithdrawn = errors.New("it was withdrawn")
)

// ErrStopping is behind the answer to requests that waited when the daemon stopped: they may wait on at the next one.
var ErrStopping error = errStopping

// TriggerInTurn is Trigger, but where the app is held by a rollout or a lock, or the request cannot be recorded now, it
// waits until it can be begun. Requests are begun in the order in which they came, one at a time. A request is not begun
// once its time is over, ctx has ended or the daemon stops, and leaves the queue at once. Only what is begun is recorded
// as a rollout; what gave up is recorded as refused.
func (o *Orchestrator) TriggerInTurn(ctx context.Context, by journal.Actor, r Request, wait Wait) (rollout.State, error) {
	if wait.Limit <= 0 {
		return o.Trigger(ctx, by, r)
	}
	w, err := o.newWaiter(by, r, wait)
	if err == nil {
		o.awaitVerified(ctx)
		ctx, w.cancel = context.WithCancelCause(ctx)
		defer w.cancel(nil)
		err = o.enter(w)
	}
	if err != nil {
		o.noteRefusal(by, r, err)
		return rollout.State{}, err
	}
	defer o.leave(w)
	timer := time.AfterFunc(time.Until(w.until), func() { w.cancel(errTooLong) })
	defer timer.Stop()
	defer context.AfterFunc(o.interrupt, func() { w.cancel(errStopping) })()
	return o.await(ctx, w, wait.Told)
}

// newWaiter returns a request that can wait, or why it is refused at once.
func (o *Orchestrator) newWaiter(by journal.Actor, r Request, wait Wait) (*waiter, error) {
	request, err := o.Steps.Begin(r.App, r.Kind, r.Image)
	if err == nil {
		err = cmp.Or(brief(r.Reason), r.conditional())
	}
	if err == nil && wait.Limit > LongestWait {
		err = fault.New(fault.Usage, "a request waits for %s at most", LongestWait)
	}
	now := time.Now()
	w := &waiter{by: by, asked: r, request: request, since: now, until: now.Add(wait.Limit), woken: make(chan struct{}, 1)}
	if !wait.Since.IsZero() && wait.Since.Before(now) && now.Sub(wait.Since) <= LongestWait {
		w.since = wait.Since
	}
	return w, err
}

// await waits until the request is begun, or need not wait any longer.
func (o *Orchestrator) await(ctx context.Context, w *waiter, tell func(time.Time, error)) (rollout.State, error) {
	var last error // what the request waits for
	var told string
	var at time.Time
	for {
		s, err := o.turn(ctx, w)
		if err == nil {
			return s, nil
		}
		if !o.mayPass(err) {
			o.noteRefusal(w.by, w.asked, err)
			return s, err
		}
		if ctx.Err() == nil || last == nil {
			last = err
		}
		if because := gist(last); tell != nil && ctx.Err() == nil && (because != told || time.Since(at) >= sign) {
			tell(w.since, last)
			told, at = because, time.Now()
		}
		select {
		case <-ctx.Done():
			return o.giveUp(ctx, w, last)
		case <-w.woken:
		case <-time.After(glance):
		}
	}
}

// mayPass tells whether what keeps a request from its turn may be over some time.
func (o *Orchestrator) mayPass(err error) bool {
	switch fault.KindOf(err) {
	case fault.Busy:
		return true
	case fault.Unavailable:
		return !o.beyondMending()
	}
	return false
}

// gist tells one reason to wait from another.
func gist(err error) string {
	if e, ok := errors.AsType[*BusyError](err); ok {
		return fmt.Sprint(e.Rollout, e.Lock != nil, e.Holder, e.Since, e.Place)
	}
	return fault.Summary(err)
}

// turn begins the request if it is its turn, and returns why not otherwise.
func (o *Orchestrator) turn(ctx context.Context, w *waiter) (rollout.State, error) {
	if err := o.ahead(w); err != nil {
		return rollout.State{}, err
	}
	if s, same, err := o.unneeded(ctx, w.asked, w.request, w); err != nil {
		return s, err
	} else if same {
		o.noteUnneeded(w.by, w.asked)
		return s, nil
	}
	if err := o.pen.takeFor(ctx); err != nil {
		return rollout.State{}, err
	}
	defer o.pen.give()
	if !time.Now().Before(w.until) {
		w.cancel(errTooLong) // the timer is late
	}
	if ctx.Err() != nil {
		return rollout.State{}, fault.Hide(ctx.Err(), fault.Busy, "its turn came too late")
	}
	return o.begin(w.by, w.asked, w.request, w)
}

// ahead returns what comes before the request, without waiting for the pen.
func (o *Orchestrator) ahead(w *waiter) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, known, err := o.repeated(w.asked, w.request); known || err != nil {
		return nil // its turn is now, whoever waits: nothing more is begun
	}
	if e := o.held(w.asked.App, o.place(w.asked.App, w)); e != nil {
		return e.patience()
	}
	if o.follows && time.Since(o.since) < settling { // also a request that is new: it must not go before them
		return fault.New(fault.Unavailable, "the daemon was started anew, and gives those who waited before a moment to come back")
	}
	return nil
}

// giveUp ends a wait that came to nothing: it returns what the request is answered, and records that. last is what it
// waited for. Whoever is to wait on at the next daemon has not given up.
func (o *Orchestrator) giveUp(ctx context.Context, w *waiter, last error) (rollout.State, error) {
	if now := o.ahead(w); now != nil {
		last = now
	}
	o.leave(w)
	if s, known := o.became(w); known {
		return s, nil
	}
	why := fault.Summary(last)
	if e, ok := errors.AsType[*BusyError](last); ok {
		why = e.Error()
	}
	cause, waited := context.Cause(ctx), rollout.Age(time.Since(w.since))
	var err error
	switch {
	case w.offered != "":
		return rollout.State{}, last // it says that nobody can tell yet
	case errors.Is(cause, errStopping):
		return rollout.State{}, fault.Hide(errStopping, fault.Unavailable,
			"the daemon stops, after %s of waiting; nothing was begun; ask again when it has started, and wait on", waited)
	case errors.Is(cause, errTooLong):
		err = fault.Hide(last, fault.KindOf(last), "waited %s in vain, and nothing was begun: %s; ask again, or wait longer with --wait-timeout", waited, why)
	case errors.Is(cause, errWithdrawn):
		err = fault.New(fault.Conflict, "withdrawn after %s of waiting; nothing was begun: %s", waited, why)
	default:
		err = fault.Hide(cause, fault.Conflict, "given up after %s of waiting; nothing was begun: %s", waited, why)
	}
	o.noteRefusal(w.by, w.asked, err)
	return rollout.State{}, err
}

// became returns the rollout of a request that could not be recorded for sure, and was.
func (o *Orchestrator) became(w *waiter) (rollout.State, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s, known := o.ledger.Rollouts[w.offered]
	return s, known
}

// Withdraw takes the requests with an idempotency key out of an app's queue. When it returns nil, none is there, and no
// rollout was or will be begun for one. That there is a rollout is a Conflict that names it. It may be called twice.
func (o *Orchestrator) Withdraw(ctx context.Context, name, key string) error {
	if err := o.configured(name); err != nil {
		return err
	}
	if key == "" {
		return fault.New(fault.Usage, "the idempotency key is missing under which the request waits")
	}
	o.mu.Lock()
	for _, w := range o.queues[name] {
		if w.asked.IdempotencyKey == key {
			w.cancel(errWithdrawn)
		}
	}
	o.mu.Unlock()
	if err := o.pen.takeFor(ctx); err != nil { // whatever was about to be recorded is recorded then
		return err
	}
	defer o.pen.give()
	for _, s := range o.ledger.Rollouts {
		if s.Request.App == name && s.Request.IdempotencyKey == key {
			return fault.Hide(&BusyError{App: name, Rollout: s.Request.ID}, fault.Conflict, "its turn has come already, as rollout %s", s.Request.ID)
		}
	}
	if o.Journal.Failed() != nil && o.offered.App == name && o.offered.IdempotencyKey == key {
		return fault.New(fault.Unavailable, "nobody can tell whether the request was recorded, until the journal's disk works again")
	}
	return nil
}
