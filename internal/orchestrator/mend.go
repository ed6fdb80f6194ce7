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

// watchDisk makes a snapshot of what was read, verifies the old records that the start has trusted, and then mends the
// journal whenever it has failed, until the daemon stops.
func (o *Orchestrator) watchDisk() {
	o.pen.take()
	o.saveSometimes() // the next start need not read all that this one has read
	o.pen.give()
	o.checkTrusted()
	for {
		select {
		case <-o.interrupt.Done():
			return
		case <-o.broken:
			o.mend()
		}
	}
}

// checkTrusted verifies the records that the start did not read. When they are damaged, no rollout is begun any more; one
// that is under way goes to its end, since the journal's head is sound.
func (o *Orchestrator) checkTrusted() {
	err := o.Journal.CheckTrusted(o.interrupt)
	switch {
	case err == nil || o.interrupt.Err() != nil:
	case fault.KindOf(err) != fault.Difference:
		o.Log.Warn("the journal's old records cannot be verified", zap.String("why", fault.Text(err)))
	default:
		o.Log.Error("the journal is damaged; no rollout is begun any more", zap.String("why", fault.Text(err)))
		o.mu.Lock()
		defer o.mu.Unlock()
		o.damage = err
	}
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

// recover takes up a journal that has failed.
func (o *Orchestrator) recover() error {
	o.pen.take()
	defer o.pen.give()
	if o.interrupt.Err() != nil || o.Journal.Failed() == nil {
		return nil // it is the next daemon's, or done: whoever asked meanwhile has called for it once more
	}
	wanted, failed := o.wanted(), o.Journal.Failed()
	if err := o.roomToGoOn(wanted); err != nil {
		return err
	}
	tear, err := o.Journal.Recover()
	if err != nil {
		return err
	}
	for r, err := range o.Journal.Records(o.ledger.Seq + 1) {
		if err == nil {
			err = o.accept(r)
		}
		if err != nil {
			return err
		}
		if r.Type == string(rollout.Ended) {
			o.ended(o.ledger.Rollouts[r.Rollout])
		}
	}
	_ = o.Journal.Reserve(wanted) // if there is not even that, the next record tells
	if _, err := o.append(journal.Record{Type: journalRecovered}, map[string]any{"failed": fault.Text(failed), "tear": tear}); err != nil {
		return err
	}
	return o.resume()
}

// roomToGoOn returns why a journal that failed has no room for the records of the rollouts under way, or nil. Whoever
// asks why nothing is done is told.
func (o *Orchestrator) roomToGoOn(wanted int64) error {
	free, err := o.Journal.Space()
	if err == nil && free < uint64(wanted) {
		err = fault.New(fault.Unavailable, "%d KiB are free, and %d are wanted to go on", free>>10, wanted>>10)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.wanting = ""
	if err != nil {
		o.wanting = fault.Text(err)
	}
	return err
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
