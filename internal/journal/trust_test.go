package journal_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/journal/journaltest"
)

// rechained returns a segment's lines with one word changed, each with the right prev and checksum, as a forger would
// do it, and the hash of the last.
func rechained(t *testing.T, segment []byte, first uint64, prev string) ([]byte, string) {
	t.Helper()
	var out []byte
	for i, line := range bytes.SplitAfter(segment, []byte("\n")) {
		if len(line) == 0 {
			break
		}
		r := journal.ReadLine(t, line)
		r.Seq, r.Prev, r.App = first+uint64(i), prev, "forged"
		forged, err := r.Line()
		if err != nil {
			t.Fatal(err)
		}
		out, prev = append(out, forged...), journal.HashLine(forged)
	}
	return out, prev
}

// A stamp can be forged, or the disk can rot beneath it: then the start trusts what it should not, and the check that
// runs beside the daemon finds it.
func TestCheckTrustedFindsWhatTheStampHides(t *testing.T) {
	const third = "/j/00000000000000000003.jsonl"
	for name, c := range map[string]struct {
		change func(d *journaltest.Disk)
		damage string
	}{
		"a byte changed": {func(d *journaltest.Disk) {
			d.Rot(third, func(b []byte) []byte { return bytes.Replace(b, []byte("pull"), []byte("push"), 1) })
		}, third + ":1: record 3: its checksum"},
		"a line deleted": {func(d *journaltest.Disk) {
			d.Rot(third, func(b []byte) []byte { return b[bytes.IndexByte(b, '\n')+1:] })
		}, third + ":1: record 3: it is record 4"},
		"a line inserted": {func(d *journaltest.Disk) {
			d.Rot(third, func(b []byte) []byte { return append(b[:bytes.IndexByte(b, '\n')+1], b...) })
		}, third + ":2: record 4: it is record 3"},
		"the end cut off": {func(d *journaltest.Disk) {
			d.Rot("/j/00000000000000000005.jsonl", func(b []byte) []byte { return b[:bytes.IndexByte(b, '\n')+1] })
		}, "00000000000000000007.jsonl: record 6: the segment begins with record 7"},
		"all forged anew": {func(d *journaltest.Disk) {
			prev := strings.Repeat("0", 64)
			for i, path := range []string{firstSegment, third, "/j/00000000000000000005.jsonl"} {
				var forged []byte
				forged, prev = rechained(t, d.Content(path), uint64(2*i+1), prev)
				d.Rot(path, func([]byte) []byte { return forged })
			}
		}, "00000000000000000007.jsonl:1: record 7: its prev is not the hash"},
	} {
		t.Run(name, func(t *testing.T) {
			d := saved(t)
			c.change(d)
			j := journal.TestOpen(t, journal.Options{Dir: "/j", FS: d, SegmentBytes: 600})
			if seq, _ := j.Snapshot(); seq == 0 {
				t.Fatal("the snapshot is not trusted")
			}
			journal.TestFill(t, j, 1)
			err := j.CheckTrusted(t.Context())
			journal.TestKind(t, err, fault.Difference)
			if !strings.Contains(err.Error(), c.damage) || !strings.Contains(err.Error(), "restore the journal") {
				t.Errorf("%v, want: %s", err, c.damage)
			}
			_, verifyErr := journal.VerifyOn(d, "/j")
			if verifyErr == nil || verifyErr.Error() != err.Error() {
				t.Errorf("Verify says %v, CheckTrusted %v", verifyErr, err)
			}
			journal.TestFill(t, j, 1) // what is under way can be recorded to its end
			journal.TestKind(t, j.Save(12, nil), fault.Difference)
			if d.Content(snapshotFile) != nil {
				t.Error("the snapshot is still there")
			}
			_, err = journal.Open(journal.Options{Dir: "/j", FS: d})
			journal.TestKind(t, err, fault.Difference)
		})
	}
}

// What cannot be read is no damage.
func TestCheckTrustedOnABadDisk(t *testing.T) {
	d := saved(t)
	j := journal.TestOpen(t, journal.Options{Dir: "/j", FS: d, SegmentBytes: 600})
	d.Fail(func(op journaltest.Op) error {
		if op.Path == firstSegment {
			return syscall.EIO
		}
		return nil
	})
	journal.TestKind(t, j.CheckTrusted(t.Context()), fault.Unavailable)
	if err := j.Save(10, nil); err != nil {
		t.Errorf("Save: %v", err)
	}
	d.Fail(nil)
	if err := j.CheckTrusted(t.Context()); err != nil {
		t.Errorf("CheckTrusted: %v", err)
	}
}

func TestCheckTrustedIsInterrupted(t *testing.T) {
	d := journaltest.New(1)
	o := journal.Options{Dir: "/j", FS: d, SegmentBytes: 100_000}
	j := journal.TestOpen(t, o)
	journal.TestFill(t, j, 600)
	if err := j.Save(600, nil); err != nil {
		t.Fatal(err)
	}
	d.Rot(firstSegment, func(b []byte) []byte { return b[:len(b)-300] })
	j = journal.TestOpen(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := j.CheckTrusted(ctx)
	journal.TestKind(t, err, fault.Unavailable)
	if !errors.Is(err, context.Canceled) || j.Failed() != nil {
		t.Errorf("%v; Failed: %v", err, j.Failed())
	}
}
