package journal_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/journal/journaltest"
)

const snapshotFile = "/j/snapshot"

// saved makes a journal of ten records in five segments, and a snapshot of its first eight.
func saved(t *testing.T) *journaltest.Disk {
	t.Helper()
	d := journaltest.New(1)
	j := journal.TestOpen(t, journal.Options{Dir: "/j", FS: d, SegmentBytes: 600})
	journal.TestFill(t, j, 8)
	if err := j.Save(8, []byte("state\nof 8")); err != nil {
		t.Fatal(err)
	}
	journal.TestFill(t, j, 2)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return d
}

// trusts opens the journal on d, checks that it has all its records, and tells whether it trusts the snapshot.
func trusts(t *testing.T, d *journaltest.Disk, records uint64) bool {
	t.Helper()
	j := journal.TestOpen(t, journal.Options{Dir: "/j", FS: d, SegmentBytes: 600})
	if seq, _ := j.Head(); seq != records || uint64(len(journal.TestCollect(t, j, 1))) != records {
		t.Fatalf("the head is %d, want %d", seq, records)
	}
	seq, state := j.Snapshot()
	if seq != 0 && (seq != 8 || string(state) != "state\nof 8") {
		t.Fatalf("the snapshot covers %d and holds %q", seq, state)
	}
	return seq != 0
}

// A start reads nothing that a snapshot answers for, and the journal goes on all the same, as without it.
func TestSnapshotSparesTheHistory(t *testing.T) {
	d := saved(t)
	reads := map[string]int{}
	d.Fail(func(op journaltest.Op) error {
		if op.Verb == journaltest.Read {
			reads[filepath.Base(op.Path)]++
		}
		return nil
	})
	j := journal.TestOpen(t, journal.Options{Dir: "/j", FS: d, SegmentBytes: 600})
	d.Fail(nil)
	if len(reads) != 3 || reads["snapshot"] == 0 || reads["00000000000000000007.jsonl"] == 0 || reads["00000000000000000009.jsonl"] == 0 {
		t.Errorf("it read %v", reads)
	}
	if seq, state := j.Snapshot(); seq != 8 || string(state) != "state\nof 8" {
		t.Errorf("the snapshot covers %d and holds %q", seq, state)
	}
	if err := j.CheckTrusted(t.Context()); err != nil {
		t.Errorf("CheckTrusted: %v", err)
	}
	journal.TestFill(t, j, 3)
	if err := j.Save(13, []byte("state\nof 13")); err != nil {
		t.Fatal(err)
	}
	d = d.PowerCut()
	if seq, _ := journal.TestOpen(t, journal.Options{Dir: "/j", FS: d}).Snapshot(); seq != 13 {
		t.Errorf("the next snapshot covers %d", seq)
	}
	d.Erase(snapshotFile)
	if trusts(t, d, 13) {
		t.Error("a snapshot that is not there is trusted")
	}
}

// A snapshot that is not what was saved, byte for byte, is as good as none.
func TestSnapshotIsDoubted(t *testing.T) {
	d := saved(t)
	if !trusts(t, d, 10) {
		t.Fatal("a sound snapshot is not trusted")
	}
	whole := d.Content(snapshotFile)
	try := func(name string, broken []byte) {
		d.Put(snapshotFile, broken)
		if trusts(t, d, 10) {
			t.Errorf("it is trusted with %s", name)
		}
		if !bytes.Equal(d.Content(snapshotFile), broken) {
			t.Errorf("it was changed with %s", name)
		}
	}
	for i := range whole {
		broken := bytes.Clone(whole)
		broken[i] ^= 1
		try("a bit changed in byte "+string(rune('0'+i%10)), broken)
		try("its end cut off", whole[:i])
	}
	try("more at its end", append(bytes.Clone(whole), 'x'))
	d.Put(snapshotFile, whole)
	if !trusts(t, d, 10) {
		t.Error("the snapshot is not trusted any more")
	}
	d.Fail(func(op journaltest.Op) error {
		if op.Path == snapshotFile {
			return syscall.EIO
		}
		return nil
	})
	if trusts(t, d, 10) {
		t.Error("one that cannot be read is trusted")
	}
}

