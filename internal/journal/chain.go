package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// zeroHash is what the first record names as the line before it.
const zeroHash = "0000000000000000000000000000000000000000000000000000000000000000"

var errPrev = errors.New("its prev is not the hash of the line before: this line or the one before was changed")

// chain is the end of a run of lines, to which the next line must fit.
type chain struct {
	seq  uint64 // of the last line; 0 before the first
	time []byte // of the last line; nil before the first
	hash []byte // of the last line, in hexadecimal; nil where the run starts in mid-journal and the first line is trusted
}

// clone returns a copy that shares nothing.
func (c *chain) clone() chain {
	return chain{seq: c.seq, time: bytes.Clone(c.time), hash: bytes.Clone(c.hash)}
}

// newChain returns the chain before the first record.
func newChain() chain { return chain{hash: []byte(zeroHash)} }

// follow adds a line without its line feed, and returns it taken apart. A line that does not fit changes nothing.
func (c *chain) follow(line []byte) (view, error) {
	v, err := parse(line)
	switch {
	case err != nil:
		return v, err
	case v.seq != c.seq+1:
		return v, fmt.Errorf("it is record %d, where %d was expected", v.seq, c.seq+1)
	case c.hash != nil && !bytes.Equal(v.prev, c.hash):
		return v, errPrev
	case bytes.Compare(v.time, c.time) < 0:
		return v, errors.New("its time is before that of the line before")
	}
	c.extend(v.seq, v.time, line)
	return v, nil
}

// extend makes line the last one.
func (c *chain) extend(seq uint64, at, line []byte) {
	sum := sha256.Sum256(line)
	c.seq = seq
	c.time = append(c.time[:0], at...)
	c.hash = hex.AppendEncode(c.hash[:0], sum[:])
}
