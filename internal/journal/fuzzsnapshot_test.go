package journal

import (
	"bytes"
	"slices"
	"testing"
)

// FuzzSnapshot reads snapshots of all sorts, also such whose hash is right: no panic, and one that is trusted is written
// again as one that says the same.
func FuzzSnapshot(f *testing.F) {
	s := snapshot{seq: 7, hash: zeroHash, seals: []seal{{First: 1}}, end: chain{seq: 5, hash: []byte(zeroHash), time: []byte("2026-03-30T12:00:00Z")}, state: []byte(`{"a":1}` + "\n")}
	text, err := s.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	_, covered, _ := bytes.Cut(text, []byte("\n"))
	f.Add(covered)
	f.Add([]byte(`{"seq":1,"sealed":[{"first":-1}]}`))
	f.Add([]byte("null\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		// Few mutations keep the hash right, so the text is tried behind one as well.
		for _, candidate := range [][]byte{text, slices.Concat([]byte(snapshotHead), hash(text), []byte("\n"), text)} {
			s := decode(candidate)
			if s == nil {
				continue
			}
			again, err := s.encode()
			if err != nil {
				t.Fatal(err)
			}
			same := decode(again)
			if same == nil || same.seq != s.seq || same.hash != s.hash || !slices.Equal(same.seals, s.seals) || !bytes.Equal(same.state, s.state) ||
				same.end.seq != s.end.seq || !bytes.Equal(same.end.hash, s.end.hash) || !bytes.Equal(same.end.time, s.end.time) {
				t.Fatalf("%q was written again as %q", candidate, again)
			}
		}
	})
}
