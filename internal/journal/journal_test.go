package journal

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
)

func TestClose(t *testing.T) {
	j := open(t, Options{Dir: newDir(t)})
	fill(t, j, 2)
	for range 2 {
		if err := j.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	_, err := j.Append(Record{Actor: daemon(), Type: "a"})
	wantKind(t, err, fault.Unavailable)
	if got := collect(t, j, 1); len(got) != 2 {
		t.Errorf("%d records after Close", len(got))
	}
}

func TestSpace(t *testing.T) {
	j := open(t, Options{Dir: newDir(t)})
	if free, err := j.Space(); err != nil || free == 0 {
		t.Errorf("%d, %v", free, err)
	}
	broken := open(t, Options{Dir: newDir(t), FS: noSpace{}})
	_, err := broken.Space()
	wantKind(t, err, fault.Unavailable)
}

// noSpace is a disk that cannot tell how much is free.
type noSpace struct{ disk }

func (noSpace) Free(string) (uint64, error) { return 0, syscall.EIO }

func TestOpenRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		options func(dir string) Options
		kind    fault.Kind
		text    string
	}{
		"no directory":   {func(string) Options { return Options{} }, fault.Internal, "needs a directory"},
		"negative size":  {func(dir string) Options { return Options{Dir: dir, SegmentBytes: -1} }, fault.Internal, "-1 bytes"},
		"no parent":      {func(dir string) Options { return Options{Dir: filepath.Join(dir, "a", "b")} }, fault.Unavailable, "no such file"},
		"a file instead": {func(dir string) Options { return Options{Dir: filepath.Join(dir, "file")} }, fault.Unavailable, "not a directory"},
		"shared":         {func(dir string) Options { return Options{Dir: filepath.Join(dir, "shared")} }, fault.Unavailable, "chmod go-w"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			overwrite(t, filepath.Join(dir, "file"), "")
			if err := firstError(os.Mkdir(filepath.Join(dir, "shared"), 0o700), os.Chmod(filepath.Join(dir, "shared"), 0o770)); err != nil {
				t.Fatal(err)
			}
			_, err := Open(c.options(dir))
			wantKind(t, err, c.kind)
			if !strings.Contains(err.Error(), c.text) {
				t.Errorf("%v, want %s", err, c.text)
			}
		})
	}
}

func TestModes(t *testing.T) {
	dir := written(t, 1, 0)
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("directory: %v, %v", info.Mode(), err)
	}
}