// Whoever writes to a sealed segment, or takes one away, has the whole journal verified at the next start.
func TestSealedSegmentChanged(t *testing.T) {
	const third = "/j/00000000000000000003.jsonl"
	content := func(d *journaltest.Disk) []byte { return d.Content(third) }
	for name, c := range map[string]struct {
		change func(d *journaltest.Disk)
		damage string // "" for none: the snapshot is not used, and that is all
	}{
		"written again":  {func(d *journaltest.Disk) { d.Put(third, content(d)) }, ""},
		"a byte changed": {func(d *journaltest.Disk) { d.Put(third, bytes.Replace(content(d), []byte("pull"), []byte("push"), 1)) }, "record 3: its checksum"},
		"a line deleted": {func(d *journaltest.Disk) { d.Put(third, content(d)[:bytes.IndexByte(content(d), '\n')+1]) },
			"record 4: the segment begins with record 5"},
		"a line inserted": {func(d *journaltest.Disk) {
			line := content(d)[:bytes.IndexByte(content(d), '\n')+1]
			d.Put(third, append(content(d), line...))
		}, "record 5: it is record 3"},
		"taken away":  {func(d *journaltest.Disk) { d.Erase(third) }, "record 3: the segment begins with record 5"},
		"another one": {func(d *journaltest.Disk) { d.Put("/j/00000000000000000004.jsonl", nil) }, "record 5: the segment begins with record 4"},
		"with a stamp that cannot be read": {func(d *journaltest.Disk) {
			d.Fail(func(op journaltest.Op) error {
				if op.Verb == journaltest.Stamp && op.Path == third {
					return syscall.EIO
				}
				return nil
			})
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := saved(t)
			c.change(d)
			if c.damage == "" {
				if trusts(t, d, 10) {
					t.Error("it is trusted all the same")
				}
				return
			}
			_, err := journal.Open(journal.Options{Dir: "/j", FS: d})
			journal.TestKind(t, err, fault.Difference)
			if !strings.Contains(err.Error(), c.damage) || !strings.Contains(err.Error(), "keep the directory as evidence") {
				t.Errorf("%v, want: %s", err, c.damage)
			}
		})
	}
}

// What follows the sealed segments may be older or other than it was when the snapshot was made.
func TestSnapshotOfAnotherEnd(t *testing.T) {
	for name, records := range map[string]int{"it ends before the snapshot": 7, "it went on differently": 12} {
		t.Run(name, func(t *testing.T) {
			d := journaltest.New(1)
			o := journal.Options{Dir: "/j", FS: d, SegmentBytes: 600}
			j := journal.TestOpen(t, o)
			journal.TestFill(t, j, 7)
			older := d.Content("/j/00000000000000000007.jsonl")
			journal.TestFill(t, j, 1)
			if err := j.Save(8, []byte("state\nof 8")); err != nil {
				t.Fatal(err)
			}
			d.Put("/j/00000000000000000007.jsonl", older)
			if records > 7 {
				journal.TestFill(t, journal.TestOpen(t, o), records-7)
			}
			if trusts(t, d, uint64(records)) {
				t.Error("the snapshot is trusted")
			}
		})
	}
}

// A snapshot that cannot be written leaves everything as it was.
func TestSaveFails(t *testing.T) {
	for _, verb := range []journaltest.Verb{journaltest.Create, journaltest.Write, journaltest.Sync, journaltest.Rename, journaltest.SyncDir} {
		t.Run(string(verb), func(t *testing.T) {
			d := saved(t)
			j := journal.TestOpen(t, journal.Options{Dir: "/j", FS: d, SegmentBytes: 600})
			journal.TestFill(t, j, 1)
			d.Fail(func(op journaltest.Op) error {
				if op.Verb == verb {
					return journaltest.Half(syscall.ENOSPC)
				}
				return nil
			})
			err := j.Save(11, []byte("state\nof 11"))
			journal.TestKind(t, err, fault.Unavailable)
			if !strings.Contains(err.Error(), "the journal itself is untouched") {
				t.Errorf("%v", err)
			}
			d.Fail(nil)
			journal.TestFill(t, j, 1)
			d = d.PowerCut()
			if seq, state := journal.TestOpen(t, journal.Options{Dir: "/j", FS: d}).Snapshot(); seq != 8 && (verb != journaltest.SyncDir || seq != 11 || string(state) != "state\nof 11") {
				t.Errorf("the snapshot is that of %d: %q", seq, state)
			}
		})
	}
}

