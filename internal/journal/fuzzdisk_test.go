package journal_test

import (
	"bytes"
	"testing"

	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/journal/journaltest"
)

// FuzzVerify opens whatever stands in a segment: no panic, and what Open mended or accepted verifies.
func FuzzVerify(f *testing.F) {
	const path = "/j/00000000000000000001.jsonl"
	one := journal.Record{Actor: journal.Actor{User: "fairlead"}, Type: "a"}
	d := journaltest.New(1)
	j, err := journal.Open(journal.Options{Dir: "/j", FS: d})
	if err != nil {
		f.Fatal(err)
	}
	for range 3 {
		if _, err := j.Append(one); err != nil {
			f.Fatal(err)
		}
	}
	whole := d.Content(path)
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add(append(bytes.Clone(whole), 0, 0, '\n'))
	f.Add([]byte("\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		d := journaltest.New(1)
		d.Put(path, content)
		before, verifyErr := journal.VerifyOn(d, "/j")
		j, err := journal.Open(journal.Options{Dir: "/j", FS: d})
		if (err == nil) != (verifyErr == nil) {
			t.Fatalf("Open says %v, Verify says %v", err, verifyErr)
		}
		if err != nil {
			return
		}
		if _, err := j.Append(one); err != nil {
			t.Fatal(err)
		}
		after, err := journal.VerifyOn(d, "/j")
		if err != nil || after.Tear != nil || after.Records != before.Records+1 {
			t.Fatalf("%+v, %v; before: %+v", after, err, before)
		}
	})
}
