package orchestrator

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/journal/journaltest"
	"github.com/capakraken/fairlead/internal/rollout"
)

// broken makes every write of the disk fail from now on.
func broken(disk *journaltest.Disk) {
	disk.Fail(func(op journaltest.Op) error {
		if op.Verb == journaltest.Write {
			return syscall.EIO
		}
		return nil
	})
}

// held starts a daemon over a disk in memory, whose app is held by a rollout that the gate lets go on.
func held(t testing.TB) (*rig, *journaltest.Disk, chan struct{}) {
	t.Helper()
	w, gate := gated()
	disk := journaltest.New(1)
	r := memory(t, w, disk)
	r.start()
	if _, err := r.Trigger(t.Context(), anna, request(rollout.Deploy)); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return r, disk, gate
}

// A journal that fails keeps the queue: who waits is begun, in order, when it can be written again.
func TestQueueOutlastsAFailingDisk(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, disk, gate := held(t)
		ada, bertha := r.wait("ada", time.Hour), r.wait("bertha", time.Hour)
		broken(disk)
		gate <- struct{}{}
		pass(30 * time.Second)
		if ada.answered() || bertha.answered() || r.Refusing() == "" {
			t.Fatalf("answered while nothing can be recorded: %v, %v", ada.err, bertha.err)
		}
		disk.Fail(nil)
		pass(lastTry + time.Second) // the rollout that held the app looks again
		for _, p := range []*patient{ada, bertha} {
			gate <- struct{}{}
			if <-p.done; p.err != nil {
				t.Fatal(p.err)
			}
		}
		gate <- struct{}{}
		r.end(bertha.state.Request.ID)
		if got := r.served(); got != "it is time ada bertha" {
			t.Errorf("served were %s", got)
		}
		r.stop()
	})
}

// A journal that fails for longer than a request was to wait: the request is refused, and it is said why.
func TestTimeIsOverWhileTheDiskFails(t *testing.T) {
	bubble(t, func(t *testing.T) {
		disk := journaltest.New(1)
		r := memory(t, newWorld(), disk)
		r.start()
		if err := r.Lock(t.Context(), anna, other, "only so that something is recorded"); err != nil {
			t.Fatal(err)
		}
		broken(disk)
		wantKind(t, r.Lock(t.Context(), anna, capakraken, "it cannot be"), fault.Unavailable)
		p := r.wait("ada", time.Minute)
		if first, _ := p.told(); !strings.Contains(first, "cannot be written") {
			t.Errorf("it is told %q", first)
		}
		p.refused(fault.Unavailable, "waited 1m in vain", "nothing was begun", "cannot be written")
		disk.Fail(nil)
		pass(lastTry + time.Second)
		if got := r.served(); got != "" {
			t.Errorf("%s was begun all the same", got)
		}
		r.stop()
	})
}

// A request with whose own record the disk fails is begun once, whether the record reached the disk or not.
func TestRequestThatTheDiskFailsWith(t *testing.T) {
	for name, fail := range map[string]func(*journaltest.Disk){"not written": broken, "written and not heard of": unheard} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				disk := journaltest.New(1)
				r := memory(t, newWorld(), disk)
				r.start()
				fail(disk)
				p := r.wait("ada", time.Hour, keyed("k"))
				pass(time.Minute)
				if p.answered() {
					t.Fatalf("answered while nothing can be recorded: %v", p.err)
				}
				disk.Fail(nil)
				<-p.done
				if p.err != nil {
					t.Fatal(p.err)
				}
				r.end(p.state.Request.ID)
				if got := r.served(); got != "ada" {
					t.Errorf("served were %q", got)
				}
				r.stop()
			})
		})
	}
}

// Who gives up while nobody can tell whether the request was recorded is told so, and not that nothing was begun.
func TestGivenUpInDoubt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		disk := journaltest.New(1)
		r := memory(t, newWorld(), disk)
		r.start()
		unheard(disk)
		p := r.wait("ada", time.Hour, keyed("k"))
		wantKind(t, r.Withdraw(t.Context(), capakraken, "k"), fault.Unavailable)
		p.refused(fault.Unavailable, "could not be recorded for sure", "fairlead audit log")
		disk.Fail(nil)
		pass(lastTry + time.Second)
		err := r.Withdraw(t.Context(), capakraken, "k")
		wantKind(t, err, fault.Conflict)
		all := r.Rollouts(capakraken, 2)
		if busy, ok := errors.AsType[*BusyError](err); !ok || len(all) != 1 || busy.Rollout != all[0].Request.ID {
			t.Errorf("the rollout that it became is not named: %v", err)
		}
		r.stop()
	})
}

