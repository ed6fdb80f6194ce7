package journal

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
)

// errPower is what every operation answers once the power is gone.
var errPower = errors.New("power cut")

// story opens a journal on m and appends n records, with rotations, until the first error. It returns those that were
// acknowledged.
func story(m *memory, n int) (acknowledged []Record, err error) {
	_, now := clock()
	j, err := Open(Options{Dir: "/j", FS: m, SegmentBytes: 700, Now: now})
	if err != nil {
		return nil, err
	}
	for i := range n {
		r, err := j.Append(Record{Actor: daemon(), Type: "step.done", App: fmt.Sprintf("app-%d", i)})
		if err != nil {
			return acknowledged, err
		}
		acknowledged = append(acknowledged, r)
	}
	return acknowledged, nil
}

// reopened returns the records that a journal on m gives after it is opened again, and appends one more.
func reopened(t *testing.T, m *memory) []Record {
	t.Helper()
	j := open(t, Options{Dir: "/j", FS: m, SegmentBytes: 700})
	all := collect(t, j, 1)
	appendRecord(t, j, Record{Actor: daemon(), Type: "daemon.started"})
	if r, err := verify(m, "/j"); err != nil || r.Tear != nil || r.Records != uint64(len(all)+1) {
		t.Fatalf("after reopening and one append: %+v, %v", r, err)
	}
	return all
}

// Whatever was acknowledged outlives a power cut at any operation, whatever became of the bytes that were not synced.
func TestPowerCutAtEveryOperation(t *testing.T) {
	const appends = 12
	for cut := 1; ; cut++ {
		m, ops := newMemory(), 0
		m.before = func(string, string) error {
			if ops++; ops >= cut {
				return errPower
			}
			return nil
		}
		acknowledged, err := story(m, appends)
		if err == nil {
			if ops < 3*appends/2 || len(m.files) < 3 {
				t.Fatalf("the story is too short to tell anything: %d operations, %d segments", ops, len(m.files))
			}
			return
		}
		for _, kept := range []int{0, 1, 100, 100000} {
			for _, zeroed := range []int{0, 1, 60, 100000} {
				after := m.powerCut(kept, zeroed)
				got := reopened(t, after)
				if len(got) < len(acknowledged) || !slices.EqualFunc(got[:len(acknowledged)], acknowledged, sameRecord) {
					t.Fatalf("cut at operation %d, %d bytes kept, %d zeroed: %d records, %d were acknowledged", cut, kept, zeroed, len(got), len(acknowledged))
				}
				if len(got) > len(acknowledged)+1 {
					t.Fatalf("cut at operation %d: %d records, of which only %d were acknowledged", cut, len(got), len(acknowledged))
				}
			}
		}
	}
}

// A disk that fails once at any operation ends the journal; what was acknowledged is there when it is opened anew, and
// stays there when the power fails after that.
func TestDiskFailsAtEveryOperation(t *testing.T) {
	for failing := 1; ; failing++ {
		m, ops, failed := newMemory(), 0, ""
		m.before = func(op, _ string) error {
			if ops++; ops == failing {
				failed = op
				return syscall.ENOSPC
			}
			return nil
		}
		acknowledged, err := story(m, 12)
		if err == nil {
			return
		}
		wantKind(t, err, fault.Unavailable)
		if !strings.Contains(err.Error(), "no space left on device") || !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("the error does not tell what failed: %v", err)
		}
		m.before = nil
		got := reopened(t, m)
		if len(got) < len(acknowledged) || !slices.EqualFunc(got[:len(acknowledged)], acknowledged, sameRecord) {
			t.Fatalf("%s failed at operation %d: %d records, %d were acknowledged", failed, failing, len(got), len(acknowledged))
		}
		// What reopening found counts from then on: it must be durable, even where the sync had failed.
		if again := reopened(t, m.powerCut(0, 0)); len(again) != len(got)+1 {
			t.Fatalf("%s failed at operation %d: %d records before the power cut, %d after", failed, failing, len(got)+1, len(again))
		}
	}
}

func TestFailsClosed(t *testing.T) {
	for _, op := range []string{"write", "sync"} {
		t.Run(op, func(t *testing.T) {
			m := newMemory()
			j := open(t, Options{Dir: "/j", FS: m})
			fill(t, j, 2)
			seq, hash := j.Head()
			m.before = func(o, _ string) error {
				if o == op {
					return syscall.EIO
				}
				return nil
			}
			_, first := j.Append(Record{Actor: daemon(), Type: "step.intent"})
			wantKind(t, first, fault.Unavailable)

			m.before = func(op, _ string) error { t.Errorf("%s after the journal had failed", op); return nil }
			for range 3 {
				if _, err := j.Append(Record{Actor: daemon(), Type: "step.intent"}); !errors.Is(err, first) {
					t.Errorf("a later append: %v, want the first error", err)
				}
			}
			if err := j.Failed(); !errors.Is(err, first) {
				t.Errorf("Failed: %v", err)
			}
			if s, h := j.Head(); s != seq || h != hash {
				t.Errorf("the head moved to %d", s)
			}
			if got := collect(t, j, 1); len(got) != 2 {
				t.Errorf("%d records can be read, want 2", len(got))
			}
			m.before = nil
		})
	}
}

func TestOpenFailures(t *testing.T) {
	for _, op := range []string{"create", "sync", "syncdir"} {
		m := newMemory()
		m.before = func(o, _ string) error {
			if o == op {
				return syscall.EROFS
			}
			return nil
		}
		_, err := Open(Options{Dir: "/j", FS: m})
		wantKind(t, err, fault.Unavailable)
		if !strings.Contains(err.Error(), "read-only file system") {
			t.Errorf("%s: %v", op, err)
		}
	}
}
