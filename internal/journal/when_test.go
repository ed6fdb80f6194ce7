package journal_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/journal/journaltest"
)

// Two records in each segment, some at the same moment.
func TestBefore(t *testing.T) {
	begin := time.Date(2026, 3, 30, 12, 0, 0, 0, time.UTC)
	moments := []int{0, 1, 2, 2, 2, 2, 2, 5, 6, 7, 8}
	d := journaltest.New(1)
	next := 0
	j := journal.TestOpen(t, journal.Options{Dir: "/j", FS: d, SegmentBytes: 600, Now: func() time.Time {
		next++
		return begin.Add(time.Duration(moments[next-1]) * time.Second)
	}})
	if seq, err := j.Before(begin); err != nil || seq != 1 {
		t.Errorf("in an empty journal: %d, %v", seq, err)
	}
	journal.TestFill(t, j, len(moments))
	for second, want := range map[int]uint64{-1: 1, 0: 1, 1: 1, 2: 1, 3: 7, 4: 7, 6: 7, 7: 9, 8: 9, 9: 11, 100: 11} {
		at := begin.Add(time.Duration(second) * time.Second)
		seq, err := j.Before(at)
		if err != nil || seq != want {
			t.Errorf("before second %d: %d, %v; want %d", second, seq, err, want)
		}
		for i := range seq - 1 {
			if moments[i] >= second {
				t.Errorf("before second %d: record %d is left out, of second %d", second, i+1, moments[i])
			}
		}
	}
	d.Fail(func(op journaltest.Op) error {
		if op.Verb == journaltest.Open {
			return syscall.EIO
		}
		return nil
	})
	_, err := j.Before(begin)
	journal.TestKind(t, err, fault.Unavailable)
}