// Whoever withdraws a request knows afterwards that it was not begun and will not be, or as what it was.
func TestWithdraw(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := locked(t)
		ctx := t.Context()
		wantKind(t, r.Withdraw(ctx, "nobody", "k"), fault.NotFound)
		wantKind(t, r.Withdraw(ctx, capakraken, ""), fault.Usage)
		ada, bertha := r.wait("ada", time.Hour, keyed("a")), r.wait("bertha", time.Hour, keyed("b"))
		for range 2 {
			if err := r.Withdraw(ctx, capakraken, "a"); err != nil {
				t.Error(err)
			}
		}
		ada.refused(fault.Conflict, "withdrawn after 0s", "nothing was begun")
		r.lift()
		<-bertha.done
		err := r.Withdraw(ctx, capakraken, "b")
		wantKind(t, err, fault.Conflict)
		if !strings.Contains(fault.Text(err), bertha.state.Request.ID) {
			t.Errorf("%v does not name the rollout", err)
		}
		r.end(bertha.state.Request.ID)
		if got := r.served(); got != "bertha" {
			t.Errorf("served were %s", got)
		}
		r.stop()
	})
}

// A request that is withdrawn at the very moment at which it is recorded is begun, and whoever withdraws it is told so.
func TestWithdrawnTooLate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		disk := journaltest.New(1)
		r := memory(t, newWorld(), disk)
		r.start()
		answer := make(chan struct{})
		disk.Fail(func(op journaltest.Op) error {
			if op.Verb == journaltest.Sync {
				<-answer
			}
			return nil
		})
		p := r.wait("ada", time.Hour, keyed("k"))
		go func() { pass(time.Second); disk.Fail(nil); close(answer) }()
		wantKind(t, r.Withdraw(t.Context(), capakraken, "k"), fault.Conflict)
		if <-p.done; p.err != nil {
			t.Error(p.err)
		}
		r.end(p.state.Request.ID)
		r.stop()
	})
}

// A request that is repeated while it waits is one rollout, and each of the two is told of it at once.
func TestRepeatedWhileItWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, gate := gated()
		r := started(t, w)
		r.trigger(rollout.Deploy)
		once, another, twice := r.wait("ada", time.Hour, keyed("k")), r.wait("bertha", time.Hour), r.wait("ada", time.Hour, keyed("k"))
		gate <- struct{}{}
		if !once.answered() || !twice.answered() || another.answered() {
			t.Fatal("the two are not answered at once, or somebody else is")
		}
		if once.err != nil || twice.err != nil || once.state.Request.ID != twice.state.Request.ID {
			t.Errorf("the two are %v and %v, %v and %v", once.state.Request.ID, twice.state.Request.ID, once.err, twice.err)
		}
		r.wait("ada", time.Hour, keyed("k"), func(q *Request, _ *Wait) { q.Force = true }).refused(fault.Conflict, "already used for another request")
		another.leave()
		<-another.done
		gate <- struct{}{}
		r.end(once.state.Request.ID)
		r.stop()
	})
}

// The queue is bounded, of an app and of a user.
func TestQueueIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := locked(t)
		if err := r.Lock(t.Context(), anna, other, "this one too"); err != nil {
			t.Fatal(err)
		}
		for i := range mostWaiting {
			r.wait(strings.Repeat("x", i%2+1), time.Hour) // two users
		}
		p := r.wait("yet another", time.Hour)
		p.refused(fault.Busy, "32 requests wait for capakraken already", "nothing was begun")
		elsewhere := func(q *Request, _ *Wait) { q.App = other }
		for range mostOfUser - mostWaiting/2 {
			if p = r.wait("x", time.Hour, elsewhere); p.answered() {
				t.Fatal(p.err)
			}
		}
		r.wait("x", time.Hour, elsewhere).refused(fault.Busy, "32 requests of user x (uid 1001) wait already", "nothing was begun")
		if p := r.wait("xxx", time.Hour, elsewhere); p.answered() {
			t.Error(p.err)
		}
		r.stop()
		synctest.Wait()
	})
}

