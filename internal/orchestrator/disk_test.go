package orchestrator

import (
	"os"
	"sync"
	"syscall"

	"github.com/capakraken/fairlead/internal/journal"
)

// disk is a real disk that can be made to fail. It does not sync: what dies in these tests is the daemon, and what it
// has written stays written.
type disk struct {
	mu      sync.Mutex
	left    int  // how many writes still work; negative for all
	reaches bool // the write that fails reaches the disk all the same
	dead    bool
	full    bool
}

func sound() *disk { return &disk{left: -1} }

// failAfter makes every write fail after the next n. With reaches, the first that fails is on the disk nevertheless.
func (d *disk) failAfter(n int, reaches bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left, d.reaches = n, reaches
}

// failed tells whether a write has failed.
func (d *disk) failed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dead
}

// admit counts a write, and returns whether it is to reach the disk, and the error that it is answered with.
func (d *disk) admit() (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.dead:
		return false, syscall.EIO
	case d.left == 0:
		d.dead = true
		return d.reaches, syscall.EIO
	case d.left > 0:
		d.left--
	}
	return true, nil
}

// MakeDir makes dir.
func (d *disk) MakeDir(dir string) error { return os.MkdirAll(dir, 0o700) }

// Names returns the names in dir.
func (d *disk) Names(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

// Open opens a file whose writes may fail.
func (d *disk) Open(path string, flag int) (journal.File, error) {
	f, err := os.OpenFile(path, flag, 0o600)
	return file{f, d}, err
}

// Stamp returns the stamp of a file.
func (d *disk) Stamp(path string) (journal.Stamp, int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return journal.Stamp{}, 0, err
	}
	changed := info.ModTime().UnixNano()
	return journal.Stamp{Inode: info.Sys().(*syscall.Stat_t).Ino, Size: info.Size(), Modified: changed, Changed: changed}, info.Size(), nil
}

// Rename renames a file.
func (d *disk) Rename(from, to string) error { return os.Rename(from, to) }

// Remove removes a file.
func (d *disk) Remove(path string) error { return os.Remove(path) }

// SyncDir does nothing.
func (d *disk) SyncDir(string) error { return nil }

// Free returns much, or next to nothing.
func (d *disk) Free(string) (uint64, error) {
	if d.full {
		return 1 << 20, nil
	}
	return 1 << 40, nil
}

type file struct {
	*os.File
	disk *disk
}

// WriteAt writes, unless the disk fails.
func (f file) WriteAt(b []byte, at int64) (int, error) {
	reaches, failed := f.disk.admit()
	if reaches {
		if n, err := f.File.WriteAt(b, at); err != nil {
			return n, err
		}
	}
	if failed != nil {
		return 0, failed
	}
	return len(b), nil
}

// Sync does nothing.
func (f file) Sync() error { return nil }

// Reserve does nothing.
func (f file) Reserve(int64) error { return nil }
