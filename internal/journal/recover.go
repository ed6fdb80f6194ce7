package journal

import (
	"bytes"
	"fmt"
	"os"
	"slices"

	"github.com/capakraken/fairlead/internal/fault"
)

// Recover makes a journal whose disk failed ready again, if the disk works again: it verifies what is not sealed, cuts
// off a torn end, and keeps the line whose append failed if all of it is there. Then the head has moved on, and Records
// gives that record too. It returns what was cut off since the last append; the owner records it.
//
// While the disk still fails, it is an error of kind Unavailable, and the journal stays as it is. One that is not what
// was written is an error of kind Difference, now and ever after; so a closed journal stays closed.
func (j *Journal) Recover() (*Tear, error) {
	j.appending.Lock()
	defer j.appending.Unlock()
	switch failed, forGood := j.failure(); {
	case failed == nil:
		return nil, nil
	case forGood:
		return nil, failed
	}
	firsts, err := j.listed()
	if err != nil {
		return nil, err
	}
	w, err := j.reread(firsts)
	if w.damage != nil {
		j.fail(err, true)
	}
	if err != nil {
		return nil, err
	}
	if err := j.reopen(firsts, &w); err != nil {
		return nil, fault.Hide(err, fault.Unavailable, "the journal in %s still cannot be written: %s", j.options.Dir, reason(err))
	}
	return j.cut, nil
}

func (j *Journal) failure() (err error, forGood bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.failed, j.forGood
}

// listed returns the segments on the disk: those that are known, and perhaps the one that was begun when it failed.
func (j *Journal) listed() ([]uint64, error) {
	firsts, err := segments(j.options.FS, j.options.Dir)
	if err != nil {
		return nil, err
	}
	known := len(j.segments)
	if len(firsts) == known+1 && firsts[known] == j.chain.seq+1 && slices.Equal(firsts[:known], j.segments) || slices.Equal(firsts, j.segments) {
		return firsts, nil
	}
	return nil, fault.New(fault.Unavailable,
		"the journal in %s does not have the segments that it had, and nothing was changed; bring the directory back, or restore it from a copy and start the daemon again",
		j.options.Dir)
}

// reread follows the segments that are not sealed, as Open does, and holds what is there against what was written.
func (j *Journal) reread(firsts []uint64) (walker, error) {
	w := walker{fs: j.options.FS, dir: j.options.Dir, chain: j.base.clone(), mark: j.chain.seq}
	if err := w.walk(firsts[len(j.segments)-1:], all); err != nil {
		return w, err
	}
	path := j.path(firsts[len(firsts)-1])
	switch head := j.chain.seq; {
	case w.chain.seq+1 == head && j.unsettled != nil:
		return w, j.lost(head)
	case w.chain.seq < head:
		return w, w.damaged(path, 0, fmt.Sprintf("the journal ends before record %d, which was written", head))
	case head > j.base.seq && !bytes.Equal(w.marked, j.chain.hash):
		w.chain.seq = head - 1
		return w, w.damaged(path, 0, "it is not the line that was written")
	case w.chain.seq > head && (w.chain.seq > head+1 || !bytes.Equal(w.chain.hash, hash(j.offered))):
		w.chain.seq = head
		return w, w.damaged(path, 0, "it was not written by this daemon")
	}
	return w, nil
}

// reopen turns to the end of the last segment, where w ended, and only then takes the failure back.
func (j *Journal) reopen(firsts []uint64, w *walker) error {
	last := firsts[len(firsts)-1]
	f, err := j.options.FS.Open(j.path(last), os.O_RDWR)
	if err != nil {
		return err
	}
	if w.tear != nil {
		j.cut = w.tear
	}
	if len(firsts) > len(j.segments) {
		j.reserved = 0 // that was for the one before
	}
	if err := j.settle(f, w); err != nil {
		_ = f.Close() // the first error counts
		return err
	}
	if len(firsts) > len(j.segments) {
		j.turn(f, last, j.setAside(last))
	} else {
		_ = j.file.Close() // it failed before
		j.file, j.inode = f, j.inodeOf(last)
	}
	j.size, j.unsettled = w.end, nil
	if j.full {
		if err := j.begin(w.chain.seq+1, 0); err != nil {
			return err
		}
	}
	if n := len(j.offered); n > 0 && w.chain.seq == j.chain.seq { // what did not fit would not fit now
		if err := j.file.Reserve(j.size + int64(n) + 1); err != nil {
			return err
		}
	}
	j.offered = nil
	j.mu.Lock()
	defer j.mu.Unlock()
	j.chain, j.settled, j.failed = w.chain, true, nil
	return nil
}
