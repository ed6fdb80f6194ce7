package journal

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"

	"github.com/capakraken/fairlead/internal/failpoint"
	"github.com/capakraken/fairlead/internal/fault"
)

const (
	snapshotName = "snapshot"
	snapshotHead = "fairlead journal snapshot 1 "
	longestState = 64 << 20 // bytes of a snapshot
)

// seal is a segment that nothing is appended to any more, and the stamp that it had when it was last known to be sound.
type seal struct {
	First uint64 `json:"first"`
	Stamp
}

// snapshot is what a snapshot's file holds: the state that the owner made of the records up to seq, and the segments
// that need not be read again. It is only a shortcut: nothing is lost with it.
type snapshot struct {
	seq   uint64
	hash  string // of the line of record seq
	seals []seal
	end   chain // of the last of those segments
	state []byte
}

// manifest is the snapshot's second line. Behind it stands the state; before it, the hash of all that follows.
type manifest struct {
	Seq    uint64 `json:"seq"`
	Hash   string `json:"hash"`
	Sealed []seal `json:"sealed"`
	End    struct {
		Seq  uint64 `json:"seq"`
		Time string `json:"time"`
		Hash string `json:"hash"`
	} `json:"end"`
}

// Snapshot returns the state that was saved last and the last record that it covers, if Open trusted it; else 0 and
// nothing. The caller must not change the bytes.
func (j *Journal) Snapshot() (seq uint64, state []byte) {
	if j.trusted == nil {
		return 0, nil
	}
	return j.trusted.seq, j.trusted.state
}

// Save writes a snapshot in the place of the one before: state, which is all that matters of the records up to seq, and
// which segments Open need not read again while nobody has written to them. It is durable when it returns. If that
// fails, the journal goes on as if nothing had been tried.
func (j *Journal) Save(seq uint64, state []byte) error {
	j.saving.Lock()
	defer j.saving.Unlock()
	if j.damage != nil {
		return j.damage
	}
	s, err := j.taken(seq)
	if err != nil {
		return err
	}
	s.state = state
	text, err := s.encode()
	if err != nil {
		return err
	}
	if err := j.replace(text); err != nil {
		return fault.Hide(err, fault.Unavailable,
			"cannot write the snapshot of the journal in %s: %s; the journal itself is untouched, only the next start takes longer", j.options.Dir, reason(err))
	}
	return nil
}

// taken returns a snapshot without its state.
func (j *Journal) taken(seq uint64) (snapshot, error) {
	j.mu.Lock()
	s := snapshot{seq: seq, seals: slices.Clone(j.seals), end: j.base.clone()}
	head, failed := j.chain.clone(), j.failed
	j.mu.Unlock()
	switch {
	case failed != nil:
		return s, failed
	case seq == 0 || seq > head.seq:
		return s, fault.New(fault.Internal, "a snapshot cannot cover record %d of a journal that ends at %d; nothing was written", seq, head.seq)
	case slices.ContainsFunc(s.seals, func(s seal) bool { return s.Inode == 0 }):
		return s, fault.New(fault.Unavailable,
			"no snapshot of the journal in %s is made, since one of its segments could not be looked at when it was sealed; the next start reads all of it", j.options.Dir)
	case seq == head.seq:
		s.hash = string(head.hash)
		return s, nil
	}
	for r, err := range j.Records(seq) {
		if err != nil {
			return s, err
		}
		line, err := r.Line()
		if err != nil {
			return s, err
		}
		s.hash = string(hash(line[:len(line)-1]))
		break
	}
	return s, nil
}

func (s *snapshot) encode() ([]byte, error) {
	m := manifest{Seq: s.seq, Hash: s.hash, Sealed: s.seals}
	m.End.Seq, m.End.Time, m.End.Hash = s.end.seq, string(s.end.time), string(s.end.hash)
	line, err := json.Marshal(m)
	if err != nil {
		return nil, fault.New(fault.Internal, "a snapshot cannot be encoded; nothing was written")
	}
	covered := slices.Concat(line, []byte("\n"), s.state)
	text := slices.Concat([]byte(snapshotHead), hash(covered), []byte("\n"), covered)
	if len(text) > longestState {
		return nil, fault.New(fault.Internal, "a snapshot of %d bytes is too long; nothing was written", len(text))
	}
	return text, nil
}

// decode returns the snapshot that text is, byte for byte; nil for any other.
func decode(text []byte) *snapshot {
	text, ok := bytes.CutPrefix(text, []byte(snapshotHead))
	sum, covered, found := bytes.Cut(text, []byte("\n"))
	if !ok || !found || !bytes.Equal(sum, hash(covered)) {
		return nil
	}
	line, state, _ := bytes.Cut(covered, []byte("\n"))
	var m manifest
	if json.Unmarshal(line, &m) != nil || m.Seq == 0 {
		return nil
	}
	s := snapshot{seq: m.Seq, hash: m.Hash, seals: m.Sealed, state: state, end: chain{seq: m.End.Seq, hash: []byte(m.End.Hash)}}
	if m.End.Time != "" {
		s.end.time = []byte(m.End.Time)
	}
	return &s
}

// replace puts text in the place of the snapshot that is there: at every moment the one or the other is there, whole.
func (j *Journal) replace(text []byte) error {
	fs, path := j.options.FS, filepath.Join(j.options.Dir, snapshotName)
	fresh := path + ".new"
	_ = fs.Remove(fresh) // that a death has left behind; if it cannot be removed, it cannot be made
	f, err := fs.Open(fresh, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	err = write(f, text, 0)
	if failed := f.Close(); err == nil {
		err = failed
	}
	failpoint.Hit(failpoint.SnapshotWritten)
	if err == nil {
		err = fs.Rename(fresh, path)
	}
	failpoint.Hit(failpoint.SnapshotRenamed)
	if err != nil {
		_ = fs.Remove(fresh) // the first error counts
		return err
	}
	return fs.SyncDir(j.options.Dir)
}

// load returns the snapshot in dir if it is whole and answers for the segments that are there; else nil, whatever the
// reason: then they are read.
func load(fs FS, dir string, firsts []uint64) *snapshot {
	path := filepath.Join(dir, snapshotName)
	stamp, _, err := fs.Stamp(path)
	if err != nil || stamp.Size > longestState {
		return nil
	}
	f, err := fs.Open(path, os.O_RDONLY)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }() // read only
	text := make([]byte, stamp.Size)
	if n, err := f.ReadAt(text, 0); err != nil || n < len(text) {
		return nil
	}
	s := decode(text)
	if s == nil || !s.answersFor(fs, dir, firsts) {
		return nil
	}
	return s
}

// answersFor tells whether the sealed segments are those that are there, untouched, and another one follows them.
func (s *snapshot) answersFor(fs FS, dir string, firsts []uint64) bool {
	n := len(s.seals)
	if n >= len(firsts) {
		return false
	}
	for i, known := range s.seals {
		now, _, err := fs.Stamp(filepath.Join(dir, segmentName(known.First)))
		if known.First != firsts[i] || err != nil || now != known.Stamp {
			return false
		}
	}
	return true
}

// covers tells whether record seq, where w passed it, is the one that the state was made of: the segments behind the
// sealed ones may have been exchanged for older or newer ones.
func (s *snapshot) covers(w *walker) bool {
	if s.seq <= s.end.seq {
		return s.seq < s.end.seq || s.hash == string(s.end.hash)
	}
	return s.hash == string(w.marked)
}
