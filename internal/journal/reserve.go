package journal

import (
	"errors"
	"syscall"

	"github.com/capakraken/fairlead/internal/failpoint"
	"github.com/capakraken/fairlead/internal/fault"
)

// Reserve sets aside room for so many bytes of records from now on, so that what has begun can be recorded to its end on
// a disk that has become full. A file system that cannot set anything aside is no error. One that has not got the room
// is an error of kind Unavailable; the journal then goes on with what it has.
func (j *Journal) Reserve(bytes int64) error {
	j.appending.Lock()
	defer j.appending.Unlock()
	if err := j.able(); err != nil {
		return err
	}
	if j.size+bytes <= j.reserved {
		return nil
	}
	if j.size >= j.options.SegmentBytes && j.renew(bytes) {
		return nil
	}
	if err := j.Failed(); err != nil {
		return err
	}
	err := j.file.Reserve(j.size + bytes)
	failpoint.Hit(failpoint.RoomReserved)
	if err == nil {
		j.reserved = j.size + bytes
		return nil
	}
	if j.reserved <= j.size {
		_ = j.file.Truncate(j.size) // a part of it may have been given
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fault.Hide(err, fault.Unavailable,
			"the journal in %s needs %d bytes that the disk has not got: %s; nothing was changed: make room on it", j.options.Dir, bytes, reason(err))
	}
	return fault.Hide(err, fault.Unavailable,
		"cannot set %d bytes aside for the journal in %s: %s; nothing was changed: mend the disk", bytes, j.options.Dir, reason(err))
}

// Reserved returns how many bytes are still set aside for records to come.
func (j *Journal) Reserved() uint64 {
	j.appending.Lock()
	defer j.appending.Unlock()
	return uint64(max(0, j.reserved-j.size))
}

// renew begins a segment with room set aside, in the place of a full one. If it cannot, the full one goes on, as long as
// it is certain that the new one never comes to light: a record has only one place.
func (j *Journal) renew(room int64) bool {
	seq := j.chain.seq + 1
	err := j.begin(seq, room)
	if err == nil {
		return true
	}
	gone := j.options.FS.Remove(j.path(seq))
	if errors.Is(gone, syscall.ENOENT) {
		gone = nil
	}
	if errors.Is(err, syscall.EEXIST) || gone != nil || j.options.FS.SyncDir(j.options.Dir) != nil {
		j.unwritten(err)
	}
	return false
}
