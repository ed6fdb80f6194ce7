package journal

import "time"

// Point is a place in the journal.
type Point struct {
	Seq  uint64    `json:"seq"`
	Time time.Time `json:"time"`
}

// Report is what a verification found. With neither Tear nor Damage the journal is whole.
type Report struct {
	Records  uint64  `json:"records"` // that verified; Last and Head belong to the last of them
	Segments int     `json:"segments"`
	First    Point   `json:"first"`
	Last     Point   `json:"last"`
	Head     string  `json:"head"`             // SHA-256 of the last line in hexadecimal; zeros where there is no record
	Tear     *Tear   `json:"tear,omitempty"`   // the end is incomplete: a crash, or a daemon that is writing just now
	Damage   *Damage `json:"damage,omitempty"` // the journal was changed or has rotted
}

// Verify holds every line of the journal in dir against its canonical form, its checksum and its chain. It writes
// nothing and may run while a daemon appends. Damage is reported and returned as an error of kind Difference; a Tear
// is no error.
//
// A journal proves only what lies before its head: one that was cut off at an earlier record, or rewritten as a whole,
// verifies as well. To notice that, compare Records and Head with those that were noted elsewhere.
func Verify(dir string) (Report, error) { return VerifyOn(disk{}, dir) }

// VerifyOn is Verify on another disk than the real one.
func VerifyOn(fs FS, dir string) (Report, error) { return verify(fs, dir, 0) }

func verify(fs FS, dir string, readers int) (Report, error) {
	firsts, err := segments(fs, dir)
	if err != nil {
		return Report{Head: zeroHash}, err
	}
	w := walker{fs: fs, dir: dir, chain: newChain(), readers: readers}
	r := Report{Segments: len(firsts)}
	if n := len(firsts); n > 0 {
		if err = w.sweep(firsts[:n-1]); err == nil {
			_, err = w.segment(firsts[n-1], true, all)
		}
	}
	r.Records, r.Head = w.chain.seq, string(w.chain.hash)
	if w.chain.seq > 0 {
		r.First = Point{Seq: 1, Time: moment(w.since)}
		r.Last = Point{Seq: w.chain.seq, Time: moment(w.chain.time)}
	}
	r.Tear, r.Damage = w.tear, w.damage
	return r, err
}
