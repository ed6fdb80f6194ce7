package orchestrator

import (
	"context"
	"iter"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/rollout"
)

// backlog is how many events a watcher may be behind before it has to read them from the journal again.
const backlog = 256

// Watch yields the events of a rollout whose sequence numbers are greater than after: first the recorded ones, then
// those that come, until the rollout has ended, ctx ends, or the daemon stops. Passing signs of life come in between,
// and are left out for a watcher that is slow.
func (o *Orchestrator) Watch(ctx context.Context, id string, after uint64) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for ctx.Err() == nil {
			live, first, over, err := o.subscribe(id)
			if err != nil {
				yield(Event{}, err)
				return
			}
			seen, last := o.follow(ctx, id, max(first, after+1), live, yield)
			o.unsubscribe(live)
			if last || over {
				return
			}
			after = max(after, seen)
		}
	}
}

// follow yields the recorded events from seq on and then the live ones. It returns the last sequence number that it
// yielded, and true when there is nothing more to come.
func (o *Orchestrator) follow(ctx context.Context, id string, from uint64, live <-chan Event, yield func(Event, error) bool) (uint64, bool) {
	seen := from - 1
	for r, err := range o.Journal.Records(from) {
		if err != nil {
			yield(Event{}, err)
			return seen, true
		}
		if r.Rollout != id {
			continue
		}
		seen = r.Seq
		if !yield(Event{Record: r}, nil) || r.Type == string(rollout.Ended) {
			return seen, true
		}
	}
	for {
		select {
		case <-ctx.Done():
			return seen, true
		case e, ok := <-live:
			switch {
			case !ok:
				return seen, o.halting()
			case e.Progress == nil && e.Record.Seq <= seen:
				continue
			case e.Progress == nil:
				seen = e.Record.Seq
			}
			if !yield(e, nil) || e.Record.Type == string(rollout.Ended) {
				return seen, true
			}
		}
	}
}

func (o *Orchestrator) halting() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.stopping
}

// subscribe returns a channel of the rollout's events from now on, and the sequence number of its first. For one that
// is over, the channel is closed: all of it is in the journal.
func (o *Orchestrator) subscribe(id string) (ch chan Event, first uint64, over bool, err error) {
	s, first, err := o.find(id)
	if err == nil && s.Phase == "" {
		s, err = o.reread(id, first)
	}
	if err != nil {
		return nil, 0, false, err
	}
	ch = make(chan Event, backlog)
	if s.Phase == rollout.Over {
		close(ch)
		return ch, first, true, nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stopping {
		return nil, 0, false, errStopping
	}
	if failed := o.Journal.Failed(); failed != nil {
		return nil, 0, false, fault.Hide(failed, fault.Internal, "rollout %s stands still: %s", id, fault.Text(failed))
	}
	o.watchers[ch] = id
	return ch, first, false, nil
}

func (o *Orchestrator) unsubscribe(ch chan Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.drop(ch)
}

// drop closes a watcher's channel, once. The caller holds mu.
func (o *Orchestrator) drop(ch chan Event) {
	if _, ok := o.watchers[ch]; ok {
		delete(o.watchers, ch)
		close(ch)
	}
}

// publish hands an event to the watchers of a rollout. The caller holds mu. A watcher that has no room for a durable
// event is dropped, and reads on from the journal.
func (o *Orchestrator) publish(e Event, id string) {
	if id == "" {
		return
	}
	for ch, wants := range o.watchers {
		if wants != id {
			continue
		}
		select {
		case ch <- e:
		default:
			if e.Progress == nil {
				o.drop(ch)
			}
		}
	}
}

// passing returns the frame of a sign of life: when and of what, but no sequence number.
func passing(s rollout.State, step string) journal.Record {
	return journal.Record{Time: time.Now().UTC(), App: s.Request.App, Rollout: s.Request.ID, Step: step}
}

// find returns a rollout that is held in memory; of another one only the sequence number from which on its records can
// stand in the journal.
func (o *Orchestrator) find(id string) (s rollout.State, first uint64, err error) {
	o.mu.Lock()
	s, ok := o.ledger.Rollouts[id]
	first = o.ledger.First[id]
	o.mu.Unlock()
	if ok {
		return s, first, nil
	}
	when, err := ulid.ParseStrict(id)
	if err != nil {
		return s, 0, notFound(id)
	}
	first, err = o.Journal.Before(when.Timestamp().Add(-stray))
	return s, first, err
}

// stray is how much later or earlier than its id says a rollout's first record can be.
const stray = time.Minute

// reread folds a rollout that is no longer in memory from the journal.
func (o *Orchestrator) reread(id string, first uint64) (rollout.State, error) {
	var s rollout.State
	latest := ulid.MustParse(id).Timestamp().Add(stray)
	for r, err := range o.Journal.Records(first) {
		if err != nil {
			return s, err
		}
		if s.Phase == "" && r.Time.After(latest) {
			break
		}
		if r.Rollout != id || !isRolloutEvent(r.Type) {
			continue
		}
		e, err := eventOf(r)
		if err != nil {
			return s, err
		}
		if s, err = rollout.Apply(s, e); err != nil {
			return s, fault.New(fault.Internal, "journal record %d: %s", r.Seq, fault.Text(err))
		}
		if e.Type == rollout.Ended {
			return s, nil
		}
	}
	return s, notFound(id)
}
