package journaltest

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/capakraken/fairlead/internal/journal"
)

// MakeDir makes dir, durably.
func (d *Disk) MakeDir(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return syscall.EIO
	}
	d.dirs[dir] = true
	return nil
}

// Names returns the names in dir.
func (d *Disk) Names(dir string) ([]string, error) {
	_, err := d.ask(Op{Verb: Names, Path: dir})
	defer d.mu.Unlock()
	if err == nil && !d.dirs[dir] {
		err = syscall.ENOENT
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, path := range slices.Sorted(maps.Keys(d.names)) {
		if filepath.Dir(path) == dir {
			names = append(names, filepath.Base(path))
		}
	}
	return names, nil
}

// Stamp returns the stamp of a file.
func (d *Disk) Stamp(path string) (journal.Stamp, int64, error) {
	_, err := d.ask(Op{Verb: Stamp, Path: path})
	defer d.mu.Unlock()
	n := d.names[path]
	if err == nil && n == nil {
		err = syscall.ENOENT
	}
	if err != nil {
		return journal.Stamp{}, 0, err
	}
	return n.stamp, n.allocated(), nil
}

// Free returns the bytes that are left.
func (d *Disk) Free(dir string) (uint64, error) {
	_, err := d.ask(Op{Verb: Free, Path: dir})
	defer d.mu.Unlock()
	if err != nil {
		return 0, err
	}
	if d.room < 0 {
		return 1 << 40, nil
	}
	return uint64(max(0, d.room-d.taken())), nil
}

// Open opens a file, or makes it.
func (d *Disk) Open(path string, flag int) (journal.File, error) {
	if flag&os.O_CREATE == 0 {
		_, err := d.ask(Op{Verb: Open, Path: path, Writes: flag&(os.O_WRONLY|os.O_RDWR) != 0})
		defer d.mu.Unlock()
		if err == nil && d.names[path] == nil {
			err = syscall.ENOENT
		}
		if err != nil {
			return nil, err
		}
		return d.handle(path, flag), nil
	}
	var f journal.File
	err := d.do(Op{Verb: Create, Path: path}, func() error {
		switch {
		case !d.dirs[filepath.Dir(path)]:
			return syscall.ENOENT
		case d.names[path] != nil && flag&os.O_EXCL != 0:
			return syscall.EEXIST
		case d.names[path] == nil:
			d.inodes++
			n := newInode(d.inodes)
			n.touch(d.tick())
			d.rename(filepath.Dir(path), map[string]*inode{path: n})
		}
		f = d.handle(path, flag)
		return nil
	}, d.syncNames(filepath.Dir(path)))
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Rename gives a file another name.
func (d *Disk) Rename(from, to string) error {
	return d.do(Op{Verb: Rename, Path: from, To: to}, func() error {
		n := d.names[from]
		if n == nil {
			return syscall.ENOENT
		}
		n.stamp.Changed = d.tick()
		d.rename(filepath.Dir(to), map[string]*inode{from: nil, to: n})
		return nil
	}, d.syncNames(filepath.Dir(to)))
}

// Remove takes a name away.
func (d *Disk) Remove(path string) error {
	return d.do(Op{Verb: Remove, Path: path}, func() error {
		if d.names[path] == nil {
			return syscall.ENOENT
		}
		d.rename(filepath.Dir(path), map[string]*inode{path: nil})
		return nil
	}, d.syncNames(filepath.Dir(path)))
}

// SyncDir makes the names in dir durable. One that fails leaves it open which are: the next one makes them so, since a
// file system's own journal does not forget as the cache of a file's bytes does.
func (d *Disk) SyncDir(dir string) error {
	return d.do(Op{Verb: SyncDir, Path: dir}, func() error { d.syncNames(dir)(); return nil }, func() {})
}

func (d *Disk) rename(dir string, sets map[string]*inode) {
	c := change{dir: dir, sets: sets}
	set(d.names, c)
	d.pending = append(d.pending, c)
}

// syncNames returns what makes the names in dir durable.
func (d *Disk) syncNames(dir string) func() {
	return func() {
		d.pending = slices.DeleteFunc(d.pending, func(c change) bool {
			if c.dir != dir {
				return false
			}
			set(d.durable, c)
			return true
		})
	}
}
