package journaltest

import (
	"os"
	"syscall"

	"github.com/capakraken/fairlead/internal/journal"
)

// file is an open file. Closing it syncs nothing.
type file struct {
	d      *Disk
	n      *inode
	path   string // that it was opened by
	closed bool   // guarded by the disk's mutex
	sealed bool   // opened to be read only
}

var _ journal.File = (*file)(nil)

// handle opens the file at path. The caller holds mu.
func (d *Disk) handle(path string, flag int) *file {
	n := d.names[path]
	d.forget(n)
	if flag&os.O_TRUNC != 0 && len(n.cached) > 0 {
		n.truncate(0)
		n.touch(d.tick())
	}
	return &file{d: d, n: n, path: path, sealed: flag&(os.O_WRONLY|os.O_RDWR) == 0}
}

// forget lets the kernel drop what a failed sync has lost, now and then.
func (d *Disk) forget(n *inode) {
	if len(n.lost) > 0 && d.chance.IntN(4) == 0 {
		n.evict()
	}
}

// change does a change to the file.
func (f *file) change(op Op, change func() error) error {
	op.Path = f.path
	return f.d.do(op, func() error {
		switch {
		case f.closed:
			return os.ErrClosed
		case f.sealed:
			return syscall.EBADF
		}
		return change()
	}, f.n.sync)
}

func (f *file) ReadAt(b []byte, at int64) (int, error) {
	_, err := f.d.ask(Op{Verb: Read, Path: f.path, Offset: at, Length: int64(len(b))})
	defer f.d.mu.Unlock()
	if err == nil && f.closed {
		err = os.ErrClosed
	}
	if err != nil {
		return 0, err
	}
	f.d.forget(f.n)
	return f.n.read(b, at)
}

func (f *file) WriteAt(b []byte, at int64) (int, error) {
	op := Op{Verb: Write, Path: f.path, Offset: at, Length: int64(len(b))}
	h, plain := f.d.ask(op)
	defer f.d.mu.Unlock()
	switch {
	case f.d.dead || plain != nil && !h.after && !h.half:
		return 0, plain
	case f.closed:
		return 0, os.ErrClosed
	case f.sealed:
		return 0, syscall.EBADF
	case h.half:
		b = b[:len(b)/2]
	}
	if more := max(0, at+int64(len(b))-f.n.allocated()); !f.d.fits(more) {
		left := max(0, f.d.room-f.d.taken()) + f.n.allocated() - at
		b, plain = b[:max(0, min(left, int64(len(b))))], syscall.ENOSPC
	}
	if len(b) > 0 {
		f.n.write(b, int(at))
		f.n.touch(f.d.tick())
	}
	if h.after {
		f.n.sync()
	}
	return len(b), plain
}

// Sync makes the bytes and the length durable. One that fails makes a part of them so, and forgets the rest.
func (f *file) Sync() error {
	h, plain := f.d.ask(Op{Verb: Sync, Path: f.path})
	defer f.d.mu.Unlock()
	switch {
	case f.d.dead:
		return plain
	case f.closed:
		return os.ErrClosed
	case plain != nil && !h.after:
		f.n.fail(f.d.chance)
		return plain
	}
	f.n.sync()
	return plain
}

func (f *file) Truncate(size int64) error {
	return f.change(Op{Verb: Truncate, Length: size}, func() error {
		f.n.truncate(int(size))
		f.n.touch(f.d.tick())
		return nil
	})
}

func (f *file) Reserve(size int64) error {
	return f.change(Op{Verb: Reserve, Length: size}, func() error {
		var err error
		if more := max(0, size-f.n.allocated()); !f.d.fits(more) {
			size = f.n.allocated() + max(0, f.d.room-f.d.taken())/sector*sector // what there is, is given all the same
			err = syscall.ENOSPC
		}
		f.n.reserved = max(f.n.reserved, size)
		f.n.stamp.Changed = f.d.tick()
		return err
	})
}

func (f *file) Close() error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if f.closed {
		return os.ErrClosed
	}
	f.closed = true
	return nil
}
