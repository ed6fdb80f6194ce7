package journal

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/capakraken/fairlead/internal/fault"
)

// allocated returns the bytes that the real disk has set aside for a file.
func allocated(t *testing.T, path string) int64 {
	t.Helper()
	_, n, err := disk{}.Stamp(path)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// The real disk sets room aside without making the file longer, and gets it back.
func TestReserveOnTheRealDisk(t *testing.T) {
	const room = 1 << 20
	dir := newDir(t)
	j := open(t, Options{Dir: dir, SegmentBytes: 2000})
	fill(t, j, 4)
	first := segmentFiles(t, dir)[0]
	size := len(read(t, first))
	if err := j.Reserve(room); err != nil {
		t.Fatal(err)
	}
	if n := allocated(t, first); n < room {
		t.Skipf("the file system sets nothing aside: %d bytes", n)
	}
	if len(read(t, first)) != size {
		t.Error("the segment became longer")
	}
	fill(t, j, 10)
	if files := segmentFiles(t, dir); len(files) != 1 {
		t.Errorf("with room left, it went on in %v", files)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, Options{Dir: dir, SegmentBytes: 2000})
	fill(t, j, 1)
	if files := segmentFiles(t, dir); len(files) != 1 || allocated(t, first) < room {
		t.Errorf("the next daemon does not know of the room: %v", files)
	}
	if err := j.Reserve(2 * room); err != nil { // in a new segment, since this one is full
		t.Fatal(err)
	}
	files := segmentFiles(t, dir)
	if len(files) != 2 || allocated(t, first) >= room/2 || allocated(t, files[1]) < 2*room {
		t.Errorf("%v: %d bytes for the sealed one", files, allocated(t, first))
	}
	fill(t, j, 1)
	if err := j.Save(16, []byte("state")); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if seq, state := open(t, Options{Dir: dir}).Snapshot(); seq != 16 || string(state) != "state" {
		t.Errorf("the snapshot covers %d and holds %q", seq, state)
	}
	if r, err := Verify(dir); err != nil || r.Records != 16 {
		t.Errorf("%+v, %v", r, err)
	}
}

// A file system that has really become full: what was set aside can be written, nothing else, and then again.
func TestFullDisk(t *testing.T) {
	mount := t.TempDir()
	if err := unix.Mount("tmpfs", mount, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(mount, unix.MNT_DETACH) })
	j := open(t, Options{Dir: filepath.Join(mount, "journal")})
	fill(t, j, 1)
	wantKind(t, j.Reserve(2<<20), fault.Unavailable)
	if err := j.Reserve(300 << 10); err != nil {
		t.Fatal(err)
	}
	filler := filepath.Join(mount, "filler")
	if err := os.WriteFile(filler, make([]byte, 2<<20), 0o600); err == nil {
		t.Fatal("the file system is not full")
	}
	long := Record{Actor: daemon(), Type: "step.done", Data: json.RawMessage(`{"text":"` + strings.Repeat("x", 10000) + `"}`)}
	written := 1
	var err error
	for ; err == nil && written < 1000; written++ {
		_, err = j.Append(long)
	}
	wantKind(t, err, fault.Unavailable)
	if written < 28 || !strings.Contains(err.Error(), "no space left on device") {
		t.Errorf("%d records fitted; %v", written-1, err)
	}
	_, err = j.Recover()
	wantKind(t, err, fault.Unavailable)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Recover(); err != nil {
		t.Fatal(err)
	}
	appendRecord(t, j, long)
	if r, err := Verify(filepath.Join(mount, "journal")); err != nil || r.Tear != nil {
		t.Errorf("%+v, %v", r, err)
	}
}
