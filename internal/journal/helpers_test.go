package journal

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
)

// daemon is the actor of most test records.
func daemon() Actor { return Actor{User: "fairlead"} }

// clock returns a clock that a test moves by adding to the time it points to.
func clock() (now *time.Time, read func() time.Time) {
	t := time.Date(2026, 3, 30, 12, 0, 0, 0, time.UTC)
	return &t, func() time.Time {
		t = t.Add(time.Millisecond)
		return t
	}
}

func newDir(t *testing.T) string { return filepath.Join(t.TempDir(), "journal") }

func open(t *testing.T, o Options) *Journal {
	t.Helper()
	if o.Now == nil {
		_, o.Now = clock()
	}
	j, err := Open(o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func appendRecord(t *testing.T, j *Journal, r Record) Record {
	t.Helper()
	got, err := j.Append(r)
	if err != nil {
		t.Fatalf("Append: %v", err)
	}
	return got
}

// fill appends n records of about 200 bytes.
func fill(t *testing.T, j *Journal, n int) {
	t.Helper()
	for i := range n {
		appendRecord(t, j, Record{
			Actor: daemon(), Type: "step.done", App: "capakraken", Step: "pull",
			Data: json.RawMessage(fmt.Sprintf(`{"bytes":%d,"cached":true}`, i)),
		})
	}
}

// written makes a journal of n records and returns its directory.
func written(t *testing.T, n int, segmentBytes int64) string {
	t.Helper()
	dir := newDir(t)
	j := open(t, Options{Dir: dir, SegmentBytes: segmentBytes})
	fill(t, j, n)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func collect(t *testing.T, j *Journal, from uint64) []Record {
	t.Helper()
	var all []Record
	for r, err := range j.Records(from) {
		if err != nil {
			t.Fatalf("Records: %v", err)
		}
		all = append(all, r)
	}
	return all
}

func segmentFiles(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func overwrite(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func wantKind(t *testing.T, err error, want fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != want {
		t.Fatalf("got error %v of kind %s, want kind %s", err, fault.KindOf(err), want)
	}
}

func sameRecord(a, b Record) bool {
	x, errA := a.Line()
	y, errB := b.Line()
	return errA == nil && errB == nil && string(x) == string(y)
}
