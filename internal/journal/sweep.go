package journal

import (
	"bufio"
	"bytes"
	"runtime"
	"sync"
	"sync/atomic"
)

// stretch is what a segment says on its own, when nobody knows yet whether it fits to the one before.
type stretch struct {
	sound bool
	prev  []byte // that its first line names
	end   walker // where the segment ends
}

// sweep does for sealed segments what walk does, but reads them side by side and then joins the ends. Where one does
// not fit, or is not sound, it walks from there on, and so finds what a walk finds.
func (w *walker) sweep(firsts []uint64) error {
	found := make([]stretch, len(firsts))
	var next, unsound atomic.Int64
	unsound.Store(int64(len(firsts)))
	read := func() {
		buf := bufio.NewReaderSize(nil, MaxLine)
		for i := next.Add(1) - 1; i < unsound.Load(); i = next.Add(1) - 1 {
			if found[i] = w.alone(firsts[i], buf); !found[i].sound {
				unsound.Store(min(i, unsound.Load())) // what comes behind it does not count
			}
		}
	}
	if w.readers == 0 {
		w.readers = runtime.GOMAXPROCS(0)
	}
	if readers := min(w.readers, len(firsts)); readers > 1 {
		var reading sync.WaitGroup
		for range readers {
			reading.Go(read)
		}
		reading.Wait()
	}
	for i, first := range firsts {
		if found[i].sound && w.join(first, &found[i]) {
			continue
		}
		if more, err := w.segment(first, false, all); err != nil || !more {
			return err
		}
	}
	return nil
}

// alone follows a segment, and takes the word of its first line for what comes before.
func (w *walker) alone(first uint64, buf *bufio.Reader) stretch {
	s := stretch{end: walker{fs: w.fs, dir: w.dir, chain: chain{seq: first - 1}, mark: w.mark, buf: buf}}
	_, err := s.end.segment(first, false, func(v *view) bool {
		if s.prev == nil {
			s.prev = bytes.Clone(v.prev)
		}
		return true
	})
	s.sound, s.end.buf = err == nil && s.prev != nil, nil
	return s
}

// join takes over where the segment ends, if it fits.
func (w *walker) join(first uint64, s *stretch) bool {
	if first != w.chain.seq+1 || !bytes.Equal(s.prev, w.chain.hash) || bytes.Compare(s.end.since, w.chain.time) < 0 {
		return false
	}
	w.base, w.chain = w.chain, s.end.chain
	if w.since == nil {
		w.since = s.end.since
	}
	if s.end.marked != nil {
		w.marked = s.end.marked
	}
	return true
}
