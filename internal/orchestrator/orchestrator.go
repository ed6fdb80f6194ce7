// Package orchestrator carries rollouts through: one worker for each app, which asks the machine for the next action,
// journals that it begins, has it done, and journals what came of it. The journal is the only truth: every state here
// is folded from records, live and at start by the same code, so that what a restart sees is what was acted upon. When
// the journal cannot be written, nothing more is done until it can be again.
package orchestrator

import (
	"context"
	"crypto/rand"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"
	"go.uber.org/zap"

	"github.com/capakraken/fairlead/internal/failpoint"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
)

// itself is the actor of what the daemon does on its own.
var itself = journal.Actor{User: "fairlead"}

// Options are what an Orchestrator is made of. Journal, Steps and Log are required.
type Options struct {
	Journal *journal.Journal
	Steps   Steps
	Log     *zap.Logger
	Version string
	// Key is what the host's key for fingerprints is known by. Empty where there is none to be told apart.
	Key secret.Fingerprint
	// Patience is how long Stop lets an action on a container finish before it interrupts it; 0 for 20 seconds.
	Patience time.Duration
	// Moved, where set, is told that something about a rollout has changed. It must not call the Orchestrator, nor wait.
	Moved func()
	// Ended, where set, is told of every rollout that ends. It must not call the Orchestrator, which waits for it.
	Ended func(rollout.State)
}

// Orchestrator holds the apps' rollouts. It is safe for concurrent use.
type Orchestrator struct {
	Options
	pen      pen                                // held by whoever decides and records
	cancels  map[string]context.CancelCauseFunc // of the action under way, by rollout; guarded by the pen
	working  map[string]bool                    // the rollouts that have a worker; guarded by the pen
	panicked map[string]rollout.Event           // what came of an action that a bug has ended, and could not be recorded, by rollout; guarded by the pen
	refusals map[string]*refusals               // guarded by the pen
	stopped  bool                               // guarded by the pen
	saved    uint64                             // the last record that a snapshot covers; guarded by the pen
	ids      *ulid.MonotonicEntropy             // of the rollouts' ids; guarded by the pen
	offered  rollout.Request                    // could not be recorded for sure when the journal failed; guarded by the pen
	unborn   bool                               // the daemon's start is not recorded yet; guarded by the pen

	writing atomic.Bool // the journal's disk is waited for, with the pen held

	mu       sync.Mutex                // guards what follows, and is never held through I/O
	apps     map[string]*recognition   // of every app that was ever configured
	acting   map[string]rollout.Action // what is done just now, by rollout
	ledger   *ledger                   // changed only with the pen held as well, so whoever holds the pen may read it
	watchers map[chan Event]string     // to the rollout that each follows
	queues   map[string][]*waiter      // of each app, the next one first
	since    time.Time                 // when the daemon was started
	follows  bool                      // another daemon has written the journal before this one
	stopping bool
	wanting  string   // what a journal that failed lacks to be taken up again, though its disk may work
	behind   *arrears // what the ledger does not know of yet; nil as a rule; changed only with the pen held as well
	// What is known of the old records that the start has trusted: why they cannot be read, and what is wrong with them.
	unverified, damage error

	broken    chan struct{}   // holds a word when the journal has failed
	verified  chan struct{}   // closed when the old records are verified, or found to be damaged
	workers   sync.WaitGroup  // one for each rollout that moves
	keeper    sync.WaitGroup  // of the journal
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
	r := &Orchestrator{Options: o, pen: newPen(), cancels: map[string]context.CancelCauseFunc{}, working: map[string]bool{}, acting: map[string]rollout.Action{}, panicked: map[string]rollout.Event{},
		refusals: map[string]*refusals{}, watchers: map[chan Event]string{}, queues: map[string][]*waiter{}, broken: make(chan struct{}, 1), verified: make(chan struct{}), ids: ulid.Monotonic(rand.Reader, 0)}
	r.apps = unlooked(o.Steps.Apps())
	r.kill, r.hard = context.WithCancelCause(context.Background())
	r.interrupt, r.soft = context.WithCancelCause(r.kill)
	r.ledger, r.saved = restored(o)
	err := r.catchUp()
	r.follows = r.ledger.Seq > 0
	return r, err
}

// catchUp folds the records that the ledger does not hold yet.
func (o *Orchestrator) catchUp() error {
	for r, err := range o.Journal.Records(o.ledger.Seq + 1) {
		if err != nil {
			return err
		}
		if err := o.ledger.fold(r); err != nil {
			return err
		}
	}
	return nil
}

// Start records that the daemon runs, holds what the host shows of each app against the journal, and goes on with every
// rollout that has not ended and that the host has not left behind. It does not wait long for a host that does not answer:
// then no rollout of the app is begun, and one that goes on does nothing, until it does. Nor does it fail on a disk that
// is full or can only be read: then the daemon is there to be asked, and begins when it can be written again.
func (o *Orchestrator) Start() error {
	if err := o.known(); err != nil {
		return err
	}
	o.pen.take()
	err := o.born()
	o.unborn = err != nil
	o.pen.give()
	switch {
	case err == nil:
		o.recogniseAll()
	case o.Journal.Failed() == nil || o.beyondMending():
		return err
	default:
		o.Log.Error("the daemon's start cannot be recorded; nothing is done until it can", zap.String("why", fault.Text(err)))
	}
	o.pen.take()
	defer o.pen.give()
	if !o.unborn {
		if err := o.resume(); err != nil {
			return err
		}
	}
	o.keeper.Go(o.watchDisk)    // ends with interrupt
	o.keeper.Go(o.checkTrusted) // ends with interrupt
	for _, name := range o.Steps.Apps() {
		if o.unrecognised(name) != nil {
			o.keeper.Go(func() { o.keepLooking(name) }) // ends with interrupt
		}
	}
	return nil
}

