package journal

import (
	"bytes"
	"testing"
)

// What the tests outside of the package use of those inside.
var (
	TestDaemon  = daemon
	TestClock   = clock
	TestOpen    = open
	TestAppend  = appendRecord
	TestFill    = fill
	TestCollect = collect
	TestKind    = wantKind

	TestVerify = verify
)

// ReadLine returns the record that a line holds.
func ReadLine(t *testing.T, line []byte) Record {
	t.Helper()
	v, err := parse(bytes.TrimSuffix(line, []byte("\n")))
	if err != nil {
		t.Fatal(err)
	}
	return v.record()
}

// HashLine returns the hash of a line.
func HashLine(line []byte) string { return string(hash(bytes.TrimSuffix(line, []byte("\n")))) }

// OneByOne returns o for a journal that reads one segment after the other, as a test needs it whose disk leaves things
// to chance.
func OneByOne(o Options) Options {
	o.readers = 1
	return o
}