func TestSaveRefuses(t *testing.T) {
	d := saved(t)
	j := journal.TestOpen(t, journal.Options{Dir: "/j", FS: d, SegmentBytes: 600})
	for _, seq := range []uint64{0, 11} {
		journal.TestKind(t, j.Save(seq, nil), fault.Internal)
	}
	for seq := range uint64(10) {
		if err := j.Save(seq+1, []byte{byte(seq)}); err != nil {
			t.Errorf("Save(%d): %v", seq+1, err)
		}
		if got, state := journal.TestOpen(t, journal.Options{Dir: "/j", FS: d}).Snapshot(); got != seq+1 || !bytes.Equal(state, []byte{byte(seq)}) {
			t.Errorf("saved at %d, and found at %d: %v", seq+1, got, state)
		}
	}
}

// A snapshot answers for what this daemon wrote and verified, not for what somebody made of it since.
func TestSaveDoesNotBless(t *testing.T) {
	const third = "/j/00000000000000000003.jsonl"
	d := journaltest.New(1)
	j := journal.TestOpen(t, journal.Options{Dir: "/j", FS: d, SegmentBytes: 600})
	journal.TestFill(t, j, 7)
	d.Put(third, bytes.Replace(d.Content(third), []byte("pull"), []byte("push"), 1))
	if err := j.Save(7, nil); err != nil {
		t.Fatal(err)
	}
	_, err := journal.Open(journal.Options{Dir: "/j", FS: d})
	journal.TestKind(t, err, fault.Difference)
}

// A segment that could not be looked at when it was sealed has no stamp that a snapshot could name.
func TestSaveWithoutAStamp(t *testing.T) {
	d := journaltest.New(1)
	j := journal.TestOpen(t, journal.Options{Dir: "/j", FS: d, SegmentBytes: 600})
	d.Fail(func(op journaltest.Op) error {
		if op.Verb == journaltest.Stamp {
			return syscall.EIO
		}
		return nil
	})
	journal.TestFill(t, j, 3)
	d.Fail(nil)
	journal.TestKind(t, j.Save(3, nil), fault.Unavailable)
}

// What a death in the middle of a Save leaves behind is in nobody's way.
func TestSaveAfterADeath(t *testing.T) {
	for _, verb := range []journaltest.Verb{journaltest.Create, journaltest.Write, journaltest.Sync, journaltest.Rename, journaltest.SyncDir} {
		d := saved(t)
		j := journal.TestOpen(t, journal.Options{Dir: "/j", FS: d, SegmentBytes: 600})
		dead := false
		d.Fail(func(op journaltest.Op) error {
			if dead {
				return syscall.EIO
			}
			if dead = op.Verb == verb; dead {
				return journaltest.After(syscall.EIO)
			}
			return nil
		})
		journal.TestKind(t, j.Save(10, []byte("state of 10")), fault.Unavailable)
		d = d.Kill()
		j = journal.TestOpen(t, journal.Options{Dir: "/j", FS: d, SegmentBytes: 600})
		journal.TestFill(t, j, 1)
		if err := j.Save(11, []byte("state of 11")); err != nil {
			t.Errorf("after a death at %s: %v", verb, err)
		}
		if seq, _ := journal.TestOpen(t, journal.Options{Dir: "/j", FS: d.PowerCut()}).Snapshot(); seq != 11 {
			t.Errorf("after a death at %s, the snapshot covers %d", verb, seq)
		}
	}
}
