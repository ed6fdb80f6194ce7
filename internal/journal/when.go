package journal

import (
	"sort"
	"time"
)

// Before returns a sequence number such that every record before it is older than t: one that is not far from the
// first that is not. It looks only at the first records of some segments.
func (j *Journal) Before(t time.Time) (seq uint64, err error) {
	firsts, head := j.durable()
	for len(firsts) > 0 && firsts[len(firsts)-1] > head {
		firsts = firsts[:len(firsts)-1] // nothing stands in it yet
	}
	older := sort.Search(len(firsts), func(i int) bool {
		at, failed := j.begun(firsts[i])
		if failed != nil {
			err = failed
		}
		return !at.Before(t)
	})
	if err != nil || older == 0 {
		return 1, err
	}
	return firsts[older-1], nil
}

// begun returns the time of a segment's first record.
func (j *Journal) begun(first uint64) (at time.Time, err error) {
	w := walker{fs: j.options.FS, dir: j.options.Dir, chain: chain{seq: first - 1}}
	if _, err := w.segment(first, false, func(*view) bool { return false }); err != nil {
		return at, err
	}
	return moment(w.since), nil
}
