package journal_test

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/journal/journaltest"
)

// appendBytes appends records until their lines have at least so many bytes, each a good 1,000.
func appendBytes(t *testing.T, j *journal.Journal, bytes int) {
	t.Helper()
	for bytes > 0 {
		r := journal.TestAppend(t, j, journal.Record{Actor: journal.TestDaemon(), Type: "step.done",
			Data: json.RawMessage(`{"text":"` + strings.Repeat("x", 1000) + `"}`)})
		line, err := r.Line()
		if err != nil {
			t.Fatal(err)
		}
		bytes -= len(line)
	}
}

// What was set aside is there on a full disk, for a segment that is full as well, also after a failure, and also for
// the next daemon.
func TestReserve(t *testing.T) {
	const room = 100_000
	for name, between := range map[string]func(t *testing.T, d *journaltest.Disk, j *journal.Journal) *journal.Journal{
		"at once": func(_ *testing.T, _ *journaltest.Disk, j *journal.Journal) *journal.Journal { return j },
		"after a failure": func(t *testing.T, d *journaltest.Disk, j *journal.Journal) *journal.Journal {
			t.Helper()
			d.Fail(func(op journaltest.Op) error {
				if op.Verb == journaltest.Write {
					return journaltest.Half(syscall.ENOSPC)
				}
				return nil
			})
			if _, err := j.Append(journal.Record{Actor: journal.TestDaemon(), Type: "a"}); err == nil {
				t.Fatal("no error")
			}
			d.Fail(nil)
			if tear, err := j.Recover(); err != nil || tear == nil {
				t.Fatalf("%+v, %v", tear, err)
			}
			return j
		},
		"after a torn end was cut off, and nobody heard of it": func(t *testing.T, d *journaltest.Disk, j *journal.Journal) *journal.Journal {
			t.Helper()
			d.Fail(func(op journaltest.Op) error {
				switch op.Verb {
				case journaltest.Write:
					return journaltest.Half(syscall.EIO)
				case journaltest.Truncate:
					return journaltest.After(syscall.EIO)
				default:
					return nil
				}
			})
			if _, err := j.Append(journal.Record{Actor: journal.TestDaemon(), Type: "a"}); err == nil {
				t.Fatal("no error")
			}
			if _, err := j.Recover(); err == nil {
				t.Fatal("no error")
			}
			d.Fail(nil)
			d.Limit(room) // what was given back nobody else has taken
			if _, err := j.Recover(); err != nil {
				t.Fatal(err)
			}
			d.Limit(0)
			return j
		},
		"for the next daemon": func(t *testing.T, d *journaltest.Disk, _ *journal.Journal) *journal.Journal {
			t.Helper()
			return journal.TestOpen(t, journal.Options{Dir: "/j", FS: d, SegmentBytes: 5000})
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := journaltest.New(1)
			j := journal.TestOpen(t, journal.Options{Dir: "/j", FS: d, SegmentBytes: 5000})
			appendBytes(t, j, 4000)
			if err := j.Reserve(room); err != nil {
				t.Fatal(err)
			}
			d.Limit(0)
			j = between(t, d, j)
			appendBytes(t, j, room-2000)
			d.Limit(-1)
			appendBytes(t, j, 5000)
			if names, _ := d.Names("/j"); len(names) < 2 {
				t.Errorf("the segment goes on when its room is used up: %v", names)
			}
		})
	}
}

