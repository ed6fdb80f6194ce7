package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/journal/journaltest"
)

// story opens a journal on d and appends n records, with rotations, until the first error. It returns those that were
// acknowledged.
func story(d *journaltest.Disk, n int) (acknowledged []journal.Record, err error) {
	_, now := journal.TestClock()
	j, err := journal.Open(journal.Options{Dir: "/j", FS: d, SegmentBytes: 700, Now: now})
	if err != nil {
		return nil, err
	}
	for i := range n {
		r, err := j.Append(journal.Record{Actor: journal.TestDaemon(), Type: "step.done", App: fmt.Sprintf("app-%d", i)})
		if err != nil {
			return acknowledged, err
		}
		acknowledged = append(acknowledged, r)
	}
	return acknowledged, nil
}

// reopened returns the records that a journal on d gives after it is opened again, and appends one more. A record that
// was never acknowledged may vanish between the two, since the kernel has taken it for written: then the daemon is
// started once more.
func reopened(t *testing.T, d *journaltest.Disk) (*journaltest.Disk, []journal.Record) {
	t.Helper()
	for {
		j := journal.TestOpen(t, journal.Options{Dir: "/j", FS: d, SegmentBytes: 700})
		all, err := replayed(j, 1)
		if err == nil {
			_, err = j.Append(journal.Record{Actor: journal.TestDaemon(), Type: "daemon.started"})
		}
		if err != nil {
			journal.TestKind(t, err, fault.Unavailable)
			d = d.Kill()
			continue
		}
		if r, err := journal.VerifyOn(d, "/j"); err != nil || r.Tear != nil || r.Records != uint64(len(all)+1) {
			t.Fatalf("after reopening and one append: %+v, %v", r, err)
		}
		return d, all
	}
}

// replayed returns the records from one on.
func replayed(j *journal.Journal, from uint64) (all []journal.Record, err error) {
	for r, err := range j.Records(from) {
		if err != nil {
			return all, err
		}
		all = append(all, r)
	}
	return all, nil
}

// beginsWith tells whether all begins with the records of head.
func beginsWith(all, head []journal.Record) bool {
	return len(all) >= len(head) && slices.EqualFunc(all[:len(head)], head, same)
}

// same compares records that were written.
func same(a, b journal.Record) bool {
	return a.Seq == b.Seq && a.App == b.App && a.Prev == b.Prev && a.Time.Equal(b.Time) && bytes.Equal(a.Data, b.Data)
}

// Whatever was acknowledged outlives a power cut at any operation, whatever became of the bytes that were not synced.
func TestPowerCutAtEveryOperation(t *testing.T) {
	const appends = 12
	for cut := 1; ; cut++ {
		for seed := range uint64(10) {
			d := journaltest.New(seed)
			d.Fail(func(op journaltest.Op) error {
				if op.Number >= cut {
					return syscall.EIO
				}
				return nil
			})
			acknowledged, err := story(d, appends)
			if err == nil {
				if names, _ := d.Names("/j"); d.Changes() < 2*appends || len(names) < 3 {
					t.Fatalf("the story is too short to tell anything: %d operations, %v", d.Changes(), names)
				}
				return
			}
			_, got := reopened(t, d.PowerCut())
			if !beginsWith(got, acknowledged) || len(got) > len(acknowledged)+1 {
				t.Fatalf("cut at operation %d, seed %d: %d records, %d were acknowledged", cut, seed, len(got), len(acknowledged))
			}
		}
	}
}

// A disk that fails once at any operation ends the journal; what was acknowledged is there when it is opened anew, and
// stays there when the power fails after that.
func TestDiskFailsAtEveryOperation(t *testing.T) {
	for failing := 1; ; failing++ {
		d, failed := journaltest.New(uint64(failing)), journaltest.Op{}
		d.Fail(func(op journaltest.Op) error {
			if op.Number == failing && op.Verb.Changes() {
				failed = op
				return journaltest.Half(syscall.ENOSPC)
			}
			return nil
		})
		acknowledged, err := story(d, 12)
		if err == nil {
			return
		}
		journal.TestKind(t, err, fault.Unavailable)
		if !strings.Contains(err.Error(), "no space left on device") || !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("the error does not tell what failed: %v", err)
		}
		d.Fail(nil)
		d, got := reopened(t, d.Kill())
		if !beginsWith(got, acknowledged) {
			t.Fatalf("%+v failed: %d records, %d were acknowledged", failed, len(got), len(acknowledged))
		}
		// What reopening found counts from then on: it must be durable, even where the sync had failed.
		if _, again := reopened(t, d.PowerCut()); len(again) != len(got)+1 {
			t.Fatalf("%+v failed: %d records before the power cut, %d after", failed, len(got)+1, len(again))
		}
	}
}

func TestFailsClosed(t *testing.T) {
	for _, verb := range []journaltest.Verb{journaltest.Write, journaltest.Sync} {
		t.Run(string(verb), func(t *testing.T) {
			d := journaltest.New(1)
			j := journal.TestOpen(t, journal.Options{Dir: "/j", FS: d})
			journal.TestFill(t, j, 2)
			seq, hash := j.Head()
			d.Fail(func(op journaltest.Op) error {
				if op.Verb == verb {
					return syscall.EIO
				}
				return nil
			})
			_, first := j.Append(journal.Record{Actor: journal.TestDaemon(), Type: "step.intent"})
			journal.TestKind(t, first, fault.Unavailable)

			d.Fail(func(op journaltest.Op) error {
				if op.Verb.Changes() {
					t.Errorf("%s after the journal had failed", op.Verb)
				}
				return nil
			})
			for range 3 {
				if _, err := j.Append(journal.Record{Actor: journal.TestDaemon(), Type: "step.intent"}); !errors.Is(err, first) {
					t.Errorf("a later append: %v, want the first error", err)
				}
			}
			if err := j.Failed(); !errors.Is(err, first) {
				t.Errorf("Failed: %v", err)
			}
			if s, h := j.Head(); s != seq || h != hash {
				t.Errorf("the head moved to %d", s)
			}
			if got := journal.TestCollect(t, j, 1); len(got) != 2 {
				t.Errorf("%d records can be read, want 2", len(got))
			}
			d.Fail(nil)
		})
	}
}

func TestOpenFailures(t *testing.T) {
	for _, verb := range []journaltest.Verb{journaltest.Create, journaltest.Sync, journaltest.SyncDir} {
		d := journaltest.New(1)
		d.Fail(func(op journaltest.Op) error {
			if op.Verb == verb {
				return syscall.EROFS
			}
			return nil
		})
		_, err := journal.Open(journal.Options{Dir: "/j", FS: d})
		journal.TestKind(t, err, fault.Unavailable)
		if !strings.Contains(err.Error(), "read-only file system") {
			t.Errorf("%s: %v", verb, err)
		}
	}
}
