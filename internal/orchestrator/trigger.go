package orchestrator

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/capakraken/fairlead/internal/failpoint"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/rollout"
)

// minSpace is the least space for the journal with which a rollout is begun, in bytes: enough for all that one can
// have to record.
const minSpace = 16 << 20

// reserve is what is set aside for the records of one rollout, in bytes. A usual one has thirty, of 20 KiB in all.
const reserve = 1 << 20

// maxReason is the longest reason that is recorded, in bytes.
const maxReason = 500

// Trigger records a rollout and starts it. It returns as soon as the request is durable. A second request with the same
// idempotency key returns the first one's rollout.
func (o *Orchestrator) Trigger(ctx context.Context, by journal.Actor, r Request) (rollout.State, error) {
	request, err := o.Steps.Begin(r.App, r.Kind, r.Image)
	if err == nil {
		err = cmp.Or(brief(r.Reason), r.conditional())
		o.awaitVerified(ctx)
		o.recognise(ctx, r.App, laterLook)
	}
	if err == nil {
		var s rollout.State
		var same bool
		if s, same, err = o.unneeded(ctx, r, request, nil); same {
			o.noteUnneeded(by, r)
			return s, nil
		}
	}
	if busy := o.pen.takeFor(ctx); busy != nil {
		return rollout.State{}, busy
	}
	defer o.pen.give()
	var s rollout.State
	if err == nil {
		s, err = o.begin(by, r, request, nil)
	}
	if err != nil {
		o.recordRefusal(by, r, err)
	}
	return s, err
}

// begin records a rollout and starts it, unless it was begun before. w is the request's place in the queue, nil where it
// does not wait. The caller holds the pen.
func (o *Orchestrator) begin(by journal.Actor, r Request, request rollout.Request, w *waiter) (rollout.State, error) {
	if known, ok, err := o.repeated(r, request); ok || err != nil {
		return known, err
	}
	if w != nil && w.offered != "" {
		if s, ok := o.ledger.Rollouts[w.offered]; ok {
			return s, nil // it reached the disk that failed with it
		}
	}
	if err := o.admit(r.App, w); err != nil {
		return rollout.State{}, err
	}
	// As the configuration has it now, and no other can take its place before the rollout has begun: the request may have
	// waited for a day.
	request, err := o.Steps.Begin(r.App, r.Kind, r.Image)
	if err != nil {
		return rollout.State{}, err
	}
	if request.Kind == rollout.Rollback {
		if err := o.ledger.app(r.App).aim(&request, r); err != nil {
			return rollout.State{}, err
		}
	}
	request.ID = o.newID()
	request.Force, request.AllowWeaker, request.Reason, request.IdempotencyKey = r.Force, r.AllowWeaker, r.Reason, r.IdempotencyKey
	request.From = r.From
	request.Requester, request.UID, request.Previous = by.User, uid(by), o.ledger.app(r.App).Left
	o.ledger.app(r.App).images(&request)
	if w != nil {
		w.offered = request.ID
	}
	failpoint.Hit(failpoint.RequestAdmitted)
	if err := o.record(by, rollout.State{}, rollout.Event{Type: rollout.Requested, Request: &request}); err != nil {
		o.offered = request
		return rollout.State{}, unavailable(err)
	}
	failpoint.Hit(failpoint.RequestNoted)
	o.work(request.ID)
	return o.ledger.Rollouts[request.ID], nil
}

// brief returns a fault for a reason that is too long to be recorded.
func brief(reason string) error {
	if len(reason) > maxReason {
		return fault.New(fault.Usage, "the reason is longer than %d bytes", maxReason)
	}
	return nil
}

// uid returns the number of whoever asked for something; nil for fairlead itself.
func uid(by journal.Actor) *int64 {
	if by == itself {
		return nil
	}
	return new(by.UID)
}

// repeated returns the rollout that was already begun with the request's idempotency key.
func (o *Orchestrator) repeated(r Request, request rollout.Request) (rollout.State, bool, error) {
	if r.IdempotencyKey == "" {
		return rollout.State{}, false, nil
	}
	for _, s := range o.ledger.Rollouts {
		if s.Request.App != r.App || s.Request.IdempotencyKey != r.IdempotencyKey {
			continue
		}
		if !same(s.Request, request, r) {
			return s, false, fault.New(fault.Conflict, "the idempotency key was already used for another request (rollout %s); nothing was changed", s.Request.ID)
		}
		return s, true, nil
	}
	return rollout.State{}, false, nil
}

// same tells whether a rollout is what a later request asks for.
func same(was, asked rollout.Request, r Request) bool {
	if was.Kind != asked.Kind || was.Force != r.Force || was.AllowWeaker != r.AllowWeaker {
		return false
	}
	if was.Kind == rollout.Rollback {
		return strings.HasPrefix(was.To, r.Release)
	}
	return was.Image == asked.Image
}

// admit returns why no rollout of the app may begin now; w is the request's place in the queue, nil where it does not
// wait. The caller holds the pen.
func (o *Orchestrator) admit(name string, w *waiter) error {
	if why := o.Refusing(); why != "" {
		return fault.New(fault.Unavailable, "%s; nothing was changed", why)
	}
	if err := o.unchecked(); err != nil {
		return err
	}
	if err := o.unready(name); err != nil {
		return err
	}
	o.mu.Lock()
	e := o.held(name, o.place(name, w))
	o.mu.Unlock()
	switch {
	case e != nil && w != nil:
		return e.patience()
	case e != nil:
		return e.refusal()
	}
	return o.room()
}

