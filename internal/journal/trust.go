package journal

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"

	"github.com/capakraken/fairlead/internal/fault"
)

// CheckTrusted verifies what Open did not read, since a snapshot answered for it. The owner has it done once, beside
// everything else. Damage is an error of kind Difference; that a segment cannot be read, or that ctx ends, is one of kind
// Unavailable. Neither ends the appends, since the head is sound: what is under way can still be brought to its end. But
// the snapshot that has answered for damaged records goes, and none comes after it, so that the next Open finds them.
func (j *Journal) CheckTrusted(ctx context.Context) error {
	if j.trusted == nil || len(j.trusted.seals) == 0 {
		return nil
	}
	err := j.checkTrusted(ctx)
	if err != nil && fault.KindOf(err) != fault.Unavailable {
		j.saving.Lock()
		defer j.saving.Unlock()
		j.damage = err
		_ = j.options.FS.Remove(filepath.Join(j.options.Dir, snapshotName)) // if it stays, the next check finds the same
	}
	return err
}

func (j *Journal) checkTrusted(ctx context.Context) error {
	w := walker{fs: j.options.FS, dir: j.options.Dir, chain: newChain()}
	for _, s := range j.trusted.seals {
		more, err := w.segment(s.First, false, func(v *view) bool { return v.seq%256 != 0 || ctx.Err() == nil })
		switch {
		case err != nil:
			return err
		case !more:
			return fault.Hide(ctx.Err(), fault.Unavailable, "the verification of the journal's old records was interrupted before record %d", w.chain.seq+1)
		}
	}
	end, next := j.trusted.end, j.trusted.end.seq+1
	switch {
	case w.chain.seq != end.seq:
		return w.damaged(j.path(next), 0, fmt.Sprintf(missing, next))
	case !bytes.Equal(w.chain.hash, end.hash):
		return w.damaged(j.path(next), 1, errPrev.Error())
	}
	return nil
}
