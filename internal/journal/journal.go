// Package journal is the append-only log that is both the write-ahead log of the state machine and the audit log. It
// knows records, not rollouts.
//
// A record is one canonical JSON line. It names the SHA-256 of the line before it, so that a change anywhere breaks
// the chain from there on, and carries a checksum of its own. The lines stand in segments, files that are named after
// their first record. The exact bytes of a line are also the leaf of a later Merkle tree (RFC 6962): the format of
// version 1 never changes.
//
// The chain proves order and wholeness up to its head and no more: somebody who may write the files can cut the end
// off, or write a whole new chain. Only a head that was noted elsewhere shows that.
package journal

import (
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
)

// DefaultSegmentBytes is the length at which a segment is full unless Options says otherwise.
const DefaultSegmentBytes = 64 << 20

// Options is what Open needs.
type Options struct {
	Dir          string           // required; made with mode 0700 if it is not there, its parent must be
	SegmentBytes int64            // length at which a segment is full; 0 for DefaultSegmentBytes
	Now          func() time.Time // nil for time.Now
	FS           FS               // nil for the real disk
}

// withDefaults returns o complete, or what is wrong with it.
func (o Options) withDefaults() (Options, error) {
	switch {
	case o.Dir == "":
		return o, fault.New(fault.Internal, "the journal needs a directory")
	case o.SegmentBytes < 0:
		return o, fault.New(fault.Internal, "the journal's segments cannot have %d bytes", o.SegmentBytes)
	case o.SegmentBytes == 0:
		o.SegmentBytes = DefaultSegmentBytes
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.FS == nil {
		o.FS = disk{}
	}
	return o, nil
}

// Journal is an open journal. Its methods are safe for concurrent use. There must be only one for a directory at a
// time; whoever opens it holds a lock for that.
type Journal struct {
	options Options
	tear    *Tear

	appending sync.Mutex // held through the write and its sync, which may take long on a bad disk
	file      File       // the last segment
	size      int64      // of its sound lines

	mu       sync.Mutex // guards what follows, never held through I/O; written only with appending held as well
	segments []uint64
	chain    chain // what is durable
	failed   error
}

// Open verifies the whole journal in o.Dir, or begins one, and makes it ready to append. A torn end is cut off, see
// Repaired; any other damage is an error of kind Difference, and nothing is changed.
func Open(o Options) (*Journal, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := o.FS.MakeDir(o.Dir); err != nil {
		return nil, fault.Hide(err, fault.Unavailable, "cannot use the journal's directory %s: %s", o.Dir, reason(err))
	}
	firsts, err := segments(o.FS, o.Dir)
	if err != nil {
		return nil, err
	}
	w := walker{fs: o.FS, dir: o.Dir, chain: newChain()}
	if err := w.walk(firsts, func(*view) bool { return true }); err != nil {
		return nil, err
	}
	j := &Journal{options: o, tear: w.tear, segments: firsts, chain: w.chain, size: w.end}
	if err := j.ready(w.last); err != nil {
		return nil, fault.Hide(err, fault.Unavailable,
			"cannot write the journal in %s: %s; its sound records are untouched", o.Dir, reason(err))
	}
	return j, nil
}

// ready opens the segment to append to. last is where the last sound line starts.
func (j *Journal) ready(last int64) error {
	if len(j.segments) == 0 {
		return j.begin(1)
	}
	f, err := j.options.FS.Open(j.path(j.segments[len(j.segments)-1]), os.O_RDWR)
	if err != nil {
		return err
	}
	if err := j.settle(f, last); err != nil {
		_ = f.Close() // the first error counts
		return err
	}
	j.file = f
	return nil
}

// settle makes durable what was read, and cuts off the torn end if there is one. The last line is written anew, with
// the same bytes: after a sync that failed it may stand only in the kernel's cache, marked as clean, and another sync
// alone would not bring it to the disk.
func (j *Journal) settle(f File, last int64) error {
	if j.tear != nil {
		if err := f.Truncate(j.size); err != nil {
			return err
		}
	}
	line := make([]byte, j.size-last)
	if _, err := f.ReadAt(line, last); err != nil {
		return err
	}
	if err := write(f, line, last); err != nil {
		return err
	}
	return j.options.FS.SyncDir(j.options.Dir)
}

// begin makes the segment whose first record will be seq, durably, and turns to it.
func (j *Journal) begin(seq uint64) error {
	f, err := j.options.FS.Open(j.path(seq), os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	if err = f.Sync(); err == nil {
		err = j.options.FS.SyncDir(j.options.Dir)
	}
	if err != nil {
		_ = f.Close() // the first error counts
		return err
	}
	if j.file != nil {
		_ = j.file.Close() // every line in it has been synced
	}
	j.file, j.size = f, 0
	j.mu.Lock()
	defer j.mu.Unlock()
	j.segments = append(j.segments, seq)
	return nil
}

func (j *Journal) path(first uint64) string { return filepath.Join(j.options.Dir, segmentName(first)) }

// Repaired returns what Open cut off the end, or nil. The owner records it.
func (j *Journal) Repaired() *Tear { return j.tear }

// Head returns the sequence number of the last durable record and the hash of its line in hexadecimal; 0 and zeros
// before the first.
func (j *Journal) Head() (seq uint64, hash string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.chain.seq, string(j.chain.hash)
}

// Failed returns why nothing can be appended any more, or nil.
func (j *Journal) Failed() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.failed
}

// Space returns the bytes that are left to the daemon on the journal's file system.
func (j *Journal) Space() (free uint64, err error) {
	free, err = j.options.FS.Free(j.options.Dir)
	if err != nil {
		return 0, fault.Hide(err, fault.Unavailable, "cannot tell the free space for the journal in %s: %s", j.options.Dir, reason(err))
	}
	return free, nil
}

// Close waits for an append that is under way and ends the journal: later appends fail. It may be called twice.
func (j *Journal) Close() error {
	j.appending.Lock()
	defer j.appending.Unlock()
	if j.file == nil {
		return nil
	}
	err := j.file.Close()
	j.file = nil
	j.fail(fault.New(fault.Unavailable, "the journal is closed; nothing was written"))
	if err != nil {
		return fault.Hide(err, fault.Unavailable, "cannot close the journal: %s", reason(err))
	}
	return nil
}
