package journal_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/journal/journaltest"
)

const firstSegment = "/j/00000000000000000001.jsonl"

// broken makes a journal of four records, whose segments are full after every second, and has the append of the fifth
// fail at one operation.
func broken(t *testing.T, verb journaltest.Verb, err error) (*journaltest.Disk, *journal.Journal) {
	t.Helper()
	d := journaltest.New(1)
	j := journal.TestOpen(t, journal.Options{Dir: "/j", FS: d, SegmentBytes: 600})
	journal.TestFill(t, j, 4)
	d.Fail(func(op journaltest.Op) error {
		if op.Verb == verb && op.Verb.Changes() {
			return err
		}
		return nil
	})
	_, failed := j.Append(journal.Record{Actor: journal.TestDaemon(), Type: "step.intent"})
	journal.TestKind(t, failed, fault.Unavailable)
	for _, part := range []string{"cannot be written", err.Error(), "mend the disk", "by itself"} {
		if !strings.Contains(failed.Error(), part) {
			t.Errorf("the error does not say %q: %v", part, failed)
		}
	}
	return d, j
}

// A journal whose disk failed, in whatever way and at whatever operation, goes on when the disk works again and not
// before; in between it can be read.
func TestRecover(t *testing.T) {
	for _, c := range []struct {
		name    string
		verb    journaltest.Verb
		err     error
		adopted bool
		torn    bool
		passed  bool // what failed need not be done again
	}{
		{"a segment is not made", journaltest.Create, syscall.ENOSPC, false, false, false},
		{"a segment is made, and nobody hears of it", journaltest.Create, journaltest.After(syscall.EIO), false, false, true},
		{"a segment's name is not synced", journaltest.SyncDir, syscall.EIO, false, false, false},
		{"a segment's name is synced, and nobody hears of it", journaltest.SyncDir, journaltest.After(syscall.EIO), false, false, false},
		{"nothing is written", journaltest.Write, syscall.EROFS, false, false, false},
		{"half is written", journaltest.Write, journaltest.Half(syscall.ENOSPC), false, true, false},
		{"all is written, and nobody hears of it", journaltest.Write, journaltest.After(syscall.EIO), true, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, j := broken(t, c.verb, c.err)
			for range 3 {
				if c.passed {
					break
				}
				_, err := j.Recover()
				journal.TestKind(t, err, fault.Unavailable)
				if j.Failed() == nil {
					t.Fatal("it is taken up while the disk fails")
				}
			}
			if seq, _ := j.Head(); seq != 4 || len(journal.TestCollect(t, j, 1)) != 4 {
				t.Errorf("while it fails, the head is %d", seq)
			}

			d.Fail(nil)
			tear, err := j.Recover()
			if err != nil || j.Failed() != nil || (tear != nil) != c.torn {
				t.Fatalf("Recover: %+v, %v; Failed: %v", tear, err, j.Failed())
			}
			want := 4
			if c.adopted {
				want = 5
			}
			all := journal.TestCollect(t, j, 1)
			if seq, _ := j.Head(); int(seq) != want || len(all) != want || c.adopted && all[4].Type != "step.intent" {
				t.Errorf("%d records, the head is %d, want %d", len(all), seq, want)
			}
			if again, err := j.Recover(); again != nil || err != nil {
				t.Errorf("a journal that works recovers: %+v, %v", again, err)
			}
			journal.TestFill(t, j, 3)
			if r, err := journal.VerifyOn(d.PowerCut(), "/j"); err != nil || r.Tear != nil || int(r.Records) != want+3 {
				t.Errorf("after a power cut: %+v, %v", r, err)
			}
		})
	}
}

