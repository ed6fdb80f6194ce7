package orchestrator

import (
	"context"
	"errors"
	"runtime/debug"
	"time"

	"go.uber.org/zap"

	"github.com/capakraken/fairlead/internal/failpoint"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
)

// work starts the worker of a rollout. The caller holds the pen. The worker ends with its rollout, with a journal that
// cannot be written, or with Stop.
func (o *Orchestrator) work(id string) {
	o.working[id] = true
	ctx := o.interrupt
	if o.unrecognised(o.ledger.Rollouts[id].Request.App) != nil {
		ctx, o.cancels[id] = context.WithCancelCause(ctx)
	}
	o.workers.Go(func() {
		o.hold(ctx, id)
		for o.step(id) {
		}
	})
}

// step makes the one next move of a rollout: it asks the machine, records the intent, has it done, and records the
// result. It returns false when there is nothing more to do.
func (o *Orchestrator) step(id string) bool {
	s, a, ctx, ok := o.intend(id)
	if !ok {
		return false
	}
	failpoint.Hit(failpoint.IntentNoted)
	o.acts(id, &a)
	evidence, err := o.do(ctx, s, a)
	o.acts(id, nil)
	failpoint.Hit(failpoint.ActionOver)
	return o.conclude(id, a, evidence, err, context.Cause(ctx))
}

// intend records the next action before it is done. Actions that are only recorded are over with that, and the machine
// is asked again.
func (o *Orchestrator) intend(id string) (rollout.State, rollout.Action, context.Context, bool) {
	o.pen.take()
	defer o.pen.give()
	for {
		s := o.ledger.Rollouts[id]
		now := time.Now().UTC()
		a := rollout.Next(s, now)
		var e rollout.Event
		switch a.Verb {
		case rollout.Nothing:
			return s, a, nil, false
		case rollout.DoEnd:
			e = s.End(a.Outcome, now)
		case rollout.DoExpire:
			e = rollout.Event{Type: rollout.Failed, Action: &a, Failure: rollout.NewFailure(expired(s, a))}
		default:
			if o.interrupt.Err() != nil {
				o.suspend(s)
				return s, a, nil, false
			}
			e = rollout.Event{Type: rollout.Begun, Action: &a}
		}
		failpoint.Hit(failpoint.ActionChosen)
		if err := o.record(itself, s, e); err != nil {
			o.stuck(s, err)
			return s, a, nil, false
		}
		switch e.Type {
		case rollout.Ended:
			failpoint.Hit(failpoint.EndNoted)
			o.ended(o.ledger.Rollouts[id])
			return s, a, nil, false
		case rollout.Begun:
			return o.ledger.Rollouts[id], a, o.context(id, a), true
		}
	}
}

// expired says that an action's time is up, though nobody was there.
func expired(s rollout.State, a rollout.Action) error {
	what, more := string(a.Step), ""
	if h, ok := s.HookOf(a); ok {
		what, more = h.String(), "; it was begun, and may have done its work; "+s.Spared(a)
	}
	return fault.New(fault.TimedOut, "the deadline of %s has passed (%s)%s", what, a.Deadline.Format(time.RFC3339), more)
}

// context returns the context of an action. It ends at the action's deadline, with a cancel, and when the daemon stops:
// at once for one that waits, later for one that is changing something.
func (o *Orchestrator) context(id string, a rollout.Action) context.Context {
	parent := o.interrupt
	switch a.Verb {
	case rollout.DoHook, rollout.DoPrepare, rollout.DoDiscard, rollout.DoReplace, rollout.DoPromote, rollout.DoRetire, rollout.DoKeep,
		rollout.DoRestore, rollout.DoClear:
		parent = o.kill
	}
	timed, stop := context.WithDeadline(parent, a.Deadline)
	ctx, cancel := context.WithCancelCause(timed)
	o.cancels[id] = func(cause error) { cancel(cause); stop() }
	return ctx
}

// errPanicked is behind the failure of an action that a bug has ended, which is recorded also by a daemon that stops.
var errPanicked = errors.New("it panicked")

// do has an action done. A panic becomes the action's failure, so that it is recorded and not tried again; its value is
// not shown, since it could carry anything.
func (o *Orchestrator) do(ctx context.Context, s rollout.State, a rollout.Action) (ev *rollout.Evidence, err error) {
	log := o.Log.With(zap.String("app", s.Request.App), zap.String("rollout", s.Request.ID), zap.String("step", string(a.Step)),
		zap.String("action", string(a.Verb)), zap.String("service", a.Service))
	panicked := func(stack []byte) error {
		log.Error("action panicked", zap.ByteString("stack", frames(stack)))
		return fault.Hide(errPanicked, fault.Internal, "a bug in fairlead ended %s; it is not tried again (the log has the stack)", a.Verb)
	}
	defer func() {
		if p := recover(); p != nil {
			err = panicked(debug.Stack())
		}
	}()
	log.Debug("action begins")
	ev, err = o.Steps.Do(ctx, s, a, func(p rollout.Progress) { o.progress(s, p) })
	if bug, ok := errors.AsType[*fault.Panic](err); ok {
		return nil, panicked(bug.Stack)
	}
	if err != nil {
		log.Info("action failed", zap.String("kind", string(fault.KindOf(err))), zap.String("why", fault.Text(err)))
		return ev, err
	}
	log.Info("action done")
	return ev, nil
}