// room returns why the journal has no room for all that the rollouts may have to record, or nil. What one needs to its
// end is set aside, so that a disk which becomes full meanwhile does not leave it half done.
func (o *Orchestrator) room() error {
	var free uint64
	var err error
	if o.onDisk(func() { free, err = o.Journal.Space() }); err != nil {
		return fault.New(fault.Unavailable, "the space for the journal cannot be told; nothing was changed")
	}
	if free < minSpace {
		return fault.New(fault.Unavailable, "only %d MiB are free for the journal, and a rollout wants %d; nothing was changed; make room", free>>20, minSpace>>20)
	}
	if o.onDisk(func() { err = o.Journal.Reserve(o.wanted()) }); err != nil {
		o.failing() // a new segment may have been begun for it
	}
	return err
}

// wanted returns how many bytes of the journal's disk are set aside for the rollouts under way and one more.
func (o *Orchestrator) wanted() int64 { return reserve * int64(len(o.ledger.active())+1) }

// newID returns the id of a new rollout. Ids sort by time, and none is older than the journal's last record, also when
// the clock was set back, nor than the rollouts that only the containers know: that is how a rollout's records are found again.
func (o *Orchestrator) newID() string {
	now := time.Now()
	if now.Before(o.ledger.Time) {
		now = o.ledger.Time
	}
	for _, a := range o.ledger.Apps {
		if newest := a.latest(); !now.After(newest) {
			now = newest.Add(time.Millisecond) // at most stray ahead, or it was refused
		}
	}
	return ulid.MustNew(ulid.Timestamp(now), o.ids).String()
}

// Cancel turns a rollout back. It is accepted until the clear may have begun or an old container may be gone.
func (o *Orchestrator) Cancel(ctx context.Context, by journal.Actor, id, reason string) (rollout.State, error) {
	s, err := o.Rollout(id)
	if err != nil {
		return s, err
	}
	if err := o.pen.takeFor(ctx); err != nil {
		return s, err
	}
	defer o.pen.give()
	if now, ok := o.ledger.Rollouts[id]; ok {
		s = now
	}
	switch {
	case s.Phase == rollout.Over:
		return s, fault.New(fault.Conflict, "rollout %s has already ended: %s", id, s.Outcome)
	case s.Phase != rollout.Forward:
		return s, fault.New(fault.Conflict, "rollout %s is already being turned back", id)
	case !s.Cancellable():
		return s, fault.New(fault.Conflict, "rollout %s can no longer be cancelled: its containers are verified, and it is finishing", id)
	case len(reason) > maxReason:
		return s, fault.New(fault.Usage, "the reason is longer than %d bytes", maxReason)
	}
	text := "cancelled by " + by.User
	if reason != "" {
		text += ": " + strings.TrimSpace(reason)
	}
	failpoint.Hit(failpoint.CancelAdmitted)
	if err := o.record(by, s, rollout.Event{Type: rollout.Cancelled, Reason: text}); err != nil {
		return s, unavailable(err)
	}
	failpoint.Hit(failpoint.CancelNoted)
	if cancel, ok := o.cancels[id]; ok {
		cancel(fault.New(fault.Conflict, "%s", text))
	}
	return o.ledger.Rollouts[id], nil
}

// Lock keeps new rollouts from an app. One that runs is not stopped.
func (o *Orchestrator) Lock(ctx context.Context, by journal.Actor, name, reason string) error {
	if err := o.pen.takeFor(ctx); err != nil {
		return err
	}
	defer o.pen.give()
	if err := o.configured(name); err != nil {
		return err
	}
	if err := reasoned(reason); err != nil {
		return err
	}
	if l := o.ledger.app(name).Lock; l != nil {
		e := lockedBy(name, l)
		return fault.Hide(e, fault.Busy, "already locked: %s; take that lock away first with 'fairlead unlock %s --reason …'", e, name)
	}
	return o.mark(by, name, appLocked, finding{Reason: reason})
}

// reasoned returns a fault unless somebody says why, and not at too great a length.
func reasoned(reason string) error {
	if reason == "" || len(reason) > maxReason {
		return fault.New(fault.Usage, "say why, in at most %d bytes: --reason …", maxReason)
	}
	return nil
}

// mark records a lock or its end. The caller holds the pen.
func (o *Orchestrator) mark(by journal.Actor, name, kind string, f finding) error {
	failpoint.Hit(failpoint.LockAdmitted)
	if _, err := o.append(journal.Record{Actor: by, Type: kind, App: name}, f); err != nil {
		return unavailable(err)
	}
	failpoint.Hit(failpoint.LockNoted)
	return nil
}

func (o *Orchestrator) configured(name string) error {
	for _, known := range o.Steps.Apps() {
		if known == name {
			return nil
		}
	}
	return fault.New(fault.NotFound, "no app %q is configured", name)
}

func notFound(id string) error { return fault.New(fault.NotFound, "no rollout %q is known", id) }
