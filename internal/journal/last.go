package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"slices"
	"syscall"

	"github.com/capakraken/fairlead/internal/failpoint"
	"github.com/capakraken/fairlead/internal/fault"
)

// excess is what may be set aside for a sealed segment without being given back: the file system's own rounding.
const excess = 16 << 10

// survey follows every segment but those that the snapshot answers for. It takes the stamp of each sealed one before
// it reads it: who writes to it after that changes it.
func (j *Journal) survey() (walker, error) {
	w := walker{fs: j.options.FS, dir: j.options.Dir, chain: newChain(), readers: j.options.readers}
	j.seals = nil
	if s := j.trusted; s != nil {
		w.chain, w.mark = s.end.clone(), s.seq
		j.seals = slices.Clone(s.seals)
	}
	if len(j.segments) == 0 {
		return w, nil
	}
	last := len(j.segments) - 1
	rest := j.segments[len(j.seals):last]
	for _, first := range rest {
		stamp, _, _ := w.fs.Stamp(j.path(first)) // what has no stamp is read all the same, and then found out
		j.seals = append(j.seals, seal{first, stamp})
	}
	if err := w.sweep(rest); err != nil {
		return w, err
	}
	_, err := w.segment(j.segments[last], true, all)
	return w, err
}

// ready opens the segment to append to, where w ended. It changes nothing yet; see able. Where the file system can only be
// read, the journal has failed from the beginning, and Recover tries again.
func (j *Journal) ready(w *walker) error {
	if len(j.segments) == 0 {
		j.settled = true
		return j.begin(1, 0)
	}
	last := j.segments[len(j.segments)-1]
	f, err := j.options.FS.Open(j.path(last), os.O_RDWR)
	if errors.Is(err, syscall.EROFS) {
		_ = j.unwritten(err) // whoever appends is told
		f, err = j.options.FS.Open(j.path(last), os.O_RDONLY)
	}
	if err != nil {
		return err
	}
	w.buf = nil // it is large
	j.file, j.size, j.reserved, j.unsettled = f, w.end, j.setAside(last), w
	j.inode = j.inodeOf(last)
	return nil
}

// able makes ready for the first change since Open, and returns why nothing can be changed. The caller holds appending.
func (j *Journal) able() error {
	if err := j.Failed(); err != nil {
		return err
	}
	if err := j.there(); err != nil {
		return err
	}
	if j.unsettled == nil {
		return nil
	}
	if n := len(j.seals); n > 0 && (j.trusted == nil || n > len(j.trusted.seals)) {
		stamp := j.giveBack(j.seals[n-1].First, j.seals[n-1].Stamp) // perhaps it did not come to that
		j.mu.Lock()
		j.seals[n-1].Stamp = stamp
		j.mu.Unlock()
	}
	if err := j.settle(j.file, j.unsettled); err != nil {
		return j.unwritten(err)
	}
	j.unsettled = nil
	j.mu.Lock()
	defer j.mu.Unlock()
	j.settled = true
	return nil
}

// there returns a fault, now and ever after, when the last segment's name is gone or names another file: the directory was
// deleted, or restored from a copy, while the daemon ran. What is written then would be lost with the daemon.
func (j *Journal) there() error {
	path := j.path(j.segments[len(j.segments)-1])
	now, _, err := j.options.FS.Stamp(path)
	if err != nil && !errors.Is(err, syscall.ENOENT) || err == nil && (now.Inode == j.inode || j.inode == 0) {
		return nil // what else is wrong with the disk shows in the write
	}
	err = fault.New(fault.Difference,
		"%s was removed or replaced while the daemon ran, so nothing more is recorded or done; bring the journal back, or leave what is there, and start the daemon again: it holds the host against it", path)
	j.fail(err, true)
	return err
}

// inodeOf returns what tells the segment's file from another of its name; 0 where that cannot be told.
func (j *Journal) inodeOf(first uint64) uint64 {
	s, _, err := j.options.FS.Stamp(j.path(first))
	if err != nil {
		return 0
	}
	return s.Inode
}

