package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"runtime"
	"testing"

	"github.com/capakraken/fairlead/internal/journal"
)

// long has so many records, each of 4 KiB, and one more each time it is read.
type long struct {
	nothing
	records uint64
}

func (l *long) Audit(from uint64) iter.Seq2[journal.Record, error] {
	l.records++
	return func(yield func(journal.Record, error) bool) {
		for seq := from; seq <= l.records; seq++ {
			if !yield(journal.Record{Seq: seq, App: fmt.Sprint(seq % 2), Data: json.RawMessage(bytes.Repeat([]byte(" "), 4<<10))}, nil) {
				return
			}
		}
	}
}

// Whoever asks for the newest records gets them from a memory that does not hold them, and none that came meanwhile.
func TestNewestAreNotHeld(t *testing.T) {
	l := &long{records: 20_000}
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	n, first, last := 0, uint64(0), uint64(0)
	for r, err := range (excerpt{app: "1", limit: 5000}).newest(l.Audit) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 1 {
			first = r.Seq
			runtime.GC()
			runtime.ReadMemStats(&now)
		}
		last = r.Seq
	}
	if n != 5000 || first != 10_003 || last != 20_001 {
		t.Errorf("%d records, from %d to %d", n, first, last)
	}
	if grown := int64(now.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 {
		t.Errorf("%d bytes are held for 5000 records", grown)
	}
}
