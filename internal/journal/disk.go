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
	// Stamp returns the stamp of a regular file, and the bytes that are set aside for it on the disk; never through a
	// symbolic link.
	Stamp(path string) (s Stamp, allocated int64, err error)
	// Rename gives a file another name in its directory, in the place of the file that had it.
	Rename(from, to string) error
	// Remove takes a name away.
	Remove(path string) error
	// SyncDir makes the names in dir durable.
	SyncDir(dir string) error
	// Free returns the bytes that are left to the daemon on the file system of dir.
	Free(dir string) (uint64, error)
}

// File is one open file.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Sync() error
	// Truncate sets the length, and gives back what was set aside beyond it.
	Truncate(size int64) error
	// Reserve sets space aside for the first size bytes, so that they can be written on a disk that has become full.
	// The length stays as it is. A file system that cannot do that is no error.
	Reserve(size int64) error
}

// Stamp tells whether a file is still the one that it was: whoever writes to it changes its stamp.
type Stamp struct {
	Inode    uint64 `json:"inode"`
	Size     int64  `json:"size"`
	Modified int64  `json:"modified"` // in nanoseconds since 1970, as is Changed
	Changed  int64  `json:"changed"`
}

// What goes wrong without an error number.
var (
	errIrregular = errors.New("it is not a regular file")
	errShort     = errors.New("only a part was written")
	errVanished  = errors.New("what was read from it is not there any more")
	errShared    = errors.New("users other than its owner may write to it; take that away with chmod go-w")
)

// disk is the real FS.
type disk struct{}

func (d disk) MakeDir(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	// Also the name of one that is there: whoever made it may have died before it was durable. What is on a file system
	// that can only be read was durable when it became so.
	if err := d.SyncDir(filepath.Dir(dir)); err != nil && !errors.Is(err, unix.EROFS) {
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

func (disk) Stamp(path string) (Stamp, int64, error) {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return Stamp{}, 0, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return Stamp{}, 0, errIrregular
	}
	return Stamp{Inode: st.Ino, Size: st.Size, Modified: st.Mtim.Nano(), Changed: st.Ctim.Nano()}, st.Blocks * 512, nil
}

func (disk) Rename(from, to string) error { return os.Rename(from, to) }

func (disk) Remove(path string) error { return os.Remove(path) }

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
	return diskFile{f}, nil
}

// diskFile is a file of the real FS.
type diskFile struct{ *os.File }

func (f diskFile) Reserve(size int64) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		for failed = unix.EINTR; failed == unix.EINTR; { // a signal came; what was set aside until then stays
			failed = unix.Fallocate(int(fd), unix.FALLOC_FL_KEEP_SIZE, 0, size)
		}
	})
	if failed == unix.EOPNOTSUPP || failed == unix.ENOSYS {
		failed = nil
	}
	return errors.Join(err, failed)
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
	for _, known := range []error{errIrregular, errShared, errShort, errVanished} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return "the disk failed"
}
