package orchestrator

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
	"go.uber.org/zap"

	"github.com/capakraken/fairlead/internal/failpoint"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/workload"
)

// The journal may know less than the host shows: the state directory was deleted, or restored from a copy. So after every
// start, each app is recognised: the containers that run are held against the journal, by the rollouts that their labels
// name, before anything is done to them.

// How long one look at an app may take: at the start, which waits for it, and later, when nobody does.
const (
	firstLook = 2 * time.Second
	laterLook = 15 * time.Second
)

// lookAgain is the longest pause between two looks at an app that could not be looked at.
const lookAgain = 5 * time.Second

// recognition is how far an app's recognition has come.
type recognition struct {
	done chan struct{} // closed when the app is recognised
	why  error         // why it is not yet; guarded by mu
}

// finding is the data of the records that tell what the host has shown.
type finding struct {
	Reason   string            `json:"reason"`
	Observed *rollout.Observed `json:"observed,omitempty"` // nil where nobody had to look
}

// unlooked returns the recognitions of apps that nobody has looked at.
func unlooked(apps []string) map[string]*recognition {
	out := map[string]*recognition{}
	for _, name := range apps {
		out[name] = &recognition{done: make(chan struct{}), why: fault.New(fault.Unavailable, "the host was not looked at yet")}
	}
	return out
}

// recogniseAll looks at all apps side by side, so long as a start can wait for it.
func (o *Orchestrator) recogniseAll() {
	var looks sync.WaitGroup
	for _, name := range o.Steps.Apps() {
		looks.Go(func() { o.recognise(o.interrupt, name, firstLook) })
	}
	looks.Wait()
}

// keepLooking tries until the app is recognised or the daemon stops.
func (o *Orchestrator) keepLooking(name string) {
	for wait := firstTry; o.unrecognised(name) != nil; wait = min(2*wait, lookAgain) {
		if !pause(o.interrupt, wait) {
			return
		}
		o.recognise(o.interrupt, name, laterLook)
	}
}

// unrecognised returns why an app is not recognised yet, or nil.
func (o *Orchestrator) unrecognised(name string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if r := o.apps[name]; r != nil {
		return r.why
	}
	return nil // it is not configured, which is said elsewhere
}

// unready returns why no rollout of the app may begin yet, as the answer to a request. The caller holds the pen.
func (o *Orchestrator) unready(name string) error {
	err := o.unrecognised(name)
	newest := o.ledger.app(name).latest()
	switch {
	case err == nil && newest.After(time.Now().Add(stray)):
		return fault.New(fault.Refused, "the clock of this host is wrong: a rollout whose containers it runs was begun at %s; nothing was changed; set the clock, then ask again", newest.UTC().Format(time.RFC3339))
	case err == nil:
		return nil
	case fault.KindOf(err) == fault.TimedOut, fault.KindOf(err) == fault.Unavailable:
		return fault.Hide(err, fault.Unavailable, "what runs of %s is not recognised yet, since the host cannot be looked at: %s; nothing was changed; it is tried again by itself", name, fault.Text(err))
	}
	return fault.Hide(err, fault.KindOf(err), "what runs of %s is not recognised yet: %s; nothing was changed; it is tried again by itself", name, fault.Text(err))
}

// recognise looks at an app and records what the journal does not know of it. When it cannot, the reason is kept, and it
// may be called again. Of an app that is recognised, nothing is looked at. It returns within limit.
func (o *Orchestrator) recognise(ctx context.Context, name string, limit time.Duration) {
	if o.unrecognised(name) == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := o.compare(ctx, name)
	o.mu.Lock()
	defer o.mu.Unlock()
	r := o.apps[name]
	switch {
	case r.why == nil:
		return // somebody else was faster
	case err == nil:
		close(r.done)
	case fault.Text(err) != fault.Text(r.why):
		o.Log.Warn("an app is not recognised yet", zap.String("app", name), zap.String("why", fault.Text(err)))
	}
	r.why = err
}

// compare holds what the host shows of an app against the journal.
func (o *Orchestrator) compare(ctx context.Context, name string) error {
	a, containers, err := o.look(ctx, name)
	if err != nil {
		return err
	}
	strange, err := o.strangers(name, containers)
	if err != nil {
		return err
	}
	if err := o.pen.takeFor(ctx); err != nil {
		return err
	}
	defer o.pen.give()
	return o.settle(a, containers, strange)
}

// look returns what the host shows of an app. A panic is an error: nobody who only looks ends the daemon.
func (o *Orchestrator) look(ctx context.Context, name string) (a rollout.App, found []workload.Container, err error) {
	defer func() {
		if p := recover(); p != nil {
			o.Log.Error("a look panicked", zap.String("app", name), zap.ByteString("stack", frames(debug.Stack())))
			err = fault.New(fault.Internal, "a bug in fairlead ended the look at %s (the log has the stack)", name)
		}
	}()
	return o.Steps.Observe(ctx, name)
}

// strangers returns the containers of ours that name a rollout which the journal does not know, neither in memory nor on
// the disk, and which nobody has taken note of yet.
func (o *Orchestrator) strangers(name string, containers []workload.Container) ([]workload.Container, error) {
	o.mu.Lock()
	seen := o.ledger.app(name).Seen
	o.mu.Unlock()
	var out []workload.Container
	for _, c := range containers {
		if !c.Ours || c.Rollout == "" || slices.Contains(seen, c.Rollout) {
			continue
		}
		switch _, err := o.Rollout(c.Rollout); {
		case err == nil:
		case fault.KindOf(err) == fault.NotFound:
			out = append(out, c)
		default:
			return nil, err
		}
	}
	return out, nil
}

