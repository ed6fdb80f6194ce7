package journal_test

import (
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/journal/journaltest"
)

// Everything at once, on a disk that fails now and then: what each was told stays true.
func TestAllAtOnce(t *testing.T) {
	d := journaltest.New(1)
	j := journal.TestOpen(t, journal.Options{Dir: "/j", FS: d, SegmentBytes: 2000, Now: time.Now})
	journal.TestFill(t, j, 1)
	d.Fail(func(op journaltest.Op) error {
		if op.Verb.Changes() && op.Number%50 == 0 {
			return syscall.EIO
		}
		return nil
	})
	var mu sync.Mutex
	acknowledged := map[uint64]string{}
	done := make(chan struct{})
	var writing, others sync.WaitGroup
	for range 3 {
		writing.Go(func() {
			for range 100 {
				r, err := j.Append(journal.Record{Actor: journal.TestDaemon(), Type: "step.done"})
				if err != nil {
					_, _ = j.Recover()
					continue
				}
				mu.Lock()
				acknowledged[r.Seq] = r.Prev
				mu.Unlock()
			}
		})
	}
	for _, do := range []func(){
		func() { _, _ = j.Recover() },
		func() { head, _ := j.Head(); _ = j.Save(head, []byte("state")) },
		func() { _ = j.Reserve(3000) },
		func() { _, _ = j.Before(time.Now()) },
		func() { _ = j.CheckTrusted(t.Context()) },
		func() {
			head, _ := j.Head()
			if all, err := replayed(j, 1); err != nil || uint64(len(all)) < head {
				t.Errorf("%d records, the head was %d: %v", len(all), head, err)
			}
		},
	} {
		others.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					do()
				}
			}
		})
	}
	writing.Wait()
	close(done)
	others.Wait()
	d.Fail(nil)
	for _, r := range journal.TestCollect(t, journal.TestOpen(t, journal.Options{Dir: "/j", FS: d.PowerCut()}), 1) {
		if prev, ok := acknowledged[r.Seq]; ok && prev != r.Prev {
			t.Errorf("record %d is another one", r.Seq)
		}
		delete(acknowledged, r.Seq)
	}
	if len(acknowledged) > 0 {
		t.Errorf("%d records are lost", len(acknowledged))
	}
}