// known returns a fault when a rollout has not ended whose app is not configured any more.
func (o *Orchestrator) known() error { return o.orphans(o.Steps.Apps()) }

// orphans returns a fault when a rollout has not ended whose app is not among these.
func (o *Orchestrator) orphans(apps []string) error {
	for _, id := range o.ledger.active() {
		if s := o.ledger.Rollouts[id]; !slices.Contains(apps, s.Request.App) {
			return fault.New(fault.Refused, "rollout %s of %s has not ended, but no app %q is configured any more; put its configuration back, so that the rollout can be finished or reverted",
				id, s.Request.App, s.Request.App)
		}
	}
	return nil
}

// born records that the daemon runs. The caller holds the pen.
func (o *Orchestrator) born() error {
	if tear := o.Journal.Repaired(); tear != nil {
		if _, err := o.append(journal.Record{Type: journalRepaired}, tear); err != nil {
			return err
		}
	}
	b := birth{Version: o.Version, Level: Level, Key: o.Key, Rekeyed: o.Key != "" && o.ledger.Key != "" && o.Key != o.ledger.Key}
	if _, err := o.append(journal.Record{Type: daemonStarted}, b); err != nil {
		return err
	}
	if b.Rekeyed {
		o.Log.Warn("the host's key is another one than before; which secrets have changed since when is not known any more, and what was validated under the old key is not gone on with")
	}
	failpoint.Hit(failpoint.StartNoted)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.since = time.Now()
	return nil
}

// resume goes on with every rollout that has not ended and has no worker. The caller holds the pen.
func (o *Orchestrator) resume() error {
	for _, id := range o.ledger.active() {
		if o.working[id] {
			continue
		}
		if err := o.owned(id); err != nil {
			return err
		}
		s := o.ledger.Rollouts[id]
		if err := o.record(itself, s, rollout.Event{Type: rollout.Resumed}); err != nil {
			return err
		}
		failpoint.Hit(failpoint.ResumeNoted)
		o.Log.Info("rollout resumed", zap.String("app", s.Request.App), zap.String("rollout", id), zap.String("step", string(s.Step)))
		o.work(id)
	}
	return nil
}

// owned records the failure of an action that a bug has ended while nothing could be recorded, unless it reached the disk
// all the same: the action must not be tried again. The caller holds the pen.
func (o *Orchestrator) owned(id string) error {
	e, ok := o.panicked[id]
	if !ok {
		return nil
	}
	s := o.ledger.Rollouts[id]
	if d := s.Doing; d != nil && d.Verb == e.Action.Verb && d.Service == e.Action.Service && d.Hook == e.Action.Hook {
		if err := o.record(itself, s, e); err != nil {
			return err
		}
	}
	delete(o.panicked, id)
	return nil
}

// Stop ends the workers. Waits are interrupted at once; an action that is changing a container may finish within
// Patience or until ctx ends. Rollouts that have not ended go on at the next start. A disk that does not answer is not
// waited for. It may be called twice.
func (o *Orchestrator) Stop(ctx context.Context) {
	o.mu.Lock()
	o.stopping = true
	o.mu.Unlock()
	o.soft(errStopping)
	ctx, cancel := context.WithTimeout(ctx, o.Patience)
	defer cancel()
	done := make(chan struct{})
	go func() { o.workers.Wait(); o.keeper.Wait(); close(done) }() // ends with them, which hard ends, or with the process
	select {
	case <-done:
	case <-ctx.Done():
		o.hard(errStopping)
		within(done, lastWord)
	}
	o.hard(errStopping)
	signed := make(chan struct{})
	go func() { o.signOff(); close(signed) }() // ends when the disk answers, or with the process
	if !within(signed, lastWord) {
		o.Log.Error("the journal's disk does not answer; the stop is not recorded")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for ch := range o.watchers {
		o.drop(ch)
	}
}

// signOff records that the daemon stops, once.
func (o *Orchestrator) signOff() {
	o.pen.take()
	defer o.pen.give()
	if o.stopped {
		return
	}
	o.stopped = true
	failpoint.Hit(failpoint.StopWaited)
	if _, err := o.append(journal.Record{Type: daemonStopped}, nil); err != nil {
		o.Log.Error("the stop could not be recorded", zap.String("why", fault.Text(err)))
	} else {
		o.save()
	}
	failpoint.Hit(failpoint.StopNoted)
}

// beyondMending tells whether nothing will be accepted any more until somebody has mended the journal and started the
// daemon anew.
func (o *Orchestrator) beyondMending() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	failed := o.Journal.Failed()
	return o.damage != nil || failed != nil && fault.KindOf(failed) != fault.Unavailable
}

// Refusing says why no rollout is accepted now, or "" when all is well.
func (o *Orchestrator) Refusing() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch failed := o.Journal.Failed(); {
	case o.stopping:
		return "the daemon is stopping"
	case failed != nil && fault.KindOf(failed) != fault.Unavailable:
		return "the journal is not what was written, so nothing is done any more; restore it from a copy, and start the daemon again: " + fault.Text(failed)
	case failed != nil && o.wanting != "":
		return fault.Text(failed) + "; " + o.wanting
	case failed != nil:
		return fault.Text(failed)
	case o.behind != nil:
		return "the journal can be written again, and what it holds is not known yet: " + o.wanting
	case o.damage != nil:
		return "the journal is damaged, so no rollout is begun: " + fault.Text(o.damage)
	}
	return ""
}
