package orchestrator

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal/journaltest"
	"github.com/capakraken/fairlead/internal/rollout"
)

// A request that waits records nothing, so it is the setting aside of room that finds out about a bad disk. That has the
// journal looked after as well.
func TestDiskFailsForWhoWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, disk := newWorld(), journaltest.New(1)
		r := memory(t, w, disk)
		r.start()
		r.end(r.trigger(rollout.Deploy)) // fills the segment within what was set aside for it
		disk.Fail(func(op journaltest.Op) error {
			if op.Verb.Changes() {
				return syscall.EROFS
			}
			return nil
		})
		p := r.wait("ada", time.Hour)
		pass(10 * time.Second)
		disk.Fail(nil)
		pass(time.Minute)
		if !p.answered() || p.err != nil {
			t.Fatalf("a minute after the disk works again: answered %t, %v; it refuses with %q", p.answered(), p.err, r.Refusing())
		}
		r.end(p.state.Request.ID)
		r.stop()
	})
}

// What reached the disk unheard is folded in before anything else is recorded, also when it cannot be read at first: it
// may be a rollout of the same app.
func TestUnheardAndUnreadable(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, disk := newWorld(), journaltest.New(1)
		release := make(chan struct{})
		w.on["verify"] = func(call) error { <-release; return nil }
		r := memory(t, w, disk)
		r.start()
		unheard(disk)
		_, err := r.Trigger(t.Context(), anna, request(rollout.Deploy))
		wantKind(t, err, fault.Unavailable)
		var settled, failed atomic.Bool
		disk.Fail(func(op journaltest.Op) error { // the first look behind the recovery fails
			if op.Verb == journaltest.SyncDir {
				settled.Store(true)
			}
			if op.Verb == journaltest.Open && settled.Load() && failed.CompareAndSwap(false, true) {
				return syscall.EMFILE
			}
			return nil
		})
		pass(time.Minute)
		if !failed.Load() {
			t.Fatal("nothing was read behind the recovery")
		}
		_, err = r.Trigger(t.Context(), anna, request(rollout.Deploy))
		wantKind(t, err, fault.Busy)
		close(release)
		if all := r.Rollouts("", 10); len(all) != 1 {
			t.Errorf("%d rollouts are known", len(all))
		} else {
			r.end(all[0].Request.ID)
		}
		r.stop()
		if r = memory(t, w, disk); len(r.ledger.active()) != 0 {
			t.Errorf("under way by the journal: %v", r.ledger.active())
		}
	})
}

// A cancel that reached the disk unheard interrupts what is under way, as one does that was heard.
func TestUnheardCancelInterrupts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, disk := newWorld(), journaltest.New(1)
		begun := make(chan struct{})
		var took time.Duration
		w.on["verify"] = func(c call) error {
			close(begun)
			since := time.Now()
			defer func() { took = time.Since(since) }()
			return hangs(c)
		}
		r := memory(t, w, disk)
		r.start()
		id := r.trigger(rollout.Deploy)
		<-begun
		unheard(disk)
		_, err := r.Cancel(t.Context(), anna, id, "")
		wantKind(t, err, fault.Unavailable)
		disk.Fail(nil)
		pass(10 * time.Minute)
		if s, err := r.Rollout(id); err != nil || s.Outcome != rollout.RolledBack {
			t.Errorf("it ended as %q, %v", s.Outcome, err)
		}
		if took > 30*time.Second {
			t.Errorf("verify went on for %s", took)
		}
		r.stop()
	})
}

// A rollout for which room is set aside goes to its end on a disk that has become full, also when it fails once.
func TestRoomThatIsSetAsideCounts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, disk := newWorld(), journaltest.New(1)
		begun := make(chan struct{})
		verify := sync.OnceFunc(func() { close(begun); pass(2 * time.Second) })
		w.on["verify"] = func(call) error { verify(); return nil }
		r := memory(t, w, disk)
		r.start()
		id := r.trigger(rollout.Deploy)
		<-begun
		disk.Limit(64 << 10)
		once := true
		disk.Fail(func(op journaltest.Op) error {
			if op.Verb == journaltest.Write && once {
				once = false
				return syscall.EIO
			}
			return nil
		})
		pass(time.Minute)
		if s, err := r.Rollout(id); err != nil || s.Outcome != rollout.Succeeded {
			t.Errorf("it ended as %q, %v; it refuses with %q", s.Outcome, err, r.Refusing())
		}
		disk.Limit(-1)
		r.stop()
	})
}

// An action that a bug has ended while nothing could be recorded is not tried again when it can: whether its failure has
// reached the disk or not.
func TestPanicOnAFailingDisk(t *testing.T) {
	for _, fails := range []error{syscall.EIO, journaltest.After(syscall.EIO)} {
		t.Run(fmt.Sprintf("%T", fails), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w, disk, times := newWorld(), journaltest.New(1), 0
				w.on["verify"] = func(call) error {
					times++
					disk.Fail(func(op journaltest.Op) error {
						if op.Verb == journaltest.Sync {
							return fails
						}
						return nil
					})
					panic("a bug")
				}
				r := memory(t, w, disk)
				r.start()
				id := r.trigger(rollout.Deploy)
				pass(10 * time.Second)
				disk.Fail(nil)
				pass(time.Minute)
				if s := r.end(id); s.Outcome != rollout.RolledBack || !strings.Contains(s.Failure.Message, "a bug in fairlead ended verify") {
					t.Errorf("it ends %s: %s", s.Outcome, s.Failure.Message)
				}
				if n := strings.Count(strings.Join(r.records(), ", "), "action.failed verify"); times != 1 || n != 1 {
					t.Errorf("verify was tried %d times, and its failure is recorded %d times: %q", times, n, r.records())
				}
				r.stop()
			})
		})
	}
}

