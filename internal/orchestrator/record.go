package orchestrator

import (
	"context"
	"encoding/json"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/rollout"
)

// slow is how long a request waits for a journal that somebody else is writing. A sound disk takes milliseconds.
const slow = 10 * time.Second

// lastWord is how long a stop waits for whatever was interrupted, and then for the journal's disk.
const lastWord = 5 * time.Second

// pen is held by whoever decides what comes next and records it, through the journal's sync, so that the order of the
// records is that of the states. Whoever only looks does not need it: a disk that hangs must not keep an operator from
// seeing what is going on.
type pen chan struct{}

func newPen() pen { return make(pen, 1) }

func (p pen) take() { p <- struct{}{} }
func (p pen) give() { <-p }

// takeFor takes the pen for a request, which waits a while for it, and not beyond ctx.
func (p pen) takeFor(ctx context.Context) error {
	select {
	case p <- struct{}{}: // also for a request that nobody waits for any more
		return nil
	default:
	}
	select {
	case p <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fault.Hide(ctx.Err(), fault.Unavailable, "the request was given up before it could be recorded; nothing was changed")
	case <-time.After(slow):
		return fault.New(fault.Unavailable, "the journal's disk has not answered for %s; nothing was changed; see that it works, then ask again", slow)
	}
}

// takeWithin takes the pen and returns true, or false when that takes longer than d.
func (p pen) takeWithin(d time.Duration) bool {
	select {
	case p <- struct{}{}:
		return true
	case <-time.After(d):
		return false
	}
}

// within waits until done is closed, and not longer than d: then it returns false.
func within(done <-chan struct{}, d time.Duration) bool {
	select {
	case <-done:
		return true
	case <-time.After(d):
		return false
	}
}

// onDisk does what the journal's disk is waited for in, with the pen held: a disk that hangs is nothing that another start
// mends, and Stuck must not take it for a daemon that does not go on.
func (o *Orchestrator) onDisk(do func()) {
	o.writing.Store(true)
	defer o.writing.Store(false)
	do()
}

// record makes e durable and folds it in. The caller holds the pen. An event that the machine does not allow is not
// written; one that cannot be written has not happened.
func (o *Orchestrator) record(by journal.Actor, s rollout.State, e rollout.Event) error {
	if _, err := rollout.Apply(s, e); err != nil {
		return err
	}
	r := journal.Record{Actor: by, Type: string(e.Type), App: s.Request.App, Rollout: s.Request.ID}
	if e.Request != nil {
		r.App, r.Rollout = e.Request.App, e.Request.ID
	}
	if e.Action != nil {
		r.Step = string(e.Action.Step)
	}
	_, err := o.append(r, e)
	return err
}

// append makes a record durable, folds it in, and shows it to whoever watches. The caller holds the pen.
func (o *Orchestrator) append(r journal.Record, data any) (journal.Record, error) {
	if r.Actor == (journal.Actor{}) {
		r.Actor = itself
	}
	if data != nil {
		text, err := json.Marshal(data)
		if err != nil {
			return r, fault.New(fault.Internal, "a %s record cannot be encoded; nothing was written", r.Type)
		}
		r.Data = text
	}
	if o.behind != nil && o.Journal.Failed() == nil {
		return r, fault.New(fault.Unavailable, "what the journal holds is not known yet, so nothing more is recorded; the daemon goes on by itself")
	}
	var err error
	if o.onDisk(func() { r, err = o.Journal.Append(r) }); err != nil {
		o.failing()
		return r, err
	}
	return r, o.accept(r)
}

// accept folds in a durable record and shows it to whoever watches. The caller holds the pen.
func (o *Orchestrator) accept(r journal.Record) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.ledger.fold(r); err != nil {
		return err
	}
	o.publish(Event{Record: r}, r.Rollout)
	o.wake(r.App)
	if o.Moved != nil {
		o.Moved()
	}
	return nil
}

// failing has a journal that has failed looked after.
func (o *Orchestrator) failing() {
	if o.Journal.Failed() == nil {
		return // only this record was not fit
	}
	select {
	case o.broken <- struct{}{}:
	default: // somebody is at it
	}
}
