package journal

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
)

func TestReplayFromEverywhere(t *testing.T) {
	dir := newDir(t)
	j := open(t, Options{Dir: dir, SegmentBytes: 1000})
	fill(t, j, 20)
	if n := len(segmentFiles(t, dir)); n < 4 {
		t.Fatalf("only %d segments", n)
	}
	for from := range uint64(22) {
		got := collect(t, j, from)
		want := 21 - max(from, 1)
		if uint64(len(got)) != want || want > 0 && got[0].Seq != max(from, 1) {
			t.Errorf("from %d: %d records, want %d", from, len(got), want)
		}
	}
	for r := range j.Records(3) {
		if r.Seq == 5 {
			break
		}
	}
}

func TestReplayFindsDamage(t *testing.T) {
	for name, change := range map[string]func(string) string{
		"changed": func(s string) string { return s[:len(s)/2] + "?" + s[len(s)/2+1:] },
		"cut off": func(s string) string { return s[:len(s)/2] },
		"emptied": func(string) string { return "" },
	} {
		t.Run(name, func(t *testing.T) {
			dir := newDir(t)
			j := open(t, Options{Dir: dir})
			fill(t, j, 4)
			path := segmentFiles(t, dir)[0]
			overwrite(t, path, change(read(t, path)))
			var last error
			for _, err := range j.Records(1) {
				if last != nil {
					t.Error("something was yielded after an error")
				}
				last = err
			}
			wantKind(t, last, fault.Difference)
		})
	}
}

func TestConcurrentUse(t *testing.T) {
	const writers, each = 8, 40
	dir := newDir(t)
	j := open(t, Options{Dir: dir, SegmentBytes: 4000, Now: time.Now})
	var writing, reading sync.WaitGroup
	done := make(chan struct{})
	for range writers {
		writing.Go(func() {
			for range each {
				if _, err := j.Append(Record{Actor: daemon(), Type: "step.done"}); err != nil {
					t.Errorf("Append: %v", err)
				}
			}
		})
	}
	reading.Go(func() {
		for running := true; running; {
			select {
			case <-done:
				running = false
			default:
			}
			head, _ := j.Head()
			seq := uint64(0)
			for r, err := range j.Records(1) {
				if seq++; err != nil || r.Seq != seq {
					t.Errorf("record %d where %d was expected, %v", r.Seq, seq, err)
					return
				}
			}
			if seq < head {
				t.Errorf("replay ended at %d, the head was %d before", seq, head)
			}
			if _, err := Verify(dir); err != nil {
				t.Errorf("Verify beside a running daemon: %v", err)
			}
		}
	})
	writing.Wait()
	close(done)
	reading.Wait()
	if r, err := Verify(dir); err != nil || r.Records != writers*each {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestReport(t *testing.T) {
	dir := newDir(t)
	j := open(t, Options{Dir: dir})
	empty, err := Verify(dir)
	if err != nil || empty != (Report{Segments: 1, Head: zeroHash}) {
		t.Errorf("of an empty journal: %+v, %v", empty, err)
	}
	if seq, hash := j.Head(); seq != 0 || hash != zeroHash {
		t.Errorf("head of an empty journal: %d, %s", seq, hash)
	}
	fill(t, j, 3)
	all := collect(t, j, 1)
	got, err := Verify(dir)
	if err != nil {
		t.Fatal(err)
	}
	seq, hash := j.Head()
	want := Report{
		Records: 3, Segments: 1, First: Point{1, all[0].Time}, Last: Point{3, all[2].Time},
		Head: hash,
	}
	if seq != 3 || got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	_, err = Verify(filepath.Join(dir, "absent"))
	wantKind(t, err, fault.Unavailable)
}
