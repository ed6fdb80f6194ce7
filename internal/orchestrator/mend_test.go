package orchestrator

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/journal/journaltest"
	"github.com/capakraken/fairlead/internal/rollout"
)

// memory is a rig whose disk is in memory, and can fail and work again.
func memory(t testing.TB, w *world, disk *journaltest.Disk) *rig {
	t.Helper()
	const dir = "/state/journal"
	log, err := journal.Open(journal.Options{Dir: dir, FS: disk, SegmentBytes: 4 << 10})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{TB: t, dir: dir, world: w}
	r.Orchestrator, err = New(Options{Journal: log, Steps: w, Log: zap.NewNop(), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// unheard makes every sync of the disk fail from now on, though all that it syncs reaches the platter: it is written, and
// nobody knows.
func unheard(disk *journaltest.Disk) {
	disk.Fail(func(op journaltest.Op) error {
		if op.Verb == journaltest.Sync {
			return journaltest.After(syscall.EIO)
		}
		return nil
	})
}

// A request whose record nobody heard of, though it is on the disk, is a request all the same: a restart would see it,
// and so does the daemon that takes its journal up again.
func TestUnheardRequest(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, disk := newWorld(), journaltest.New(1)
		r := memory(t, w, disk)
		r.start()
		unheard(disk)
		_, err := r.Trigger(t.Context(), anna, request(rollout.Deploy))
		wantKind(t, err, fault.Unavailable)
		pass(time.Minute)
		if w.done() != "" || r.Refusing() == "" {
			t.Fatalf("while the disk fails: %q is done, and it refuses with %q", w.done(), r.Refusing())
		}
		disk.Fail(nil)
		pass(lastTry + time.Second)
		all := r.Rollouts(capakraken, 10)
		if len(all) != 1 || r.Refusing() != "" {
			t.Fatalf("%d rollouts, and it refuses with %q", len(all), r.Refusing())
		}
		if s := r.end(all[0].Request.ID); s.Outcome != rollout.Succeeded || !s.Resumed {
			t.Errorf("it ended %s", s.Outcome)
		}
		if all := r.records(); !slices.Contains(all, journalRecovered) {
			t.Errorf("that it was taken up again is not recorded: %v", all)
		}
		r.stop()
	})
}

// A cancel that nobody heard of turns the rollout back all the same.
func TestUnheardCancel(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, disk := newWorld(), journaltest.New(1)
		r := memory(t, w, disk)
		w.on["verify"] = func(c call) error {
			unheard(disk)
			_, err := r.Cancel(c.ctx, anna, c.state.Request.ID, "")
			wantKind(t, err, fault.Unavailable)
			return nil
		}
		r.start()
		s, err := r.Trigger(t.Context(), anna, request(rollout.Deploy))
		if err != nil {
			t.Fatal(err)
		}
		r.workers.Wait()
		disk.Fail(nil)
		pass(lastTry + time.Second)
		if s = r.end(s.Request.ID); s.Outcome != rollout.RolledBack || strings.Contains(w.done(), "promote") {
			t.Errorf("it ended %s after %s", s.Outcome, w.done())
		}
		r.stop()
	})
}

// An action that is under way while the journal fails and works again is done once: its worker has not gone.
func TestActionOutlivesTheFailure(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, disk := newWorld(), journaltest.New(1)
		r := memory(t, w, disk)
		times := 0
		w.on["verify"] = func(c call) error {
			times++
			disk.Fail(func(journaltest.Op) error { return syscall.EROFS })
			_, err := r.Cancel(c.ctx, anna, c.state.Request.ID, "")
			wantKind(t, err, fault.Unavailable)
			disk.Fail(nil)
			pass(lastTry + time.Second)
			return nil
		}
		r.start()
		id := r.trigger(rollout.Deploy)
		if s := r.end(id); s.Outcome != rollout.Succeeded || s.Resumed || times != 1 {
			t.Errorf("it ended %s after %d times (resumed %t)", s.Outcome, times, s.Resumed)
		}
		r.stop()
	})
}

// Old records that have rotted keep rollouts from being begun, but not the one that is under way from ending; and the
// next daemon does not start.
func TestRottenRecords(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, disk := newWorld(), journaltest.New(1)
		r := memory(t, w, disk)
		r.start()
		r.end(r.trigger(rollout.Cleanup))
		begun := make(chan struct{})
		w.on["verify"] = func(c call) error { close(begun); return hangs(c) }
		id := r.trigger(rollout.Rotate)
		<-begun
		r.stop()
		delete(w.on, "verify")

		disk.Rot(filepath.Join(r.dir, "00000000000000000001.jsonl"), func(b []byte) []byte { b[200] ^= 1; return b })
		disk = disk.Kill()
		r = memory(t, w, disk)
		r.start()
		if s := r.end(id); s.Outcome != rollout.Succeeded {
			t.Errorf("what was under way ended %s", s.Outcome)
		}
		synctest.Wait()
		if why := r.Refusing(); !strings.Contains(why, "damaged") || !strings.Contains(why, "record 1") {
			t.Errorf("it refuses with %q", why)
		}
		_, err := r.Trigger(t.Context(), anna, request(rollout.Rotate))
		wantKind(t, err, fault.Unavailable)
		r.stop()
		_, err = journal.Open(journal.Options{Dir: r.dir, FS: disk.Kill()})
		wantKind(t, err, fault.Difference)
	})
}

// A disk that fails once and hangs when it is mended is no daemon that is stuck: another start would hang on it as well, and
// nobody could ask any more.
func TestDiskThatHangsWhileItIsMended(t *testing.T) {
	bubble(t, func(t *testing.T) {
		disk := journaltest.New(1)
		r := memory(t, newWorld(), disk)
		r.start()
		unheard(disk)
		_, err := r.Trigger(t.Context(), anna, request(rollout.Deploy))
		wantKind(t, err, fault.Unavailable)
		hangs, release := make(chan struct{}), make(chan struct{})
		once := sync.OnceFunc(func() { close(hangs) })
		disk.Fail(func(journaltest.Op) error { once(); <-release; return syscall.EIO })
		<-hangs
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		if err := r.Stuck(ctx); err != nil {
			t.Errorf("it is said to be stuck: %v", err)
		}
		disk.Fail(nil)
		close(release)
		pass(time.Minute)
		if why := r.Refusing(); why != "" {
			t.Errorf("the disk works, and it refuses: %s", why)
		}
		r.stop()
	})
}
