package orchestrator

import (
	"context"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
)

// overdue is how long after its deadline an action may still be at it: what it asked for was interrupted then, and the
// kernel or the Engine may take a moment to say so.
const overdue = time.Minute

// Stuck returns why the daemon makes no progress and only another start can help, or nil. It proves what it says: it takes
// what every move needs, within ctx, and holds each action under way against its own deadline. A wait within its deadline is
// progress, however long; so is a disk that does not answer, which no start mends: then an operator must still be able
// to ask.
func (o *Orchestrator) Stuck(ctx context.Context) error {
	select {
	case o.pen <- struct{}{}:
		o.pen.give()
	case <-ctx.Done():
		if !o.writing.Load() {
			return fault.New(fault.Internal, "nobody could decide what comes next, since somebody decides and does not end")
		}
	}
	for !o.mu.TryLock() {
		if !pause(ctx, 10*time.Millisecond) {
			return fault.New(fault.Internal, "what the rollouts do could not be looked at, since somebody looks and does not end")
		}
	}
	defer o.mu.Unlock()
	for id, a := range o.acting {
		if late := time.Since(a.Deadline); late > overdue {
			return fault.New(fault.Internal, "%s of rollout %s goes on, %s after its deadline", a.Verb, id, late.Round(time.Second))
		}
	}
	return nil
}

// Doing returns the rollouts that have not ended, oldest first. It needs no disk and no host.
func (o *Orchestrator) Doing() []rollout.State {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []rollout.State
	for _, id := range o.ledger.active() {
		out = append(out, o.ledger.Rollouts[id])
	}
	return out
}

// acts notes that an action is under way, or is no more.
func (o *Orchestrator) acts(id string, a *rollout.Action) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if a == nil {
		delete(o.acting, id)
		return
	}
	o.acting[id] = *a
}

// Reconfigure has swap put another configuration into the place of the Steps', which then knows these apps and no others, but
// for the rollouts that have not ended, whose ids it is given: they go on as they began. It is refused, and nothing is
// swapped, where a rollout has not ended whose app would be gone. Apps that are new are recognised before anything is done
// to them.
func (o *Orchestrator) Reconfigure(ctx context.Context, apps []string, swap func(unended []string)) error {
	if err := o.pen.takeFor(ctx); err != nil {
		return err
	}
	defer o.pen.give()
	if err := o.orphans(apps); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stopping {
		return errStopping
	}
	swap(o.ledger.active())
	for name, r := range unlooked(apps) {
		if o.apps[name] == nil {
			o.apps[name] = r
			o.keeper.Go(func() { o.keepLooking(name) }) // ends with interrupt
		}
	}
	return nil
}
