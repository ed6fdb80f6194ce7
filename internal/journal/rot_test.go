package journal_test

import (
	"bytes"
	"testing"

	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/journal/journaltest"
)

// No single byte can be changed unnoticed, the last line's included; and none of the changes makes Open cut off a
// record, unless it turned a byte into zero, which is what a crash leaves.
func TestEveryBitCounts(t *testing.T) {
	const path = "/j/00000000000000000001.jsonl"
	d := journaltest.New(1)
	journal.TestFill(t, journal.TestOpen(t, journal.Options{Dir: "/j", FS: d}), 3)
	whole := d.Content(path)
	for i := range whole {
		for flip := 1; flip < 256; flip <<= 1 {
			broken := bytes.Clone(whole)
			broken[i] ^= byte(flip)
			rotten := journaltest.New(1)
			rotten.Put(path, broken)
			report, err := journal.VerifyOn(rotten, "/j")
			if err == nil && (report.Tear == nil || broken[i] != 0) {
				t.Fatalf("byte %d with bit %#x flipped: %+v", i, flip, report)
			}
		}
	}
}
