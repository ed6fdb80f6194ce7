package journal

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// typical is a record whose line is 400 bytes long.
func typical() Record {
	return Record{
		Actor: Actor{UID: 1000, GID: 1000, PID: 4711, User: "deploy", Role: "operator"},
		Type:  "step.done", App: "capakraken", Rollout: "01JQK2V9T6ZC9M4W1B7D3FXGHR", Step: "verify",
		Data: json.RawMessage(`{"attempts":7,"sources":{"primary-ai":"environment"},"version":"2.4.1"}`),
	}
}

// BenchmarkAppend compares an append with a bare write and sync of the same bytes, by turns, on the same disk.
func BenchmarkAppend(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "journal")
	j, err := Open(Options{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	bare, err := os.Create(filepath.Join(dir, "bare"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = bare.Close() }()
	var ours, floor time.Duration
	for b.Loop() {
		start := time.Now()
		r, err := j.Append(typical())
		ours += time.Since(start)
		if err != nil {
			b.Fatal(err)
		}
		line, err := r.Line()
		if err != nil {
			b.Fatal(err)
		}
		start = time.Now()
		if _, err := bare.Write(line); err != nil {
			b.Fatal(err)
		}
		if err := bare.Sync(); err != nil {
			b.Fatal(err)
		}
		floor += time.Since(start)
	}
	b.ReportMetric(float64(ours)/float64(floor), "x-bare")
	b.ReportMetric(float64(ours.Nanoseconds())/float64(b.N), "ns/append")
}

// long makes a journal of n typical records, without syncing each.
func long(b *testing.B, n int) (dir string) {
	b.Helper()
	dir = filepath.Join(b.TempDir(), "journal")
	if err := os.Mkdir(dir, 0o700); err != nil {
		b.Fatal(err)
	}
	var text strings.Builder
	c := newChain()
	r := typical()
	r.V, r.Time = Version, time.Date(2026, 3, 30, 12, 0, 0, 0, time.UTC)
	for range n {
		r.Seq, r.Prev = c.seq+1, string(c.hash)
		line, err := r.Line()
		if err != nil {
			b.Fatal(err)
		}
		text.Write(line)
		c.extend(r.Seq, nil, line[:len(line)-1])
	}
	if err := os.WriteFile(filepath.Join(dir, segmentName(1)), []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	return dir
}

func BenchmarkVerify(b *testing.B) {
	const records = 200_000
	dir := long(b, records)
	for b.Loop() {
		if r, err := Verify(dir); err != nil || r.Records != records {
			b.Fatal(r, err)
		}
	}
	b.ReportMetric(float64(b.N)*records/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkReplay(b *testing.B) {
	const records = 200_000
	j, err := Open(Options{Dir: long(b, records)})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	for b.Loop() {
		n := 0
		for _, err := range j.Records(1) {
			if n++; err != nil {
				b.Fatal(err)
			}
		}
		if n != records {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(b.N)*records/b.Elapsed().Seconds(), "records/s")
}