// conclude records what came of an action. An action that was interrupted because the daemon stops has no result: the
// next daemon looks what became of it.
func (o *Orchestrator) conclude(id string, a rollout.Action, ev *rollout.Evidence, failed, cause error) bool {
	o.pen.take()
	defer o.pen.give()
	if cancel, ok := o.cancels[id]; ok {
		cancel(nil)
		delete(o.cancels, id)
	}
	s := o.ledger.Rollouts[id]
	if failed != nil && o.cutShort(a, cause) && !errors.Is(failed, errPanicked) {
		o.suspend(s)
		return false
	}
	e := rollout.Event{Type: rollout.Done, Action: &a, Evidence: ev}
	if failed != nil {
		e = rollout.Event{Type: rollout.Failed, Action: &a, Failure: rollout.NewFailure(inTime(failed, cause, a))}
		if ev != nil && ev.Hooked != nil {
			e.Evidence = ev // what it said before it failed
		}
	}
	err := o.record(itself, s, e)
	if err != nil && o.Journal.Failed() == nil {
		// Only this result is not fit to be recorded. Without any, the rollout would never end.
		e = rollout.Event{Type: rollout.Failed, Action: &a, Failure: rollout.NewFailure(
			fault.New(fault.Internal, "what came of %s cannot be recorded: %s", a.Verb, fault.Text(err)))}
		err = o.record(itself, s, e)
	}
	if err != nil {
		if errors.Is(failed, errPanicked) {
			o.panicked[id] = e
		}
		o.stuck(s, err)
		return false
	}
	failpoint.Hit(failpoint.ResultNoted)
	return true
}

// cutShort tells whether an action was interrupted because the daemon stops. A hook may have been ended by what stops the
// daemon as well: systemd signals every process of a service, unless its unit says otherwise.
func (o *Orchestrator) cutShort(a rollout.Action, cause error) bool {
	return cause == errStopping || a.Verb == rollout.DoHook && o.interrupt.Err() != nil
}

// inTime says that a deadline was the reason, where an adapter could only say that it was interrupted.
func inTime(failed, cause error, a rollout.Action) error {
	if cause != context.DeadlineExceeded || fault.KindOf(failed) == fault.TimedOut {
		return failed
	}
	what := string(a.Verb)
	if a.Service != "" {
		what += " of service " + a.Service
	}
	return fault.Hide(failed, fault.TimedOut, "%s did not end before its deadline (%s): %s", what, a.Deadline.Format(time.RFC3339), fault.Text(failed))
}

// suspend records that a rollout waits for the next daemon. Its worker ends.
func (o *Orchestrator) suspend(s rollout.State) {
	delete(o.working, s.Request.ID)
	e := rollout.Event{Type: rollout.Suspended, Reason: errStopping.Message}
	if err := o.record(itself, s, e); err != nil {
		o.stuck(s, err)
	}
	failpoint.Hit(failpoint.SuspendNoted)
}

// stuck says that a rollout cannot go on because nothing can be recorded, also to those who follow it. Its worker ends.
// What is on the host stays as it is until the journal can be written again, or the next start.
func (o *Orchestrator) stuck(s rollout.State, err error) {
	delete(o.working, s.Request.ID)
	o.mu.Lock()
	defer o.mu.Unlock()
	for ch, id := range o.watchers {
		if id == s.Request.ID {
			o.drop(ch)
		}
	}
	o.Log.Error("rollout stands still", zap.String("app", s.Request.App), zap.String("rollout", s.Request.ID), zap.String("why", fault.Text(err)))
}

func (o *Orchestrator) ended(s rollout.State) {
	delete(o.working, s.Request.ID)
	delete(o.cancels, s.Request.ID)
	o.saveSometimes()
	o.Log.Info("rollout ended", zap.String("app", s.Request.App), zap.String("rollout", s.Request.ID),
		zap.String("kind", string(s.Request.Kind)), zap.String("outcome", string(s.Outcome)),
		zap.Duration("took", s.Ended.Sub(s.Begun)), zap.Strings("warnings", s.Warnings))
	if o.Ended != nil {
		o.Ended(s)
	}
}

// frames cuts a stack to a length that a log takes. The panic's value is not in it.
func frames(stack []byte) []byte {
	const longest = 4096
	return stack[:min(len(stack), longest)]
}

// progress shows a passing sign of life to whoever watches.
func (o *Orchestrator) progress(s rollout.State, p rollout.Progress) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.publish(Event{Progress: &p, Record: passing(s, string(p.Step))}, s.Request.ID)
}
