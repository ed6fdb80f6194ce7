package journal

import (
	"fmt"
	"iter"
	"slices"

	"github.com/capakraken/fairlead/internal/fault"
)

// Records returns the records from sequence number from on, up to the head at the time when the loop begins. It may
// run while the journal is appended to, and after Close. An error is the last thing that it yields.
func (j *Journal) Records(from uint64) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		firsts, head := j.durable()
		from := max(from, 1)
		if from > head {
			return
		}
		i, found := slices.BinarySearch(firsts, from)
		if !found {
			i--
		}
		w := walker{fs: j.options.FS, dir: j.options.Dir, chain: chain{seq: firsts[i] - 1}}
		stopped := false
		err := w.walk(firsts[i:], func(v *view) bool {
			if v.seq >= from && !yield(v.record(), nil) {
				stopped = true
			}
			return !stopped && v.seq < head
		})
		if stopped {
			return
		}
		switch {
		case err != nil || w.chain.seq >= head:
		case w.chain.seq == head-1 && j.unsure():
			err = j.lost(head)
		default:
			err = w.damaged(j.path(firsts[len(firsts)-1]), 0, fmt.Sprintf("the journal ends before record %d, which was written", head))
		}
		if err != nil {
			yield(Record{}, err)
		}
	}
}

// lost is the error for the last record that Open read when it is not there any more: the kernel had shown it, and the
// disk had not kept it. It was never acknowledged.
func (j *Journal) lost(seq uint64) error {
	return fault.New(fault.Unavailable, "record %d, which stood at the end of the journal in %s, is not there any more: the disk had not kept it; start the daemon again",
		seq, j.options.Dir)
}

// unsure tells whether the last record was read by Open, and may yet be lost: nothing was appended since.
func (j *Journal) unsure() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return !j.settled
}

// durable returns the segments and the last sequence number that an iteration may rely on.
func (j *Journal) durable() (firsts []uint64, head uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.segments), j.chain.seq
}
