//go:build e2e

package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/internal/journal"
)

// BenchmarkStart measures how long the daemon takes until it serves, and how much memory it then holds: with next to
// nothing in its journal, and with histories of ten thousand and of a million records.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		r := benchRig(b, []string{"web", "worker"})
		_, records, err := rollOut(b.Context(), r, "2.0.0")
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(restarts(b, r).Seconds()*1000, "ms-short")
		b.ReportMetric(resident(b, r.PID()), "MB-short")
		for _, h := range []struct {
			name    string
			records uint64
		}{{"10k", 10_000}, {"1M", 1_000_000}} {
			if err := r.Stop(); err != nil {
				b.Fatal(err)
			}
			lengthen(b, filepath.Join(r.State(), "journal"), records[0].Rollout, h.records)
			start := time.Now()
			if err := r.Start(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(time.Since(start).Seconds()*1000, "ms-"+h.name+"-first")
			if err := r.Stop(); err != nil { // in good order, with a snapshot
				b.Fatal(err)
			}
			if err := r.Start(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(restarts(b, r).Seconds()*1000, "ms-"+h.name)
			b.ReportMetric(resident(b, r.PID()), "MB-"+h.name)
		}
	}
}

// restarts returns how long a start takes. The daemon runs after it.
func restarts(b *testing.B, r *rig.Rig) time.Duration {
	b.Helper()
	var all series
	for range rounds {
		if err := r.Kill(); err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		if err := r.Start(b.Context()); err != nil {
			b.Fatal(err)
		}
		all = append(all, time.Since(start))
	}
	return all.median()
}

// lengthen writes the records of a rollout again and again, each time as another rollout, up to n records. It writes
// the segments itself: a million records that are each synced would take minutes.
func lengthen(b *testing.B, dir, id string, n uint64) {
	b.Helper()
	one, last := storyOf(b, dir, id)
	var segment bytes.Buffer
	first := last.Seq + 1
	flush := func() {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%020d.jsonl", first)), segment.Bytes(), 0o600); err != nil {
			b.Fatal(err)
		}
		segment.Reset()
		first = last.Seq + 1
	}
	for i := 0; last.Seq < n; i++ {
		another := fmt.Sprintf("%s%06d", id[:len(id)-6], i)
		for _, rec := range one {
			rec.Rollout, rec.Data = another, []byte(strings.ReplaceAll(string(rec.Data), id, another))
			rec.Seq, rec.Time, rec.Prev = last.Seq+1, last.Time, hashOf(b, last)
			line, err := rec.Line()
			if err != nil {
				b.Fatal(err)
			}
			segment.Write(line)
			last = rec
		}
		if segment.Len() > journal.DefaultSegmentBytes {
			flush()
		}
	}
	flush()
}

// storyOf returns the records of a rollout, and the journal's last one.
func storyOf(b *testing.B, dir, id string) (one []journal.Record, last journal.Record) {
	b.Helper()
	j, err := journal.Open(journal.Options{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close() //nolint:errcheck // it was only read
	for rec, err := range j.Records(1) {
		if err != nil {
			b.Fatal(err)
		}
		if last = rec; rec.Rollout == id {
			one = append(one, rec)
		}
	}
	return one, last
}

// hashOf returns what the next record names as the line before it.
func hashOf(b *testing.B, r journal.Record) string {
	b.Helper()
	line, err := r.Line()
	if err != nil {
		b.Fatal(err)
	}
	sum := sha256.Sum256(bytes.TrimSuffix(line, []byte("\n")))
	return hex.EncodeToString(sum[:])
}
