package journal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/capakraken/fairlead/internal/fault"
)

const extension = ".jsonl"

// segmentName returns the name of the segment whose first record is seq. Names sort as their numbers do.
func segmentName(seq uint64) string { return fmt.Sprintf("%020d%s", seq, extension) }

// segments returns the first sequence number of every segment in dir, rising.
func segments(fs FS, dir string) ([]uint64, error) {
	names, err := fs.Names(dir)
	if err != nil {
		return nil, fault.Hide(err, fault.Unavailable, "cannot list the journal's directory %s: %s", dir, reason(err))
	}
	var firsts []uint64
	for _, name := range names {
		number, ok := strings.CutSuffix(name, extension)
		if !ok {
			continue // not ours to judge
		}
		first, err := strconv.ParseUint(number, 10, 64)
		if err != nil || first == 0 || segmentName(first) != name {
			return nil, fault.New(fault.Difference,
				"%s does not have a journal segment's name, and nothing was read or changed; if it is foreign, move it out of the directory",
				filepath.Join(dir, name))
		}
		firsts = append(firsts, first)
	}
	return firsts, nil
}

// lines reads one segment line by line.
type lines struct {
	path   string
	buf    *bufio.Reader
	offset int64 // of the line that next returned last
	length int64 // of that line, its line feed included
	number int   // of that line, from 1
}

// newLines reads f through buf, which has MaxLine bytes.
func newLines(path string, f io.ReaderAt, buf *bufio.Reader) *lines {
	buf.Reset(io.NewSectionReader(f, 0, math.MaxInt64))
	return &lines{path: path, buf: buf}
}

// next returns the next line, valid until the call after, with its line feed unless the file ends before it. The error
// is io.EOF after the last line, and bufio.ErrBufferFull for a line that is too long.
func (l *lines) next() ([]byte, error) {
	l.offset += l.length
	line, err := l.buf.ReadSlice('\n')
	l.length = int64(len(line))
	if len(line) == 0 && err != nil {
		return nil, err
	}
	l.number++
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return line, err
}

// torn reports whether line, which did not fit, is what a power cut leaves of a write that had not been synced: the
// beginning of a line at the end of the file, or blocks that never reached the disk and read as zeros. Anything else
// was once acknowledged and is damaged. The error is the disk's.
func (l *lines) torn(line []byte) (bool, error) {
	if bytes.IndexByte(line, 0) < 0 {
		if bytes.HasSuffix(line, []byte("\n")) {
			return false, nil
		}
		// A record with one more byte is not the beginning of a line: its line feed was overwritten.
		if _, err := parse(line[:len(line)-1]); err == nil {
			return false, nil
		}
	}
	switch _, err := l.buf.Peek(1); {
	case errors.Is(err, io.EOF):
		return true, nil
	default:
		return false, err
	}
}
