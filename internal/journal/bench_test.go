package journal

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
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
func long(tb testing.TB, n int, segmentBytes int64) (dir string) {
	tb.Helper()
	dir = filepath.Join(tb.TempDir(), "journal")
	if err := os.Mkdir(dir, 0o700); err != nil {
		tb.Fatal(err)
	}
	var text []byte
	c, first := newChain(), uint64(1)
	flush := func() {
		if err := os.WriteFile(filepath.Join(dir, segmentName(first)), text, 0o600); err != nil {
			tb.Fatal(err)
		}
		text, first = text[:0], c.seq+1
	}
	r := typical()
	r.V, r.Time = Version, time.Date(2026, 3, 30, 12, 0, 0, 0, time.UTC)
	for range n {
		r.Seq, r.Prev = c.seq+1, string(c.hash)
		start := len(text)
		if text = appendLine(text, r); int64(len(text)) > segmentBytes && start > 0 {
			line := slices.Clone(text[start:])
			text = text[:start]
			flush()
			text, start = append(text, line...), 0
		}
		c.extend(r.Seq, nil, text[start:len(text)-1])
	}
	flush()
	return dir
}

func BenchmarkVerify(b *testing.B) {
	const records = 1_000_000
	dir := long(b, records, DefaultSegmentBytes)
	for name, readers := range map[string]int{"in order": 1, "side by side": 0} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if r, err := verify(disk{}, dir, readers); err != nil || r.Records != records {
					b.Fatal(r, err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/million")
		})
	}
}

// BenchmarkOpen opens journals with and without a snapshot. With it, the history makes no difference: what is read is
// the last segment, of which the longer journal happens to have more.
func BenchmarkOpen(b *testing.B) {
	for _, records := range []int{10_000, 1_000_000} {
		dir := long(b, records, DefaultSegmentBytes)
		opened := func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := reopen(dir, uint64(records)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N), "ms/open")
		}
		b.Run(fmt.Sprintf("without snapshot, %d records", records), opened)
		snapped(b, dir, uint64(records))
		b.Run(fmt.Sprintf("with snapshot, %d records", records), opened)
	}
}

// reopen opens a journal, and tells whether a snapshot was trusted.
func reopen(dir string, records uint64) (trusted bool, err error) {
	j, err := Open(Options{Dir: dir})
	if err != nil {
		return false, err
	}
	seq, _ := j.Snapshot()
	if head, _ := j.Head(); head != records {
		return false, fmt.Errorf("the head is %d", head)
	}
	return seq != 0, j.Close()
}

// snapped makes a snapshot.
func snapped(tb testing.TB, dir string, seq uint64) {
	tb.Helper()
	j, err := Open(Options{Dir: dir})
	if err != nil {
		tb.Fatal(err)
	}
	if err := firstError(j.Save(seq, []byte("state")), j.Close()); err != nil {
		tb.Fatal(err)
	}
}

// What a start allocates does not depend on how long the history is, but for the stamps of the sealed segments: less
// than a kilobyte each, and each stands for 16 MiB otherwise.
func TestOpenIsIndependentOfHistory(t *testing.T) {
	allocated := func(records int) uint64 {
		dir := long(t, records, 100_000)
		snapped(t, dir, uint64(records))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		trusted, err := reopen(dir, uint64(records))
		runtime.ReadMemStats(&after)
		if err != nil || !trusted {
			t.Fatalf("the snapshot is trusted: %t, %v", trusted, err)
		}
		return after.TotalAlloc - before.TotalAlloc
	}
	short, long := allocated(500), allocated(50_000)
	if segments := uint64(50_000 * 400 / 100_000); long > short+segments<<10 {
		t.Errorf("%d bytes for 500 records, %d for 50,000", short, long)
	}
}

func BenchmarkReplay(b *testing.B) {
	const records = 200_000
	j, err := Open(Options{Dir: long(b, records, DefaultSegmentBytes)})
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