// What cannot be waited for is refused at once.
func TestNotWorthWaitingFor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		r := started(t, w)
		r.wait("ada", LongestWait+time.Second).refused(fault.Usage, "24h")
		r.wait("ada", time.Hour, func(q *Request, _ *Wait) { q.App = "nobody" }).refused(fault.NotFound)
		r.wait("ada", time.Hour, func(q *Request, _ *Wait) { q.Reason = strings.Repeat("x", maxReason+1) }).refused(fault.Usage, "the reason is longer")
		w.begin = func(rollout.Request) error { return fault.New(fault.Refused, "not so") }
		r.wait("ada", time.Hour).refused(fault.Refused, "not so")
		w.begin = nil
		r.mu.Lock()
		r.damage = fault.New(fault.Difference, "record 3 is not what was written")
		r.mu.Unlock()
		p := r.wait("ada", time.Hour)
		if p.refused(fault.Unavailable, "the journal is damaged", "record 3"); p.waited != 0 {
			t.Errorf("it waited %s for a journal that nobody mends", p.waited)
		}
		if n := len(r.refusedRequests()); n != 5 {
			t.Errorf("%d of them are recorded", n)
		}
		r.stop()
	})
}

// Who waits is told why at once, then whenever that changes, and now and then that it still does.
func TestTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := locked(t)
		ada := r.wait("ada", time.Hour)
		bertha := r.wait("bertha", time.Hour)
		pass(20*time.Second + 500*time.Millisecond)
		ada.leave()
		pass(20 * time.Second)
		bertha.leave()
		<-bertha.done
		if got, want := fmt.Sprint(bertha.after), "[0s 15s 20.5s 35.5s]"; got != want {
			t.Errorf("told after %s, not %s: %q", got, want, bertha.why)
		}
		r.stop()
	})
}

// Whoever looks at the app sees who waits for it, in order, and how long the lock has lasted.
func TestWaitersAreShown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := locked(t)
		pass(time.Minute)
		r.wait("ada", time.Hour)
		pass(time.Second)
		r.wait("bertha", time.Minute, func(q *Request, _ *Wait) { q.Kind, q.Image = rollout.Deploy, "2.0.0" })
		pass(time.Second)
		a, err := r.App(t.Context(), capakraken)
		if err != nil {
			t.Fatal(err)
		}
		if a.Lock == nil || a.Lock.Age != 62 || a.Lock.UID == nil || *a.Lock.UID != anna.UID {
			t.Errorf("the lock is shown as %+v", a.Lock)
		}
		if got, want := fmt.Sprintf("%+v", a.Waiting), "[{Kind:rotate Image: Release: Requester:ada UID:1003 Reason:for ada Since:2000-01-01 00:01:00 +0000 UTC Until:2000-01-01 01:01:00 +0000 UTC Age:2} "+
			"{Kind:deploy Image:2.0.0 Release: Requester:bertha UID:1006 Reason:for bertha Since:2000-01-01 00:01:01 +0000 UTC Until:2000-01-01 00:02:01 +0000 UTC Age:1}]"; got != want {
			t.Errorf("shown are %s\nnot        %s", got, want)
		}
		if r.ledger.app(capakraken).Lock.Age != 0 {
			t.Error("the age is in the ledger")
		}
		r.stop()
		synctest.Wait()
	})
}

// The holder's number is told from the record of who asked, also by a daemon that only has the journal.
func TestHolderOutlivesTheDaemon(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, _ := gated()
		r := started(t, w)
		r.trigger(rollout.Deploy)
		r.stop()
		r.life()
		r.start()
		pass(30 * time.Second)
		_, err := r.Trigger(t.Context(), journal.Actor{User: "ada", UID: 7}, request(rollout.Rotate))
		wantKind(t, err, fault.Busy)
		if text := fault.Text(err); !strings.Contains(text, "deploy by anna (uid 1000) since 2000-01-01T00:00:00Z, for 30s") {
			t.Error(text)
		}
		r.stop()
	})
}