// A sync that failed leaves it open whether the line is there. If Recover finds it, then it is there for good, even
// where the kernel has taken for written what was not.
func TestRecoverAfterAFailedSync(t *testing.T) {
	adopted := 0
	for seed := range uint64(60) {
		d := journaltest.New(seed)
		j := journal.TestOpen(t, journal.Options{Dir: "/j", FS: d})
		journal.TestFill(t, j, 2)
		d.Fail(func(op journaltest.Op) error {
			if op.Verb == journaltest.Sync {
				return syscall.EIO
			}
			return nil
		})
		if _, err := j.Append(journal.Record{Actor: journal.TestDaemon(), Type: "step.intent"}); err == nil {
			t.Fatal("no error")
		}
		d.Fail(nil)
		for {
			if _, err := j.Recover(); err == nil {
				break
			}
		}
		seq, hash := j.Head()
		if seq == 3 {
			adopted++
		}
		if r, err := journal.VerifyOn(d.PowerCut(), "/j"); err != nil || r.Tear != nil || r.Records != seq || r.Head != hash {
			t.Fatalf("seed %d: %+v, %v; the head was %d", seed, r, err, seq)
		}
	}
	if adopted == 0 || adopted == 60 {
		t.Errorf("%d of 60 were adopted: only one way is tried", adopted)
	}
}

// The tear is told again until a record has been appended: it is that record's.
func TestRecoverTellsTheTear(t *testing.T) {
	d, j := broken(t, journaltest.Write, journaltest.Half(syscall.ENOSPC))
	d.Fail(func(op journaltest.Op) error {
		if op.Verb == journaltest.Sync {
			return journaltest.After(syscall.EIO) // the end is cut off, and nobody hears of it
		}
		return nil
	})
	_, err := j.Recover()
	journal.TestKind(t, err, fault.Unavailable)
	d.Fail(nil)
	tear, err := j.Recover()
	if err != nil || tear == nil || tear.Seq != 5 || tear.Bytes == 0 {
		t.Fatalf("%+v, %v", tear, err)
	}
	journal.TestFill(t, j, 1)
	d.Fail(func(op journaltest.Op) error {
		if op.Verb == journaltest.Write {
			return syscall.EIO
		}
		return nil
	})
	if _, err := j.Append(journal.Record{Actor: journal.TestDaemon(), Type: "a"}); err == nil {
		t.Fatal("no error")
	}
	d.Fail(nil)
	if tear, err := j.Recover(); tear != nil || err != nil {
		t.Errorf("told twice: %+v, %v", tear, err)
	}
}

