package orchestrator

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/rollout"
)

// How often a journal that has failed is tried again: soon at first, and then more and more seldom.
const (
	firstTry = time.Second
	lastTry  = 15 * time.Second
)

// watchDisk makes a snapshot of what was read, and then mends the journal whenever it has failed, until the daemon stops.
func (o *Orchestrator) watchDisk() {
	o.pen.take()
	o.saveSometimes() // the next start need not read all that this one has read
	o.pen.give()
	for {
		select {
		case <-o.interrupt.Done():
			return
		case <-o.broken:
			o.mend()
		}
	}
}

// checkTrusted verifies the records that the start did not read, and tries again when they cannot be read. Until then no
// rollout is begun. When they are damaged, none is begun any more; one that is under way goes to its end, since the
// journal's head is sound.
func (o *Orchestrator) checkTrusted() {
	for wait := firstTry; ; wait = min(2*wait, lastTry) {
		err := o.Journal.CheckTrusted(o.interrupt)
		if o.interrupt.Err() != nil {
			return
		}
		o.mu.Lock()
		o.unverified, o.damage = nil, nil
		switch {
		case err == nil:
		case fault.KindOf(err) == fault.Difference:
			o.damage = err
		default:
			o.unverified = err
		}
		again := o.unverified != nil
		o.mu.Unlock()
		if !again {
			close(o.verified)
			if err != nil {
				o.Log.Error("the journal is damaged; no rollout is begun any more", zap.String("why", fault.Text(err)))
			}
			return
		}
		o.Log.Warn("the journal's old records cannot be verified", zap.String("why", fault.Text(err)))
		if !pause(o.interrupt, wait) {
			return
		}
	}
}

// awaitVerified waits until the old records are verified, which takes a second for a million of them, or cannot be, and
// not for long: then the request is told.
func (o *Orchestrator) awaitVerified(ctx context.Context) {
	waiting, cancel := context.WithTimeout(ctx, slow)
	defer cancel()
	o.mu.Lock()
	failing := o.unverified != nil
	o.mu.Unlock()
	if failing {
		return
	}
	select {
	case <-o.verified:
	case <-waiting.Done():
	}
}

// unchecked returns why no rollout may begin on old records that nobody has verified, or nil.
func (o *Orchestrator) unchecked() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case <-o.verified:
		return nil
	default:
	}
	if o.unverified != nil {
		return fault.New(fault.Unavailable, "the journal's old records cannot be verified, and no rollout is begun until they are: %s; nothing was changed", fault.Text(o.unverified))
	}
	return fault.New(fault.Unavailable, "the journal's old records are still being verified; nothing was changed; ask again in a moment")
}

// mend tries until the journal can be written again, and then goes on with the rollouts that stand still, as a restart
// would: what was written and never acknowledged counts, and every action that has no result looks at the host first.
// It gives up on a journal that is no longer what was written.
func (o *Orchestrator) mend() {
	for wait := firstTry; ; wait = min(2*wait, lastTry) {
		if !pause(o.interrupt, wait) {
			return
		}
		err := o.recover()
		switch {
		case err == nil:
			o.Log.Info("the journal can be written again")
			return
		case fault.KindOf(err) != fault.Unavailable:
			o.Log.Error("the journal cannot be taken up again", zap.String("why", fault.Text(err)))
			return
		}
		o.Log.Debug("the journal still fails", zap.String("why", fault.Text(err)))
	}
}

// arrears are what the ledger does not know yet of a journal that has been taken up again.
type arrears struct {
	failed error         // why it could not be written
	tear   *journal.Tear // what was cut off
}

// recover takes up a journal that has failed. Until all that it holds is folded in, nothing else is recorded: what the
// ledger does not know of may be another rollout of the same app.
func (o *Orchestrator) recover() error {
	o.pen.take()
	defer o.pen.give()
	if o.interrupt.Err() != nil || o.Journal.Failed() == nil && o.behind == nil {
		return nil // it is the next daemon's, or done: whoever asked meanwhile has called for it once more
	}
	err := o.catchUpAgain()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.wanting = ""
	if err != nil {
		o.wanting = fault.Text(err)
	}
	return err
}

// catchUpAgain takes the journal up, folds in what the ledger does not know of, and goes on with what stands still. The
// caller holds the pen.
func (o *Orchestrator) catchUpAgain() error {
	wanted := reserve * int64(max(1, len(o.ledger.active())))
	var err error
	if o.onDisk(func() { err = o.takeUp(wanted) }); err != nil {
		return err
	}
	was := o.behind
	o.fallBehind(nil)
	o.onDisk(func() { _ = o.Journal.Reserve(wanted) }) // if there is not even that, the next record tells
	if o.unborn {
		if err := o.born(); err != nil {
			return err
		}
		o.unborn = false
	}
	if _, err := o.append(journal.Record{Type: journalRecovered}, map[string]any{"failed": fault.Text(was.failed), "tear": was.tear}); err != nil {
		return err
	}
	return o.resume()
}

// takeUp mends a journal that failed, and folds in what the ledger does not know of.
func (o *Orchestrator) takeUp(wanted int64) error {
	if failed := o.Journal.Failed(); failed != nil {
		if err := o.roomToGoOn(wanted); err != nil {
			return err
		}
		o.fallBehind(&arrears{failed: failed})
		tear, err := o.Journal.Recover()
		if err != nil {
			return err
		}
		o.behind.tear = tear
	}
	for r, err := range o.Journal.Records(o.ledger.Seq + 1) {
		if err == nil {
			err = o.accept(r)
		}
		if err != nil {
			return err
		}
		o.heed(r)
	}
	return nil
}

// heed does what whoever wrote the record r would have done next, had they heard that it is durable.
func (o *Orchestrator) heed(r journal.Record) {
	switch rollout.EventType(r.Type) {
	case rollout.Ended:
		o.ended(o.ledger.Rollouts[r.Rollout])
	case rollout.Cancelled, rollout.Abandoned:
		if cancel, ok := o.cancels[r.Rollout]; ok {
			cancel(fault.New(fault.Conflict, "the rollout was turned back"))
		}
	}
}

// fallBehind says what the ledger does not know of, nil for nothing. The caller holds the pen.
func (o *Orchestrator) fallBehind(a *arrears) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.behind = a
}

// roomToGoOn returns why a journal that failed has no room for the records of the rollouts under way, or nil. What is set
// aside for them counts.
func (o *Orchestrator) roomToGoOn(wanted int64) error {
	free, err := o.Journal.Space()
	if err != nil {
		return err
	}
	if free += o.Journal.Reserved(); free < uint64(wanted) {
		return fault.New(fault.Unavailable, "%d KiB are free, and %d are wanted to go on", free>>10, wanted>>10)
	}
	return nil
}

// pause waits for d, and returns early with false when ctx ends.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
