package orchestrator

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal/journaltest"
	"github.com/capakraken/fairlead/internal/rollout"
)

// hanging starts a daemon in the middle of a rollout whose disk does not answer any more from the next sync on, until
// the test lets go.
func hanging(t *testing.T) (r *rig, id string, letGo func()) {
	t.Helper()
	r, disk, gate := held(t)
	id = r.Rollouts(capakraken, 1)[0].Request.ID
	answer := make(chan struct{})
	disk.Fail(func(op journaltest.Op) error {
		if op.Verb == journaltest.Sync {
			<-answer
		}
		return nil
	})
	gate <- struct{}{} // the worker has a result to record
	synctest.Wait()
	return r, id, func() { disk.Fail(nil); close(answer) }
}

// at once runs a view and fails when it takes any time.
func atOnce(t *testing.T, what string, view func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { view(); close(done) }() // ends with the view
	synctest.Wait()
	select {
	case <-done:
	default:
		t.Errorf("%s waits for the disk", what)
		<-done
	}
}

// A disk that does not answer keeps nobody from seeing what is going on, and no request waits for ever.
func TestDiskThatHangs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, id, letGo := hanging(t)
		head, _ := r.Journal.Head()
		atOnce(t, "the status", func() {
			if a, err := r.App(t.Context(), capakraken); err != nil || a.Active != id {
				t.Errorf("%+v, %v", a, err)
			}
			r.Apps(t.Context())
		})
		atOnce(t, "the list of rollouts", func() { r.Rollouts("", 10) })
		atOnce(t, "a rollout", func() {
			if s, err := r.Rollout(id); err != nil || s.Step != rollout.Verify {
				t.Errorf("%s, %v", s.Step, err)
			}
		})
		atOnce(t, "the list of secrets", func() { _, _ = r.Secrets(t.Context(), capakraken) })
		atOnce(t, "why it refuses", func() { r.Refusing() })
		atOnce(t, "the audit log", func() {
			last := uint64(0)
			for rec, err := range r.Audit(1) {
				if err != nil {
					t.Error(err)
				}
				last = rec.Seq
			}
			if last != head {
				t.Errorf("the audit log ends with record %d, the head is %d", last, head)
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		seen := make(chan uint64, 100)
		go func() { // ends with ctx
			for e := range r.Watch(ctx, id, 0) {
				seen <- e.Record.Seq
			}
			close(seen)
		}()
		synctest.Wait()
		if n := len(seen); n < 8 {
			t.Errorf("a watcher sees %d events", n)
		}
		cancel()

		for what, ask := range map[string]func() error{
			"a trigger": func() error {
				_, err := r.Trigger(t.Context(), anna, Request{App: other, Kind: rollout.Cleanup})
				return err
			},
			"a lock":   func() error { return r.Lock(t.Context(), anna, other, "a test") },
			"a cancel": func() error { _, err := r.Cancel(t.Context(), anna, id, "a test"); return err },
		} {
			since := time.Now()
			err := ask()
			wantKind(t, err, fault.Unavailable)
			if took := time.Since(since); took != slow || !strings.Contains(fault.Text(err), "disk has not answered for 10s; nothing was changed") {
				t.Errorf("%s is answered after %s: %v", what, took, err)
			}
		}
		letGo()
		r.end(id)
		r.stop()
	})
}

// Whoever waits for a turn on such a disk waits on, is told why, and goes at the end of its time.
func TestWaitOnADiskThatHangs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, id, letGo := hanging(t)
		elsewhere := func(q *Request, _ *Wait) { q.App, q.Kind = other, rollout.Cleanup }
		late, patient := r.wait("ada", time.Minute, elsewhere), r.wait("bertha", time.Hour, elsewhere)
		late.refused(fault.Unavailable, "waited 1m in vain", "nothing was begun", "disk has not answered")
		if took := late.waited; took > time.Minute+time.Second {
			t.Errorf("it was answered after %s", took)
		}
		pass(time.Minute)
		if patient.answered() {
			t.Fatal(patient.err)
		}
		letGo()
		<-patient.done
		if patient.err != nil {
			t.Fatal(patient.err)
		}
		r.end(patient.state.Request.ID)
		r.end(id)
		r.stop()
	})
}

// A stop does not wait for such a disk for ever, whether it hangs already or only at the last record; whoever follows is
// let go.
func TestStopOnADiskThatHangs(t *testing.T) {
	for name, c := range map[string]struct {
		hang func(*testing.T) (*rig, string, func())
		most time.Duration
	}{
		"it hangs already":            {hanging, 20*time.Second + 2*lastWord},
		"it hangs at the last record": {hangingAtTheEnd, lastWord},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r, id, letGo := c.hang(t)
				left := make(chan struct{})
				go func() { // ends with the stop
					for range r.Watch(t.Context(), id, 0) {
					}
					close(left)
				}()
				synctest.Wait()
				since := time.Now()
				r.Stop(t.Context())
				if took := time.Since(since); took > c.most {
					t.Errorf("the stop took %s", took)
				}
				synctest.Wait()
				select {
				case <-left:
				default:
					t.Error("who follows is not let go")
				}
				letGo()
			})
		})
	}
}

// hangingAtTheEnd starts a daemon that has nothing to do, and whose disk does not answer when it stops.
func hangingAtTheEnd(t *testing.T) (*rig, string, func()) {
	t.Helper()
	disk := journaltest.New(1)
	r := memory(t, newWorld(), disk)
	r.start()
	answer := make(chan struct{})
	s, err := r.Trigger(t.Context(), anna, request(rollout.Rotate))
	if err != nil {
		t.Fatal(err)
	}
	r.end(s.Request.ID)
	disk.Fail(func(op journaltest.Op) error {
		if op.Verb == journaltest.Sync {
			<-answer
		}
		return nil
	})
	return r, s.Request.ID, func() { disk.Fail(nil); close(answer) }
}
