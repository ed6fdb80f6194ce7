package journal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/capakraken/fairlead/internal/fault"
)

// Damage is the first place at which a journal is not what was written. The record named may itself be sound and the
// one before it changed; Reason says so.
type Damage struct {
	Seq    uint64 `json:"seq"`            // of the record that was expected there
	File   string `json:"file"`           // path of the segment
	Line   int    `json:"line,omitempty"` // in that file, from 1; 0 where it is the file as a whole
	Reason string `json:"reason"`
}

// Tear is an incomplete end of the last segment: what a crash leaves of a record that was never acknowledged. It says
// nothing against the records before it.
type Tear struct {
	Seq    uint64 `json:"seq"`    // that the lost record would have had
	File   string `json:"file"`   // path of the segment
	Line   int    `json:"line"`   // in that file, from 1
	Offset int64  `json:"offset"` // in that file, where the tear begins
	Bytes  int64  `json:"bytes"`  // its length
}

// err returns the damage as the one error that all readers give for it.
func (d *Damage) err() error {
	where := d.File
	if d.Line > 0 {
		where = fmt.Sprintf("%s:%d", d.File, d.Line)
	}
	return fault.Many(fault.Difference, "the journal does not verify, and nothing was changed", []fault.Problem{{
		Where: where,
		What:  fmt.Sprintf("record %d: %s", d.Seq, d.Reason),
		Fix:   "keep the directory as evidence; restore the journal from a copy, or move the directory away to begin a new one",
	}})
}

// missing is what is wrong where the record that a segment begins with is not the next one.
const missing = "the segment begins with record %d: a segment before it is missing, or has lost its last lines"

// walker follows the chain through the segments. Only an end that is torn or damaged stops it early.
type walker struct {
	fs      FS
	dir     string
	chain   chain
	base    chain  // before the segment that was read last
	since   []byte // the time of the first line of all; nil for none
	mark    uint64 // a sequence number
	marked  []byte // the hash of that record's line; nil if it was not passed
	tear    *Tear
	damage  *Damage
	end     int64         // of the sound lines of the segment that was read last, in bytes
	last    int64         // where the last of those lines starts
	buf     *bufio.Reader // for one segment after the other
	readers int           // for how many at a time in a sweep; 0 for as many as there are processors
}

// all is a visit that wants to see everything.
func all(*view) bool { return true }

// walk follows segments in order. It calls visit with each record that fits, and ends when visit returns false.
func (w *walker) walk(firsts []uint64, visit func(*view) bool) error {
	for i, first := range firsts {
		if more, err := w.segment(first, i == len(firsts)-1, visit); err != nil || !more {
			return err
		}
	}
	return nil
}

// segment follows one segment. A tear is looked for only in the last one.
func (w *walker) segment(first uint64, last bool, visit func(*view) bool) (more bool, err error) {
	path := filepath.Join(w.dir, segmentName(first))
	if first != w.chain.seq+1 {
		return false, w.damaged(path, 0, fmt.Sprintf(missing, first))
	}
	f, err := w.fs.Open(path, os.O_RDONLY)
	if errors.Is(err, errIrregular) {
		return false, w.damaged(path, 0, errIrregular.Error())
	}
	if err != nil {
		return false, fault.Hide(err, fault.Unavailable, "cannot read the journal's segment %s: %s", path, reason(err))
	}
	defer func() { _ = f.Close() }() // read only
	w.base = w.chain.clone()
	if w.buf == nil {
		w.buf = bufio.NewReaderSize(nil, MaxLine)
	}
	return w.follow(newLines(path, f, w.buf), last, visit)
}

func (w *walker) follow(l *lines, last bool, visit func(*view) bool) (more bool, err error) {
	w.end, w.last = 0, 0
	var v view // here, since it escapes: one for all lines
	for {
		line, err := l.next()
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return false, w.unreadable(l, err)
		}
		if v, err = w.fit(line); err != nil {
			return false, w.misfit(l, line, last, err)
		}
		w.last, w.end = l.offset, l.offset+l.length
		w.note(&v)
		if !visit(&v) {
			return false, nil
		}
	}
}

// note keeps what is asked of some lines only.
func (w *walker) note(v *view) {
	if w.since == nil {
		w.since = bytes.Clone(v.time)
	}
	if v.seq == w.mark {
		w.marked = bytes.Clone(w.chain.hash)
	}
}

// fit adds a line as it stands in the file to the chain.
func (w *walker) fit(line []byte) (view, error) {
	content, whole := bytes.CutSuffix(line, []byte("\n"))
	if !whole {
		return view{}, errors.New("its line does not end with a line feed")
	}
	return w.chain.follow(content)
}

// misfit says what it means that line does not fit, and why it does not: a tear, a newer format, or damage.
func (w *walker) misfit(l *lines, line []byte, last bool, why error) error {
	if last {
		switch torn, err := l.torn(line); {
		case err != nil:
			return w.unreadable(l, err)
		case torn:
			w.tear = &Tear{Seq: w.chain.seq + 1, File: l.path, Line: l.number, Offset: l.offset, Bytes: l.length}
			return nil
		}
	}
	if errors.Is(why, errNewer) {
		return fault.New(fault.Refused,
			"%s:%d: the record was written by a newer fairlead (or is damaged), and nothing was changed; start that version", l.path, l.number)
	}
	return w.damaged(l.path, l.number, why.Error())
}

func (w *walker) unreadable(l *lines, err error) error {
	if errors.Is(err, bufio.ErrBufferFull) {
		return w.damaged(l.path, l.number, fmt.Sprintf("its line is longer than %d bytes", MaxLine))
	}
	return fault.Hide(err, fault.Unavailable, "cannot read the journal's segment %s: %s", l.path, reason(err))
}

func (w *walker) damaged(path string, line int, why string) error {
	w.damage = &Damage{Seq: w.chain.seq + 1, File: path, Line: line, Reason: why}
	return w.damage.err()
}
