package journaltest

import "errors"

// Verb says what is asked of the disk.
type Verb string

// What can be asked. The first eight change something.
const (
	Create   Verb = "create"
	Write    Verb = "write"
	Sync     Verb = "sync"
	SyncDir  Verb = "syncdir"
	Truncate Verb = "truncate"
	Rename   Verb = "rename"
	Remove   Verb = "remove"
	Reserve  Verb = "reserve"

	Open  Verb = "open" // without making the file
	Read  Verb = "read"
	Names Verb = "names"
	Stamp Verb = "stamp"
	Free  Verb = "free"
)

// Changes tells whether the verb is one that changes something.
func (v Verb) Changes() bool {
	switch v {
	case Create, Write, Sync, SyncDir, Truncate, Rename, Remove, Reserve:
		return true
	case Open, Read, Names, Stamp, Free:
	}
	return false
}

// Op is one operation, as the hook of Disk.Fail is asked about it.
type Op struct {
	Verb   Verb
	Path   string // of the file, or of the directory for SyncDir, Names and Free
	To     string // the new path, for Rename
	Offset int64  // for Write and Read
	Length int64  // the bytes to write or to read; the size, for Truncate and Reserve
	Writes bool   // for Open: to write as well
	Number int    // among those that change something, from 1; for another, that of the last change before it
}

// how is an answer of a hook that is more than a plain error.
type how struct {
	error
	after bool // the operation is done first, and durably
	half  bool // half of the write is done
}

func (h how) Unwrap() error { return h.error }

// After returns an error that an operation fails with although it was done, and has reached the platter: whoever asked
// never hears of it.
func After(err error) error { return how{error: err, after: true} }

// Half returns an error that a write fails with when half of its bytes were taken, as a disk does that becomes full.
// For any other operation it is err.
func Half(err error) error { return how{error: err, half: true} }

// verdict takes apart what a hook answered.
func verdict(err error) (h how, plain error) {
	if h, ok := errors.AsType[how](err); ok {
		return h, h.error
	}
	return how{}, err
}