// A daemon that starts on a disk that is full or has become read-only is there to be asked, does nothing, and begins by
// itself when the disk works again.
func TestStartOnAFailingDisk(t *testing.T) {
	for name, fails := range map[string]func(journaltest.Op) error{
		"full": func(op journaltest.Op) error {
			if op.Verb == journaltest.Write {
				return journaltest.Half(syscall.ENOSPC)
			}
			return nil
		},
		"read-only": func(op journaltest.Op) error {
			if op.Verb.Changes() || op.Writes {
				return syscall.EROFS
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) { bubble(t, func(t *testing.T) { startOn(t, fails) }) })
	}
}

func startOn(t *testing.T, fails func(journaltest.Op) error) {
	t.Helper()
	w, disk := newWorld(), journaltest.New(1)
	r := memory(t, w, disk)
	r.start()
	r.end(r.trigger(rollout.Deploy))
	r.stop()
	before := w.done()
	disk.Fail(fails)
	r = memory(t, w, disk)
	r.start()
	pass(time.Minute)
	if why := r.Refusing(); !strings.Contains(why, "cannot be written") {
		t.Errorf("it refuses with %q", why)
	}
	if a, err := r.App(t.Context(), capakraken); err != nil || a.Current == nil {
		t.Errorf("the app cannot be looked at: %+v, %v", a, err)
	}
	_, err := r.Trigger(t.Context(), anna, request(rollout.Rotate))
	wantKind(t, err, fault.Unavailable)
	if w.done() != before {
		t.Errorf("done is %q, and was %q", w.done(), before)
	}
	disk.Fail(nil)
	pass(time.Minute)
	r.end(r.trigger(rollout.Rotate))
	r.stop()
	if n := strings.Count(strings.Join(r.records(), " "), daemonStarted); n != 2 {
		t.Errorf("%d starts are recorded, of 2", n)
	}
}

// Old records that cannot be read may be damaged: nothing is begun on them, and that is said, until they can be read.
func TestOldRecordsUnreadable(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, disk := newWorld(), journaltest.New(1)
		r := memory(t, w, disk)
		r.start()
		for _, kind := range []rollout.Kind{rollout.Deploy, rollout.Cleanup, rollout.Rotate, rollout.Rotate} {
			r.end(r.trigger(kind))
		}
		r.stop()
		disk = disk.Kill()
		first := filepath.Join(r.dir, "00000000000000000001.jsonl")
		disk.Fail(func(op journaltest.Op) error {
			if op.Verb == journaltest.Read && op.Path == first {
				return syscall.EIO
			}
			return nil
		})
		r = memory(t, w, disk)
		r.start()
		pass(time.Hour)
		_, err := r.Trigger(t.Context(), anna, request(rollout.Rotate))
		wantKind(t, err, fault.Unavailable)
		if !strings.Contains(fault.Text(err), "cannot be verified") {
			t.Errorf("it says %v", err)
		}
		disk.Fail(nil)
		pass(time.Minute)
		r.end(r.trigger(rollout.Rotate))
		r.stop()
	})
}

// A bug in an action is recorded also by a daemon that stops, so that the next one does not try it again.
func TestPanicWhileStopping(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		r := open(t, w)
		times := 0
		stopIn(r, "verify", func(c call) error { times++; <-c.ctx.Done(); panic("bug") })
		w.on["verify"] = func(call) error { times++; return nil }
		r.life()
		r.start()
		if s := r.end(r.Rollouts(capakraken, 1)[0].Request.ID); times != 1 || s.Outcome != rollout.RolledBack {
			t.Errorf("verify ran %d times, and it ended as %s", times, s.Outcome)
		}
		r.stop()
	})
}

// fewer is a world in which capakraken is not configured.
type fewer struct{ *world }

func (fewer) Apps() []string { return []string{other} }

// A start that is refused has recorded nothing.
func TestRefusedStartWritesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		r := open(t, w)
		stopIn(r, "verify", func(c call) error { return hangs(c) })
		before := len(r.records())
		r.life()
		r.Steps = fewer{w}
		wantKind(t, r.Start(), fault.Refused)
		if after := len(r.records()); after != before {
			t.Errorf("%d records, and there were %d", after, before)
		}
		r.Stop(t.Context())
	})
}

// Whoever comes first to a daemon that was started anew does not go before those who waited at the one before.
func TestNewcomerAfterARestart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := open(t, newWorld())
		r.start()
		r.end(r.trigger(rollout.Deploy))
		r.stop()
		r.life()
		since := time.Now().Add(-time.Minute)
		r.start()
		zoe := r.wait("zoe", time.Hour)
		pass(2 * time.Second)
		if zoe.answered() {
			t.Fatal("the newcomer is served at once")
		}
		ada := r.wait("ada", time.Hour, func(_ *Request, w *Wait) { w.Since = since })
		<-ada.done
		<-zoe.done
		r.end(ada.state.Request.ID)
		r.end(zoe.state.Request.ID)
		if got := r.served(); got != "it is time ada zoe" {
			t.Errorf("served were %q", got)
		}
		r.stop()
	})
}