// settle decides what becomes of an app that the host shows with strange containers, and records it. A rollout that is
// under way is left where it is: the journal does not know what has become of it. Where there is none, what runs is taken
// as the current release if it is as a rollout leaves it, and otherwise a person is asked. Nothing is touched. The caller
// holds the pen.
func (o *Orchestrator) settle(a rollout.App, containers, strange []workload.Container) error {
	failpoint.Hit(failpoint.HostSeen)
	known := o.ledger.app(a.Name)
	strange = slices.DeleteFunc(strange, func(c workload.Container) bool { return slices.Contains(known.Seen, c.Rollout) }) // by now
	if s, ok := o.ledger.Rollouts[known.Active]; ok && (s.Phase == rollout.Forward || s.Phase == rollout.Reverting) {
		outrun := s.Outrun(containers)
		if len(strange) == 0 && len(outrun) == 0 {
			return nil
		}
		outcome := rollout.Refused
		if len(outrun) > 0 || s.Touched() {
			outcome = rollout.Halted
		}
		if err := o.abandon(s, outcome, append(outrun, strange...)); err != nil || outcome == rollout.Halted {
			return err // its end locks the app, and the unlock looks again
		}
	} else if ok && s.Stuck != nil {
		return nil // so does this end, which is all that is left of it
	}
	if len(strange) == 0 || known.Lock.Guards() {
		return nil
	}
	seen := rollout.Observe(a, containers)
	if seen.Settled() {
		return o.adopt(a.Name, seen, strange)
	}
	return o.lose(a.Name, seen, strange)
}

// abandon ends a rollout where it is.
func (o *Orchestrator) abandon(s rollout.State, outcome rollout.Outcome, because []workload.Container) error {
	why := fault.New(fault.Conflict, "the host has gone on without this journal, which must have been lost in part or restored from a copy: it shows %s, of which the journal does not know; the rollout was not gone on with, and nothing was touched",
		rollout.Names(because))
	e := rollout.Event{Type: rollout.Abandoned, Outcome: outcome, Failure: rollout.NewFailure(why)}
	if err := o.record(itself, s, e); err != nil {
		return err
	}
	failpoint.Hit(failpoint.AbandonNoted)
	o.Log.Warn("rollout abandoned", zap.String("app", s.Request.App), zap.String("rollout", s.Request.ID), zap.String("why", fault.Text(why)))
	if cancel, ok := o.cancels[s.Request.ID]; ok {
		cancel(why)
	}
	if !o.working[s.Request.ID] {
		o.work(s.Request.ID) // which has only the end to record
	}
	return nil
}

// adopt takes what runs as the app's current release.
func (o *Orchestrator) adopt(name string, seen rollout.Observed, strange []workload.Container) error {
	why := fmt.Sprintf("the journal knows nothing of %s, which runs; it was lost, or restored from a copy", rollout.Names(strange))
	if _, err := o.append(journal.Record{Type: appAdopted, App: name}, finding{why, &seen}); err != nil {
		return err
	}
	failpoint.Hit(failpoint.AdoptNoted)
	o.Log.Warn("app adopted", zap.String("app", name), zap.String("release", seen.Current.ID), zap.String("why", why))
	return nil
}

// lose locks an app until somebody has looked at it.
func (o *Orchestrator) lose(name string, seen rollout.Observed, strange []workload.Container) error {
	why := fmt.Sprintf("the journal knows nothing of %s; it was lost, or restored from a copy, and perhaps in the middle of a rollout: %s; nothing was touched; see that one container of each service runs and is the right one, then 'fairlead unlock %s --reason …' takes what runs as current",
		rollout.Names(strange), some(seen.Doubts), name)
	if _, err := o.append(journal.Record{Type: appLost, App: name}, finding{why, &seen}); err != nil {
		return err
	}
	failpoint.Hit(failpoint.LossNoted)
	o.Log.Warn("app lost", zap.String("app", name), zap.String("why", why))
	return nil
}

// hold waits, for a rollout that a former daemon has begun, until its app is recognised; at the latest until the deadline
// of what it would do next, since every wait has an end. A rollout that has nothing left to do does not wait.
func (o *Orchestrator) hold(ctx context.Context, id string) {
	for {
		o.mu.Lock()
		s := o.ledger.Rollouts[id]
		r := o.apps[s.Request.App]
		o.mu.Unlock()
		next := rollout.Next(s, time.Now().UTC())
		if r == nil || next.Deadline.IsZero() {
			return
		}
		select {
		case <-r.done:
			return
		default:
		}
		o.Log.Info("rollout waits until its app is recognised", zap.String("app", s.Request.App), zap.String("rollout", id))
		select {
		case <-r.done:
			return
		case <-time.After(time.Until(next.Deadline)):
			return
		case <-ctx.Done(): // it was cancelled or abandoned, or the daemon stops
			if o.interrupt.Err() != nil {
				return
			}
			ctx = o.interrupt
		}
	}
}

// latest returns the newest of the rollouts that nobody but the host knows of an app, as a time: ids sort by it.
func (a *app) latest() time.Time {
	var out time.Time
	for _, id := range a.Seen {
		if parsed, err := ulid.ParseStrict(id); err == nil && parsed.Timestamp().After(out) {
			out = parsed.Timestamp()
		}
	}
	return out
}

// some returns lines as one, and not more of them than a person reads.
func some(lines []string) string {
	const most = 6
	if n := len(lines); n > most {
		lines = append(slices.Clone(lines[:most]), fmt.Sprintf("and %d more", n-most))
	}
	return strings.Join(lines, "; ")
}
