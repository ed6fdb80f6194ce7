package journal

import (
	"bytes"

	"github.com/capakraken/fairlead/internal/failpoint"
	"github.com/capakraken/fairlead/internal/fault"
)

// Append fills r's V, Seq, Time and Prev and makes it durable: when it returns without an error, the record outlives a
// power cut. It returns the record as it was written, its data in canonical form.
//
// A record that is not fit for the journal is an error of kind Internal, and the journal goes on. When the disk fails,
// nobody can tell what reached it: then this and every later Append is an error of kind Unavailable, until Recover
// succeeds or the journal is opened anew.
func (j *Journal) Append(r Record) (Record, error) {
	j.appending.Lock()
	defer j.appending.Unlock()
	if err := j.able(); err != nil {
		return Record{}, err
	}
	r.V, r.Seq, r.Prev = Version, j.chain.seq+1, string(j.chain.hash)
	r.Time = j.options.Now().UTC().Round(0)
	if len(j.chain.time) > 0 {
		if last := moment(j.chain.time); r.Time.Before(last) {
			r.Time = last // the clock was set back
		}
	}
	line, err := r.Line()
	if err != nil {
		return Record{}, err
	}
	content := bytes.TrimSuffix(line, []byte("\n"))
	v, err := parse(content)
	if err != nil { // never write what could not be read back
		return Record{}, fault.New(fault.Internal, "a %q record is not fit for the journal: %s; nothing was written", r.Type, err)
	}
	if err := j.put(r.Seq, line); err != nil {
		j.offered = content
		return Record{}, j.unwritten(err)
	}
	j.cut = nil
	j.mu.Lock()
	j.chain.extend(v.seq, v.time, content)
	j.mu.Unlock()
	return v.record(), nil
}

// unwritten ends the appends for now: nobody knows what the disk has done.
func (j *Journal) unwritten(err error) error {
	err = fault.Hide(err, fault.Unavailable,
		"the journal in %s cannot be written: %s; nothing more is done until it can: mend the disk, and the daemon goes on by itself",
		j.options.Dir, reason(err))
	j.fail(err, false)
	return err
}

// put writes line behind the others and syncs it, in a new segment if the last one is full: longer than it should be,
// and with nothing left of what was set aside for it.
func (j *Journal) put(seq uint64, line []byte) error {
	if j.size > 0 && j.size+int64(len(line)) > max(j.options.SegmentBytes, j.reserved) {
		if err := j.begin(seq, 0); err != nil {
			j.full = true
			return err
		}
	}
	failpoint.Hit(failpoint.AppendBegun)
	if err := write(j.file, line, j.size); err != nil {
		return err
	}
	failpoint.Hit(failpoint.AppendSynced)
	j.size += int64(len(line))
	return nil
}

// write writes b at an offset and syncs it. A sync that failed is never simply tried again: the kernel may have dropped
// what it could not write, and the second sync would succeed.
func write(f File, b []byte, at int64) error {
	n, err := f.WriteAt(b, at)
	if err != nil {
		return err
	}
	if n < len(b) {
		return errShort
	}
	failpoint.Hit(failpoint.Written)
	return f.Sync()
}
