// Package journaltest has a disk in memory for the tests of whoever keeps a journal. It loses what a real one may lose:
// at a power cut, what was not synced; at a failed sync, what the kernel then takes for written.
package journaltest

import (
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/capakraken/fairlead/internal/journal"
)

// Disk is a journal.FS in memory. What is left to chance in a real one is decided by the seed, so that the same
// operations in the same order give the same again. It is safe for concurrent use.
type Disk struct {
	asking sync.Mutex
	hook   func(Op) error
	number int // of changes

	mu      sync.Mutex
	chance  *rand.Rand
	dead    bool
	dirs    map[string]bool
	names   map[string]*inode // as the kernel shows them
	durable map[string]*inode
	pending []change // of names, since their directory was synced; oldest first
	inodes  uint64   // how many were made
	now     int64    // of the disk's clock, which every change moves on
	room    int64    // bytes that all files together may take; negative for as many as they like
}

var _ journal.FS = (*Disk)(nil)

// change is one change of names. It reaches the platter as a whole or not at all.
type change struct {
	dir  string
	sets map[string]*inode // nil for a name that is taken away
}

// New returns an empty disk.
func New(seed uint64) *Disk {
	return &Disk{chance: rand.New(rand.NewPCG(seed, 1)), dirs: map[string]bool{}, names: map[string]*inode{}, durable: map[string]*inode{}, room: -1}
}

// Fail has hook asked before every operation from now on; nil ends that. An error makes the operation fail: it is then
// not done, but for a sync, of which some part may be; see After and Half. The hook may be called by several goroutines
// at once, and may call the disk's methods.
func (d *Disk) Fail(hook func(Op) error) {
	d.asking.Lock()
	defer d.asking.Unlock()
	d.hook = hook
}

// Changes returns how many operations that change something were asked for.
func (d *Disk) Changes() int {
	d.asking.Lock()
	defer d.asking.Unlock()
	return d.number
}

// Limit leaves so many free bytes on the disk from now on; a negative number leaves as many as anybody likes.
func (d *Disk) Limit(free int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.room = -1
	if free >= 0 {
		d.room = d.taken() + free
	}
}

// Kill returns the disk as it is found after a kill -9: what the kernel was given is there, though not durable for that.
// The old disk, and every file that was opened on it, is dead.
func (d *Disk) Kill() *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	after := &Disk{number: d.Changes(), chance: d.chance, dirs: d.dirs, names: d.names, durable: d.durable, pending: d.pending, inodes: d.inodes,
		now: d.now, room: d.room}
	d.die()
	return after
}

// PowerCut returns the disk as it is found when the power is back. Of what was not synced, any part may be there: each
// sector, each length, each name. The old disk, and every file that was opened on it, is dead.
func (d *Disk) PowerCut() *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	after := New(0)
	after.number, after.chance, after.dirs, after.inodes, after.now, after.room = d.Changes(), d.chance, d.dirs, d.inodes, d.now, d.room
	for _, c := range d.pending {
		if d.chance.IntN(2) == 0 {
			set(d.durable, c)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(d.durable)) {
		n := d.durable[path].afterPowerCut(d.chance)
		after.names[path], after.durable[path] = n, n
	}
	d.die()
	return after
}

func (d *Disk) die() {
	d.dead = true
	d.dirs, d.names, d.durable, d.pending = nil, nil, nil, nil
}

func set(names map[string]*inode, c change) {
	for path, n := range c.sets {
		if names[path] = n; n == nil {
			delete(names, path)
		}
	}
}

// Put makes a durable file with these bytes, in the place of the one that was there.
func (d *Disk) Put(path string, content []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inodes++
	n := newInode(d.inodes)
	n.cached = slices.Clone(content)
	n.touch(d.tick())
	n.put(n.cached)
	d.dirs[filepath.Dir(path)] = true
	set(d.names, change{sets: map[string]*inode{path: n}})
	d.durable[path] = n
}

// Content returns what the kernel shows of a file; nil where there is none.
func (d *Disk) Content(path string) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := d.names[path]; n != nil {
		return append([]byte{}, n.cached...)
	}
	return nil
}

// Joined returns what the kernel shows of the files in dir whose names end in suffix, one after the other.
func (d *Disk) Joined(dir, suffix string) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []byte
	for _, path := range slices.Sorted(maps.Keys(d.names)) {
		if filepath.Dir(path) == dir && strings.HasSuffix(path, suffix) {
			out = append(out, d.names[path].cached...)
		}
	}
	return out
}

// Rot changes a file behind the file system's back, as a bad disk does, or somebody who sets the clock back: its stamp
// stays. Both the kernel and the platter have the new bytes.
func (d *Disk) Rot(path string, change func([]byte) []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.names[path]
	stamp := n.stamp
	n.put(change(slices.Clone(n.cached)))
	n.stamp, n.durable = stamp, stamp
}

// Erase takes a name away, durably; the stamps of all other files stay.
func (d *Disk) Erase(path string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.names, path)
	delete(d.durable, path)
}

func (d *Disk) tick() int64 {
	d.now += 1000
	return d.now
}

func (d *Disk) taken() int64 {
	sum := int64(0)
	for _, n := range d.names {
		sum += n.allocated()
	}
	return sum
}

// fits tells whether so many bytes more can be taken.
func (d *Disk) fits(more int64) bool { return d.room < 0 || d.taken()+more <= d.room }

// ask puts an operation to the hook, and returns how it must fail, and with which error. Where there is none, or it
// is done before it fails, the caller holds mu and goes on.
func (d *Disk) ask(op Op) (h how, plain error) {
	d.asking.Lock()
	if op.Verb.Changes() {
		d.number++
	}
	op.Number = d.number
	hook := d.hook
	d.asking.Unlock()
	if hook != nil {
		h, plain = verdict(hook(op))
	}
	d.mu.Lock()
	if d.dead {
		return how{}, syscall.EIO
	}
	return h, plain
}

// do does a change of one kind: change makes it, and make makes it durable.
func (d *Disk) do(op Op, change func() error, durably func()) error {
	h, plain := d.ask(op)
	defer d.mu.Unlock()
	if plain != nil && !h.after {
		return plain
	}
	if err := change(); err != nil {
		return err
	}
	if h.after {
		durably()
	}
	return plain
}