// settle makes durable what w read, and cuts off the torn end if there is one. The last line is written anew, with the
// same bytes: after a sync that failed it may stand only in the kernel's cache, marked as clean, and another sync alone
// would not bring it to the disk. For the same reason it may be gone from there by now; then it is not what w read.
func (j *Journal) settle(f File, w *walker) error {
	if w.tear != nil {
		if err := f.Truncate(w.end); err != nil {
			return err
		}
		failpoint.Hit(failpoint.TearCut)
	}
	if j.reserved > w.end && f.Reserve(j.reserved) != nil { // it was given back with the end, perhaps by an earlier try
		j.reserved = 0
	}
	line := make([]byte, w.end-w.last)
	if _, err := f.ReadAt(line, w.last); err != nil {
		return err
	}
	if content, whole := bytes.CutSuffix(line, []byte("\n")); len(line) > 0 && (!whole || !bytes.Equal(hash(content), w.chain.hash)) {
		return errVanished
	}
	if err := write(f, line, w.last); err != nil {
		return err
	}
	failpoint.Hit(failpoint.TailSettled)
	return j.options.FS.SyncDir(j.options.Dir)
}

// setAside returns how long a segment may become within what is set aside for it; 0 where that is next to nothing.
func (j *Journal) setAside(first uint64) int64 {
	s, allocated, err := j.options.FS.Stamp(j.path(first))
	if err != nil || allocated-s.Size <= excess {
		return 0
	}
	return allocated
}

// begin makes the segment whose first record will be seq, durably, with room set aside for it, and turns to it.
func (j *Journal) begin(seq uint64, room int64) error {
	f, err := j.options.FS.Open(j.path(seq), os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	failpoint.Hit(failpoint.SegmentCreated)
	if room > 0 {
		err = f.Reserve(room)
	}
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = j.options.FS.SyncDir(j.options.Dir)
	}
	if err != nil {
		_ = f.Close() // the first error counts
		return err
	}
	failpoint.Hit(failpoint.SegmentNamed)
	j.turn(f, seq, room)
	return nil
}

// turn makes f, which is empty, the segment to append to, and seals the one before.
func (j *Journal) turn(f File, first uint64, room int64) {
	var sealed []seal
	if n := len(j.segments); n > 0 {
		_ = j.file.Close() // every line in it has been synced
		before := j.segments[n-1]
		stamp, _, _ := j.options.FS.Stamp(j.path(before))
		if stamp.Size != j.size {
			stamp = Stamp{} // somebody else was at it: no snapshot shall answer for it
		}
		sealed = []seal{{before, j.giveBack(before, stamp)}}
	}
	j.file, j.size, j.reserved, j.full = f, 0, room, false
	j.inode = j.inodeOf(first)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.segments, j.seals, j.base = append(j.segments, first), append(j.seals, sealed...), j.chain.clone()
}

// giveBack returns to the disk what was set aside for a sealed segment and not used, and the stamp that the segment has
// then. What cannot be given back is lost to others, and to nobody else.
func (j *Journal) giveBack(first uint64, stamp Stamp) Stamp {
	now, allocated, err := j.options.FS.Stamp(j.path(first))
	if err != nil || now != stamp || allocated-stamp.Size <= excess {
		return stamp
	}
	f, err := j.options.FS.Open(j.path(first), os.O_RDWR)
	if err != nil {
		return stamp
	}
	defer func() { _ = f.Close() }() // it was synced
	if f.Truncate(stamp.Size) != nil || f.Sync() != nil {
		return Stamp{}
	}
	now, _, err = j.options.FS.Stamp(j.path(first))
	if err != nil || now.Inode != stamp.Inode || now.Size != stamp.Size {
		return Stamp{}
	}
	return now
}

// hash returns the SHA-256 of a line without its line feed, in hexadecimal.
func hash(line []byte) []byte {
	sum := sha256.Sum256(line)
	return hex.AppendEncode(nil, sum[:])
}
