package orchestrator

import (
	"cmp"
	"fmt"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
)

// BusyError tells who holds an app. It is the cause behind a Busy fault.
type BusyError struct {
	App     string
	Rollout string        // the rollout that runs, if one does
	Lock    *rollout.Lock // the lock that holds the app, if one does
	// Holder asked for the rollout or the lock; where the app is free, for the next rollout.
	Holder string
	Since  time.Time
	Age    time.Duration // since Since, when this was found
	Reason string        // why the holder asked for it
	// Place is where a request stands among those that wait, or would stand if it waited: 1 for the next one.
	Place int

	kind rollout.Kind // of the rollout that runs, or that comes next
	step rollout.Step // where it stands
}

// Error says who holds the app, since when, for how long, and why.
func (e *BusyError) Error() string {
	since := fmt.Sprintf("by %s since %s, for %s", e.Holder, e.Since.Format(time.RFC3339), rollout.Age(e.Age))
	why := ""
	if e.Reason != "" {
		why = " (" + e.Reason + ")"
	}
	switch {
	case e.Rollout != "":
		return fmt.Sprintf("%s is held by rollout %s: %s %s%s, now in %s", e.App, e.Rollout, e.kind, since, why, e.step)
	case e.Lock != nil && e.Lock.Before != nil:
		return fmt.Sprintf("%s is locked %s: %s; and %s", e.App, since, e.Reason, lockedBy(e.App, e.Lock.Before))
	case e.Lock != nil:
		return fmt.Sprintf("%s is locked %s: %s", e.App, since, e.Reason)
	}
	return fmt.Sprintf("%s is free, but next comes the %s that is waited for %s%s", e.App, e.kind, since, why)
}

// refusal is the answer to a request that does not wait.
func (e *BusyError) refusal() error {
	text := e.Error()
	switch n := e.Place - 1; {
	case n > 1:
		text += fmt.Sprintf("; %d requests wait already", n)
	case n == 1 && (e.Rollout != "" || e.Lock != nil):
		text += "; another request waits already"
	}
	return fault.Hide(e, fault.Busy, "%s; %s", text, e.advice())
}

// advice says what can be done about it.
func (e *BusyError) advice() string {
	switch {
	case e.Rollout != "":
		return fmt.Sprintf("follow it with 'fairlead watch %s', end it with 'fairlead cancel %[1]s', or wait until it has ended with --wait", e.Rollout)
	case e.Lock != nil && e.Lock.Lost:
		return fmt.Sprintf("see that one container of each service runs and is the right one, and then take the lock away with 'fairlead unlock %s --reason …'", e.App)
	case e.Lock != nil && e.Lock.Rollout != "":
		return fmt.Sprintf("see what happened with 'fairlead show %s', put it right, and then take the lock away with 'fairlead unlock %s --reason …'",
			e.Lock.Rollout, e.App)
	case e.Lock != nil:
		return fmt.Sprintf("take the lock away with 'fairlead unlock %s --reason …', or wait until somebody does with --wait", e.App)
	}
	return "wait for your turn with --wait"
}

// patience is what a request is told that waits.
func (e *BusyError) patience() error {
	before := "this request is next"
	switch n := e.Place - 1; {
	case n > 1:
		before = fmt.Sprintf("%d requests come before this one", n)
	case n == 1:
		before = "one request comes before this one"
	}
	return fault.Hide(e, fault.Busy, "%s; %s", e, before)
}

// held returns who holds an app against a request that stands at this place of its queue, or nil when it is the
// request's turn. The caller holds mu.
func (o *Orchestrator) held(name string, place int) *BusyError {
	a := o.ledger.app(name)
	e := &BusyError{App: name, Place: place}
	switch first := o.first(name); {
	case a.Active != "":
		s := o.ledger.Rollouts[a.Active]
		e.Rollout, e.kind, e.step = a.Active, s.Request.Kind, cmp.Or(s.Step, rollout.Validate)
		e.Holder, e.Since, e.Reason = rollout.Who(s.Request.Requester, s.Request.UID), s.Begun, s.Request.Reason
	case a.Lock != nil:
		e = lockedBy(name, a.Lock)
		e.Place = place
	case place > 1 && first != nil:
		e.kind = first.asked.Kind
		e.Holder, e.Since, e.Reason = rollout.Who(first.by.User, &first.by.UID), first.since, first.asked.Reason
	default:
		return nil
	}
	e.Age = time.Since(e.Since)
	return e
}

// lockedBy says that a lock holds an app.
func lockedBy(name string, l *rollout.Lock) *BusyError {
	return &BusyError{App: name, Lock: l, Holder: rollout.Who(l.Holder, l.UID), Since: l.Since, Age: time.Since(l.Since), Reason: l.Reason}
}
