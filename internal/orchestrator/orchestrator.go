// Package orchestrator carries rollouts through: one worker for each app, which asks the machine for the next action,
// journals that it begins, has it done, and journals what came of it. The journal is the only truth: every state here
// is folded from records, live and at start by the same code, so that what a restart sees is what was acted upon. When
// the journal cannot be written, nothing more is done.
package orchestrator

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/rollout"
)

// itself is the actor of what the daemon does on its own.
var itself = journal.Actor{User: "fairlead"}

// Options are what an Orchestrator is made of. Journal, Steps and Log are required.
type Options struct {
	Journal *journal.Journal
	Steps   Steps
	Log     *zap.Logger
	Version string
	// Patience is how long Stop lets an action on a container finish before it interrupts it; 0 for 20 seconds.
	Patience time.Duration
	// Ended, where set, is told of every rollout that ends. It must not call the Orchestrator, which waits for it.
	Ended func(rollout.State)
}

// Orchestrator holds the apps' rollouts. It is safe for concurrent use.
type Orchestrator struct {
	Options
	mu       sync.Mutex // guards what follows, and makes the order of the records that of the states
	ledger   *ledger
	cancels  map[string]context.CancelCauseFunc // of the action under way, by rollout
	watchers map[chan Event]string              // to the rollout that each follows
	refusals map[string]*refusals
	stopping bool
	stopped  bool

	workers   sync.WaitGroup
	interrupt context.Context // ends waits as soon as the daemon stops
	soft      context.CancelCauseFunc
	kill      context.Context // ends everything else when Stop's patience is over
	hard      context.CancelCauseFunc
}

// errStopping is the cause with which actions are interrupted when the daemon stops.
var errStopping = fault.New(fault.Unavailable, "the daemon is stopping")

// New folds the journal into an Orchestrator. It starts nothing.
func New(o Options) (*Orchestrator, error) {
	if o.Journal == nil || o.Steps == nil || o.Log == nil {
		return nil, fault.New(fault.Internal, "orchestrator: an option is missing")
	}
	if o.Patience == 0 {
		o.Patience = 20 * time.Second
	}
	r := &Orchestrator{Options: o, ledger: newLedger(), cancels: map[string]context.CancelCauseFunc{},
		watchers: map[chan Event]string{}, refusals: map[string]*refusals{}}
	r.kill, r.hard = context.WithCancelCause(context.Background())
	r.interrupt, r.soft = context.WithCancelCause(r.kill)
	for rec, err := range o.Journal.Records(1) {
		if err != nil {
			return nil, err
		}
		if err := r.ledger.fold(rec); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Start records that the daemon runs, and goes on with every rollout that has not ended.
func (o *Orchestrator) Start() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if tear := o.Journal.Repaired(); tear != nil {
		if _, err := o.append(journal.Record{Type: "journal.repaired"}, tear); err != nil {
			return err
		}
	}
	if _, err := o.append(journal.Record{Type: "daemon.started"}, map[string]string{"version": o.Version}); err != nil {
		return err
	}
	for _, id := range o.ledger.active() {
		s := o.ledger.rollouts[id]
		if o.configured(s.Request.App) != nil {
			return fault.New(fault.Refused, "rollout %s of %s has not ended, but no app %q is configured any more; put its configuration back, so that the rollout can be finished or reverted",
				id, s.Request.App, s.Request.App)
		}
		if err := o.record(itself, s, rollout.Event{Type: rollout.Resumed}); err != nil {
			return err
		}
		o.Log.Info("rollout resumed", zap.String("app", s.Request.App), zap.String("rollout", id), zap.String("step", string(s.Step)))
		o.work(id)
	}
	return nil
}

// Stop ends the workers. Waits are interrupted at once; an action that is changing a container may finish within
// Patience or until ctx ends. Rollouts that have not ended go on at the next start. It may be called twice.
func (o *Orchestrator) Stop(ctx context.Context) {
	o.mu.Lock()
	o.stopping = true
	o.mu.Unlock()
	o.soft(errStopping)
	ctx, cancel := context.WithTimeout(ctx, o.Patience)
	defer cancel()
	done := make(chan struct{})
	go func() { o.workers.Wait(); close(done) }() // ends with the workers, which hard ends at the latest
	select {
	case <-done:
	case <-ctx.Done():
		o.hard(errStopping)
		<-done
	}
	o.hard(errStopping)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stopped {
		return
	}
	o.stopped = true
	if _, err := o.append(journal.Record{Type: "daemon.stopped"}, nil); err != nil {
		o.Log.Error("the stop could not be recorded", zap.String("why", fault.Text(err)))
	}
	for ch := range o.watchers {
		o.drop(ch)
	}
}

// record makes e durable and folds it in. The caller holds mu. An event that the machine does not allow is not written;
// one that cannot be written has not happened.
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

// append makes a record durable, folds it in, and shows it to whoever watches. The caller holds mu.
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
	r, err := o.Journal.Append(r)
	if err != nil {
		return r, err
	}
	if err := o.ledger.fold(r); err != nil {
		return r, err
	}
	o.publish(Event{Record: r}, r.Rollout)
	return r, nil
}

// Refusing says why no rollout is accepted now, or "" when all is well.
func (o *Orchestrator) Refusing() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.refusing()
}

func (o *Orchestrator) refusing() string {
	if o.stopping {
		return "the daemon is stopping"
	}
	if err := o.Journal.Failed(); err != nil {
		return "the journal cannot be written, so nothing is done any more: " + fault.Text(err)
	}
	return ""
}
