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
	"path/filepath"
	"sync"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
)

// DefaultSegmentBytes is the length at which a segment is full unless Options says otherwise. A start reads no more
// than that again, however long the history is.
const DefaultSegmentBytes = 16 << 20

// Options is what Open needs.
type Options struct {
	Dir          string           // required; made with mode 0700 if it is not there, its parent must be
	SegmentBytes int64            // length at which a segment is full, unless room is set aside; 0 for DefaultSegmentBytes
	Now          func() time.Time // nil for time.Now
	FS           FS               // nil for the real disk

	readers int // how many segments are read at a time; 0 for as many as there are processors
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
	tear    *Tear     // that Open found
	trusted *snapshot // that Open relied on; nil for none

	saving sync.Mutex // held while a snapshot is written
	damage error      // what CheckTrusted has found; guarded by saving

	appending sync.Mutex // held through the write and its sync, which may take long on a bad disk
	closed    bool
	file      File    // the last segment
	inode     uint64  // of that file; 0 where it could not be told
	size      int64   // of its sound lines
	reserved  int64   // how long it may become within what is set aside for it; of no meaning below size
	unsettled *walker // where Open ended, until the first change
	offered   []byte  // the line whose append failed: it may stand on the disk all the same
	full      bool    // the last segment, and the next could not be begun
	cut       *Tear   // what Recover has cut off since the last append

	mu       sync.Mutex // guards what follows, never held through I/O; written only with appending held as well
	segments []uint64
	seals    []seal // of each segment but the last
	base     chain  // before the last segment
	chain    chain  // what is durable, once it is settled
	settled  bool   // what Open read is known to be durable
	failed   error
	forGood  bool // Recover does not help
}

// Open makes the journal in o.Dir ready to append, or begins one. It verifies all of it, but for those segments that a
// sound snapshot names and that nobody has written to since; see CheckTrusted. Damage is an error of kind Difference; a
// torn end is none, see Repaired. What is there is not changed before the first append. On a file system that can only be
// read the journal can be read, and has Failed.
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
	j := &Journal{options: o, segments: firsts, trusted: load(o.FS, o.Dir, firsts)}
	w, err := j.survey()
	if j.trusted != nil && (err != nil || !j.trusted.covers(&w)) {
		j.trusted = nil // in any doubt the journal itself has the word
		w, err = j.survey()
	}
	if err != nil {
		return nil, err
	}
	j.tear, j.base, j.chain = w.tear, w.base, w.chain
	if err := j.ready(&w); err != nil {
		return nil, fault.Hide(err, fault.Unavailable,
			"cannot write the journal in %s: %s; its sound records are untouched", o.Dir, reason(err))
	}
	return j, nil
}

func (j *Journal) path(first uint64) string { return filepath.Join(j.options.Dir, segmentName(first)) }

// Repaired returns the torn end that Open found, or nil. The first append cuts it off; the owner records it.
func (j *Journal) Repaired() *Tear { return j.tear }

// Head returns the sequence number of the last durable record and the hash of its line in hexadecimal; 0 and zeros
// before the first.
func (j *Journal) Head() (seq uint64, hash string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.chain.seq, string(j.chain.hash)
}

// Failed returns why nothing can be appended now, or nil.
func (j *Journal) Failed() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.failed
}

// fail makes err the answer to every later append. The first failure counts, unless one comes that Recover cannot mend.
func (j *Journal) fail(err error, forGood bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failed == nil || forGood && !j.forGood {
		j.failed, j.forGood = err, forGood
	}
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
	if j.closed {
		return nil
	}
	j.closed = true
	j.fail(fault.New(fault.Unavailable, "the journal is closed; nothing was written"), true)
	if err := j.file.Close(); err != nil {
		return fault.Hide(err, fault.Unavailable, "cannot close the journal: %s", reason(err))
	}
	return nil
}