// Room that cannot be had is refused, and the journal goes on, on the same disk and with the same bytes free.
func TestReserveRefuses(t *testing.T) {
	for name, records := range map[string]int{"in a segment with room": 1, "in a full segment": 5} {
		t.Run(name, func(t *testing.T) {
			d := journaltest.New(1)
			j := journal.TestOpen(t, journal.Options{Dir: "/j", FS: d, SegmentBytes: 1000})
			journal.TestFill(t, j, records)
			d.Limit(30_000)
			before, _ := d.Free("/j")
			err := j.Reserve(50_000)
			journal.TestKind(t, err, fault.Unavailable)
			for _, part := range []string{"/j", "50000 bytes", "no space left on device", "nothing was changed", "make room"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error does not say %q: %v", part, err)
				}
			}
			if after, _ := d.Free("/j"); after != before {
				t.Errorf("%d bytes were free before, %d are after", before, after)
			}
			if err := j.Reserve(20_000); err != nil {
				t.Errorf("less room: %v", err)
			}
			journal.TestFill(t, j, 3)
			if r, err := journal.VerifyOn(d.PowerCut(), "/j"); err != nil || int(r.Records) != records+3 {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}

// Whatever fails while a full segment is exchanged for one with room, no record ever has two places.
func TestReserveFailsAtEveryOperation(t *testing.T) {
	for failing := 1; ; failing++ {
		for _, how := range []func(error) error{func(err error) error { return err }, journaltest.After} {
			d := journaltest.New(uint64(failing))
			j := journal.TestOpen(t, journal.Options{Dir: "/j", FS: d, SegmentBytes: 250})
			journal.TestFill(t, j, 2)
			from := d.Changes()
			d.Fail(func(op journaltest.Op) error {
				if op.Verb.Changes() && (op.Number == from+failing || op.Verb == journaltest.Remove) {
					return how(syscall.EIO)
				}
				return nil
			})
			err := j.Reserve(20_000)
			if d.Changes() < from+failing {
				if failing < 4 {
					t.Fatalf("only %d operations", failing-1)
				}
				return
			}
			d.Fail(nil)
			if err != nil {
				journal.TestKind(t, err, fault.Unavailable)
			}
			if j.Failed() != nil {
				if _, err := j.Recover(); err != nil {
					t.Fatal(err)
				}
			}
			journal.TestFill(t, j, 2)
			if r, err := journal.VerifyOn(d.PowerCut(), "/j"); err != nil || r.Records != 4 {
				t.Fatalf("operation %d failed: %+v, %v", failing, r, err)
			}
		}
	}
}

// Segments come to an end however often room is set aside, and then give back what they did not need.
func TestReserveIsGivenBack(t *testing.T) {
	d := journaltest.New(1)
	o := journal.Options{Dir: "/j", FS: d, SegmentBytes: 5000}
	j := journal.TestOpen(t, o)
	d.Limit(1 << 20)
	for range 40 {
		if err := j.Reserve(100_000); err != nil {
			t.Fatal(err)
		}
		appendBytes(t, j, 1000)
	}
	if names, _ := d.Names("/j"); len(names) < 7 {
		t.Errorf("only %v", names)
	}
	if free, _ := d.Free("/j"); free < 1<<20-150_000 {
		t.Errorf("only %d bytes are free", free)
	}
	if err := j.Save(40, nil); err != nil {
		t.Fatal(err)
	}
	if seq, _ := journal.TestOpen(t, o).Snapshot(); seq != 40 {
		t.Error("the stamps of the sealed segments do not hold")
	}
}

// A daemon that dies between the new segment and the giving back leaves that to the next one.
func TestReserveIsGivenBackAfterADeath(t *testing.T) {
	d := journaltest.New(1)
	o := journal.Options{Dir: "/j", FS: d, SegmentBytes: 5000}
	j := journal.TestOpen(t, o)
	appendBytes(t, j, 4000)
	if err := j.Reserve(100_000); err != nil {
		t.Fatal(err)
	}
	appendBytes(t, j, 2000)
	if err := j.Save(6, nil); err != nil {
		t.Fatal(err)
	}
	d.Limit(1 << 20)
	d.Fail(func(op journaltest.Op) error {
		if op.Verb == journaltest.Truncate {
			return syscall.EIO
		}
		return nil
	})
	if err := j.Reserve(200_000); err != nil { // in a new segment
		t.Fatal(err)
	}
	d = d.Kill()
	before, _ := d.Free("/j")
	j = journal.TestOpen(t, journal.Options{Dir: "/j", FS: d, SegmentBytes: 5000})
	if now, _ := d.Free("/j"); now != before {
		t.Error("Open changed the disk")
	}
	appendBytes(t, j, 1)
	if now, _ := d.Free("/j"); now < before+90_000 {
		t.Errorf("%d bytes were free before, %d are now", before, now)
	}
	if err := j.Save(7, nil); err != nil {
		t.Fatal(err)
	}
	if seq, _ := journal.TestOpen(t, journal.Options{Dir: "/j", FS: d}).Snapshot(); seq != 7 {
		t.Error("the stamp of the sealed segment does not hold")
	}
}
