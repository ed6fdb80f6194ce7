package journal

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// FS is the disk as the journal uses it. What it promises has to hold across a power cut: after Sync the file's bytes
// and length are durable, after SyncDir the names in a directory are. Its errors wrap the kernel's error numbers.
type FS interface {
	// MakeDir makes dir with mode 0700, durably, unless it is there and nobody but its owner may write to it.
	MakeDir(dir string) error
	// Names returns the names in dir, sorted.
	Names(dir string) ([]string, error)
	// Open opens a regular file as os.OpenFile does, with mode 0600, and never through a symbolic link.
	Open(path string, flag int) (File, error)
	// SyncDir makes the names in dir durable.
	SyncDir(dir string) error
	// Free returns the bytes that are left to the daemon on the file system of dir.
	Free(dir string) (uint64, error)
}

// File is one open segment.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Sync() error
	Truncate(size int64) error
}

// What goes wrong without an error number.
var (
	errIrregular = errors.New("it is not a regular file")
	errShort     = errors.New("only a part was written")
	errShared    = errors.New("users other than its owner may write to it; take that away with chmod go-w")
)

// disk is the real FS.
type disk struct{}

func (d disk) MakeDir(dir string) error {
	switch err := os.Mkdir(dir, 0o700); {
	case err == nil:
		return d.SyncDir(filepath.Dir(dir))
	case !errors.Is(err, os.ErrExist):
		return err
	}
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return unix.ENOTDIR
	case info.Mode().Perm()&0o022 != 0:
		return errShared
	}
	return nil
}

func (disk) Names(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, err
}

func (disk) Open(path string, flag int) (File, error) {
	// Without O_NONBLOCK a pipe that somebody put there would hold the daemon up for ever.
	f, err := os.OpenFile(path, flag|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if errors.Is(err, syscall.ELOOP) {
		return nil, errIrregular
	}
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(errIrregular, err, f.Close())
	}
	return f, nil
}

func (disk) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (disk) Free(dir string) (uint64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return st.Bavail * uint64(st.Bsize), nil
}

// reason returns what may be shown of an error of an FS: the words of the kernel's error number, or our own.
func reason(err error) string {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error()
	}
	for _, known := range []error{errIrregular, errShared, errShort} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return "the disk failed"
}
