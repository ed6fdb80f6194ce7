package journaltest

import (
	"io"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/capakraken/fairlead/internal/journal"
)

// sector is the number of bytes that reach the platter together or not at all.
const sector = 512

// inode is a file, whatever its name. The kernel shows cached; the platter holds what is durable. In between stand, for
// each sector, the versions that were written since the last sync, of which any may reach the platter, and likewise the
// lengths.
type inode struct {
	cached   []byte
	versions map[int][][]byte // of dirty sectors, oldest first; each sector long
	lengths  []int
	lost     map[int]bool // sectors that a failed sync left marked as clean, though they are not on the platter
	platter  map[int][]byte
	length   int   // on the platter
	reserved int64 // bytes set aside from the beginning on

	stamp, durable journal.Stamp
}

func newInode(number uint64) *inode {
	n := &inode{versions: map[int][][]byte{}, lost: map[int]bool{}, platter: map[int][]byte{}}
	n.stamp.Inode, n.durable.Inode = number, number
	return n
}

// touch notes that the file was changed at a time.
func (n *inode) touch(now int64) {
	n.stamp.Size, n.stamp.Modified, n.stamp.Changed = int64(len(n.cached)), now, now
}

// allocated returns the bytes that are set aside on the disk.
func (n *inode) allocated() int64 {
	return (max(n.reserved, int64(len(n.cached))) + sector - 1) / sector * sector
}

// shown returns sector s as the kernel shows it, with zeros behind the end.
func (n *inode) shown(s int) []byte {
	b := make([]byte, sector)
	if at := s * sector; at < len(n.cached) {
		copy(b, n.cached[at:])
	}
	return b
}

// stored returns sector s as it is on the platter.
func (n *inode) stored(s int) []byte {
	if b := n.platter[s]; b != nil {
		return b
	}
	return make([]byte, sector)
}

// dirty notes the sectors of the bytes from one offset to another as they are now.
func (n *inode) dirty(from, to int) {
	for s := from / sector; s*sector < to; s++ {
		n.versions[s] = append(n.versions[s], n.shown(s))
		delete(n.lost, s) // the whole sector is written again
	}
}

func (n *inode) read(b []byte, at int64) (int, error) {
	if at >= int64(len(n.cached)) {
		if len(b) == 0 {
			return 0, nil
		}
		return 0, io.EOF
	}
	k := copy(b, n.cached[at:])
	if k < len(b) {
		return k, io.EOF
	}
	return k, nil
}

func (n *inode) write(b []byte, at int) {
	end, old := at+len(b), len(n.cached)
	if end > old {
		n.cached = append(n.cached, make([]byte, end-old)...)
		n.lengths = append(n.lengths, end)
	}
	copy(n.cached[at:], b)
	n.dirty(at, end)
}

func (n *inode) truncate(size int) {
	old := len(n.cached)
	if size > old {
		n.cached = append(n.cached, make([]byte, size-old)...)
	} else {
		n.cached = slices.Clip(n.cached[:size])
		n.dirty(size, old) // the end of its sector, and all behind it, read as zeros
	}
	if size != old {
		n.lengths = append(n.lengths, size)
	}
	n.reserved = 0
}

// sync brings everything to the platter. What an earlier failed sync has lost is not dirty any more, and stays lost.
func (n *inode) sync() {
	for s, versions := range n.versions {
		n.platter[s] = versions[len(versions)-1]
	}
	n.length = len(n.cached)
	maps.DeleteFunc(n.platter, func(s int, _ []byte) bool { return s*sector >= n.length })
	clear(n.versions)
	n.lengths, n.durable = nil, n.stamp
}

// fail is a sync that failed: some of what was dirty has reached the platter, and the rest is forgotten.
func (n *inode) fail(r *rand.Rand) {
	for _, s := range slices.Sorted(maps.Keys(n.versions)) {
		n.settle(s, r)
		if !slices.Equal(n.stored(s), n.shown(s)) {
			n.lost[s] = true
		}
	}
	clear(n.versions)
}

// settle lets one version of sector s reach the platter, or none.
func (n *inode) settle(s int, r *rand.Rand) {
	versions := n.versions[s]
	if i := r.IntN(len(versions) + 1); i > 0 {
		n.platter[s] = versions[i-1]
	}
}

// evict drops lost sectors from the cache: the kernel reads them from the platter again.
func (n *inode) evict() {
	for s := range n.lost {
		if at := s * sector; at < len(n.cached) {
			copy(n.cached[at:], n.stored(s))
		}
	}
	clear(n.lost)
}

// afterPowerCut returns the file as it is found when the power is back.
func (n *inode) afterPowerCut(r *rand.Rand) *inode {
	for _, s := range slices.Sorted(maps.Keys(n.versions)) {
		n.settle(s, r)
	}
	length := n.length
	if candidates := append([]int{n.length}, n.lengths...); len(candidates) > 1 {
		length = candidates[r.IntN(len(candidates))]
		if low, high := slices.Min(candidates), slices.Max(candidates); r.IntN(2) == 0 {
			length = low + r.IntN(high-low+1) // the kernel wrote a part of it, and then the length
		}
	}
	after := newInode(n.stamp.Inode)
	after.put(n.bytes(length))
	after.reserved = n.reserved
	after.stamp = n.durable
	if r.IntN(2) == 0 {
		after.stamp = n.stamp
	}
	after.stamp.Size = int64(length)
	after.durable = after.stamp
	return after
}

// bytes returns the first bytes of what is on the platter.
func (n *inode) bytes(length int) []byte {
	b := make([]byte, length)
	for s, stored := range n.platter {
		if at := s * sector; at < length {
			copy(b[at:], stored)
		}
	}
	return b
}

// put makes b the content, on the platter as well.
func (n *inode) put(b []byte) {
	n.cached = b
	clear(n.versions)
	clear(n.lost)
	n.dirty(0, len(b))
	n.sync()
}