// foreign returns the line of a record that this journal did not write, and that fits behind its head.
func foreign(t *testing.T, j *journal.Journal) []byte {
	t.Helper()
	seq, hash := j.Head()
	all := journal.TestCollect(t, j, seq)
	r := journal.Record{V: journal.Version, Seq: seq + 1, Prev: hash, Time: all[0].Time, Actor: journal.TestDaemon(), Type: "forged"}
	line, err := r.Line()
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// What was acknowledged must all be there, and nothing that this journal did not write: no sound line is ever removed.
func TestRecoverFindsDamage(t *testing.T) {
	for name, c := range map[string]struct {
		change func(j *journal.Journal, b []byte) []byte
		reason string
	}{
		"the last record is gone": {func(_ *journal.Journal, b []byte) []byte {
			return b[:bytes.LastIndexByte(b[:len(b)-1], '\n')+1]
		}, "record 4: the journal ends before record 4, which was written"},
		"the last record is torn": {func(_ *journal.Journal, b []byte) []byte { return b[:len(b)-9] },
			"record 4: the journal ends before record 4, which was written"},
		"a record is changed": {func(_ *journal.Journal, b []byte) []byte {
			return bytes.Replace(b, []byte("pull"), []byte("push"), 1)
		}, "record 3: its checksum"},
		"somebody has written":        {func(j *journal.Journal, b []byte) []byte { return append(b, foreign(t, j)...) }, "record 5: it was not written by this daemon"},
		"the last one is another one": {exchanged, "record 4: it is not the line that was written"},
	} {
		t.Run(name, func(t *testing.T) {
			d, j := broken(t, journaltest.Create, syscall.EIO)
			d.Fail(nil)
			const path = "/j/00000000000000000003.jsonl"
			before := c.change(j, d.Content(path))
			d.Rot(path, func([]byte) []byte { return slices.Clone(before) })
			_, err := j.Recover()
			journal.TestKind(t, err, fault.Difference)
			if !strings.Contains(err.Error(), c.reason) || !strings.Contains(err.Error(), "restore the journal") {
				t.Errorf("%v, want: %s", err, c.reason)
			}
			if !bytes.Equal(d.Content(path), before) {
				t.Error("Recover changed the segment")
			}
			for range 2 {
				if _, again := j.Recover(); !errors.Is(again, err) || !errors.Is(j.Failed(), err) {
					t.Errorf("tried again: %v; Failed: %v", again, j.Failed())
				}
			}
		})
	}
}

// exchanged returns a segment whose last line is another sound one in its place.
func exchanged(j *journal.Journal, b []byte) []byte {
	var last journal.Record
	for r, err := range j.Records(4) {
		if err == nil {
			last = r
		}
	}
	last.Type = "forged"
	line, _ := last.Line()
	return append(b[:bytes.LastIndexByte(b[:len(b)-1], '\n')+1], line...)
}

// A directory that is gone may come back.
func TestRecoverWithoutItsSegments(t *testing.T) {
	d, j := broken(t, journaltest.Write, syscall.EIO)
	d.Fail(nil)
	content := d.Content(firstSegment)
	d.Erase(firstSegment)
	_, err := j.Recover()
	journal.TestKind(t, err, fault.Unavailable)
	d.Put(firstSegment, content)
	if _, err := j.Recover(); err != nil {
		t.Error(err)
	}
	d.Put("/j/00000000000000000099.jsonl", nil)
	if _, err := j.Append(journal.Record{Actor: journal.TestDaemon(), Type: "a"}); err != nil {
		t.Error(err)
	}
}

func TestRecoverNotOnceClosed(t *testing.T) {
	d, j := broken(t, journaltest.Write, syscall.EIO)
	d.Fail(nil)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := j.Recover()
	journal.TestKind(t, err, fault.Unavailable)
	if _, err := j.Append(journal.Record{Actor: journal.TestDaemon(), Type: "a"}); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("Append: %v", err)
	}
}

// Also where nothing but the line feed is lost: it stands alone in the next sector.
func TestRecoverLosesNoLineFeed(t *testing.T) {
	vanished := 0
	for seed := range uint64(100) {
		d := journaltest.New(seed)
		j := journal.TestOpen(t, journal.Options{Dir: "/j", FS: d})
		journal.TestAppend(t, j, journal.Record{Actor: journal.TestDaemon(), Type: "a"})
		size := 2*512 + 1 - 2*len(d.Content(firstSegment)) + 1
		d.Fail(func(op journaltest.Op) error {
			if op.Verb == journaltest.Sync {
				return syscall.EIO
			}
			return nil
		})
		if _, err := j.Append(journal.Record{Actor: journal.TestDaemon(), Type: strings.Repeat("a", size)}); err == nil {
			t.Fatal("no error")
		}
		if n := len(d.Content(firstSegment)); n != 2*512+1 {
			t.Fatalf("the file has %d bytes", n)
		}
		d.Fail(nil)
		for tries := 0; ; tries++ {
			_, err := j.Recover()
			if err == nil {
				break
			}
			if vanished++; tries == 10 {
				t.Fatal(err)
			}
		}
		head, _ := j.Head()
		if r, err := journal.VerifyOn(d, "/j"); err != nil || r.Records != head || r.Tear != nil {
			t.Fatalf("seed %d: %+v, %v; the head is %d", seed, r, err, head)
		}
	}
	if vanished == 0 {
		t.Error("no seed lost the line feed in between")
	}
}
