package orchestrator

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"go.uber.org/zap"

	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/rollout"
)

// BenchmarkStart is a start over a history: the journal is opened, and its rollouts are folded. With the snapshot it is
// to be independent of the history, in time and in memory.
func BenchmarkStart(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		dir := history(b, n)
		for _, how := range []string{"with a snapshot", "without"} {
			b.Run(fmt.Sprintf("%d records, %s", n, how), func(b *testing.B) {
				if how == "without" {
					(&rig{TB: b, dir: dir, disk: sound()}).forget()
				}
				var before, after runtime.MemStats
				for b.Loop() {
					runtime.GC()
					runtime.ReadMemStats(&before)
					since := time.Now()
					o := begin(b, dir)
					b.ReportMetric(float64(time.Since(since).Milliseconds()), "ms/start")
					runtime.GC()
					runtime.ReadMemStats(&after)
					b.ReportMetric((float64(after.HeapAlloc)-float64(before.HeapAlloc))/(1<<20), "MiB/held")
					if head, _ := o.Journal.Head(); head < uint64(n) {
						b.Fatalf("it knows %d records", head)
					}
					_ = o.Journal.Close()
				}
			})
		}
	}
}

// begin opens the journal and folds it, as a daemon does before it is ready.
func begin(b *testing.B, dir string) *Orchestrator {
	log, err := journal.Open(journal.Options{Dir: dir, FS: sound()})
	if err != nil {
		b.Fatal(err)
	}
	o, err := New(Options{Journal: log, Steps: newWorld(), Log: zap.NewNop(), Version: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	return o
}

// history returns a journal of so many records, all of rollouts such as one that really ran, with its snapshot.
func history(b *testing.B, records int) string {
	r := started(b, newWorld())
	r.end(r.trigger(rollout.Deploy))
	var story []journal.Record
	for rec, err := range r.Audit(1) {
		if err != nil {
			b.Fatal(err)
		}
		if rec.Rollout != "" {
			story = append(story, rec)
		}
	}
	r.stop()
	dir := filepath.Join(b.TempDir(), "journal")
	o := begin(b, dir)
	for n := 0; n < records; {
		id := ulid.Make().String()
		for _, rec := range story {
			rec.Data = []byte(strings.ReplaceAll(string(rec.Data), rec.Rollout, id))
			rec.Rollout = id
			rec, err := o.Journal.Append(rec)
			if err == nil {
				err = o.accept(rec)
			}
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
	}
	o.save()
	if err := o.Journal.Close(); err != nil {
		b.Fatal(err)
	}
	return dir
}
