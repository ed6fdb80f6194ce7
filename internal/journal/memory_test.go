package journal

import (
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// memory is a disk that can fail and lose power. It keeps what the kernel shows apart from what is durable, and, as
// the kernel does, forgets what was dirty when a sync fails.
type memory struct {
	files   map[string]*memoryFile
	durable map[string]*memoryFile      // names that a SyncDir has seen
	before  func(op, path string) error // called before each change; an error makes it fail
}

type memoryFile struct {
	m              *memory
	path           string
	cached, synced []byte
	dirty          []bool // of the bytes of cached
}

func newMemory() *memory {
	return &memory{files: map[string]*memoryFile{}, durable: map[string]*memoryFile{}}
}

func (m *memory) change(op, path string) error {
	if m.before == nil {
		return nil
	}
	return m.before(op, path)
}

// powerCut returns the disk after the power came back: what was not synced is gone, but for the first kept bytes of
// what was written to each file since, of which the first zeroed read as zeros.
func (m *memory) powerCut(kept, zeroed int) *memory {
	after := newMemory()
	for path, f := range m.durable {
		b := slices.Clone(f.synced)
		if pending := len(f.cached) - len(b); pending > 0 {
			n := min(kept, pending)
			tail := slices.Clone(f.cached[len(b) : len(b)+n])
			clear(tail[:min(zeroed, n)])
			b = append(b, tail...)
		}
		after.put(path, b)
	}
	return after
}

// put makes a durable file.
func (m *memory) put(path string, b []byte) {
	f := &memoryFile{m: m, path: path, cached: b, synced: slices.Clone(b), dirty: make([]bool, len(b))}
	m.files[path], m.durable[path] = f, f
}

func (m *memory) MakeDir(string) error { return nil }

func (m *memory) Names(dir string) ([]string, error) {
	var names []string
	for _, path := range slices.Sorted(maps.Keys(m.files)) {
		if name, ok := strings.CutPrefix(path, dir+"/"); ok {
			names = append(names, name)
		}
	}
	return names, nil
}

func (m *memory) Open(path string, flag int) (File, error) {
	f, ok := m.files[path]
	if flag&os.O_CREATE == 0 {
		if !ok {
			return nil, syscall.ENOENT
		}
		return f, nil
	}
	if err := m.change("create", path); err != nil {
		return nil, err
	}
	if ok {
		return nil, syscall.EEXIST
	}
	m.files[path] = &memoryFile{m: m, path: path}
	return m.files[path], nil
}

func (m *memory) SyncDir(dir string) error {
	if err := m.change("syncdir", dir); err != nil {
		return err
	}
	for path, f := range m.files {
		if filepath.Dir(path) == dir {
			m.durable[path] = f
		}
	}
	return nil
}

func (m *memory) Free(string) (uint64, error) { return 1 << 30, m.change("free", "") }

func (f *memoryFile) ReadAt(b []byte, at int64) (int, error) {
	if at >= int64(len(f.cached)) {
		if len(b) == 0 {
			return 0, nil
		}
		return 0, io.EOF
	}
	n := copy(b, f.cached[at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt writes half of b when it is made to fail, as a full disk does.
func (f *memoryFile) WriteAt(b []byte, at int64) (int, error) {
	err := f.m.change("write", f.path)
	if err != nil {
		b = b[:len(b)/2]
	}
	if grow := int(at) + len(b) - len(f.cached); grow > 0 {
		f.cached = append(f.cached, make([]byte, grow)...)
		f.dirty = append(f.dirty, make([]bool, grow)...)
	}
	copy(f.cached[at:], b)
	for i := range b {
		f.dirty[int(at)+i] = true
	}
	return len(b), err
}

func (f *memoryFile) Sync() error {
	err := f.m.change("sync", f.path)
	if err == nil {
		next := make([]byte, len(f.cached))
		copy(next, f.synced)
		for i, dirty := range f.dirty {
			if dirty {
				next[i] = f.cached[i]
			}
		}
		f.synced = next
	}
	clear(f.dirty)
	return err
}

func (f *memoryFile) Truncate(size int64) error {
	if err := f.m.change("truncate", f.path); err != nil {
		return err
	}
	f.cached, f.dirty = f.cached[:size], f.dirty[:size]
	return nil
}

func (f *memoryFile) Close() error { return nil }
