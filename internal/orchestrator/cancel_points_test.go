package orchestrator_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/steps/stepstest"
)

// cancelled are the scenes that are cancelled at every point: every kind, to its end and turned back.
var cancelled = []string{"deploy", "first deploy", "deploy whose first exits", "deploy whose retires fail", "deploy whose clear fails",
	"rotate", "rotate whose first exits", "cleanup", "deploy of what runs", "forced deploy of what runs"}

// inTime says by the records before it whether a cancel is accepted: a rollout can be turned back as long as it goes
// forward, no old container may be gone, and no clear may have begun.
func inTime(records []entry) bool {
	return !slices.ContainsFunc(records, func(e entry) bool {
		name := e.String()
		return strings.HasPrefix(name, "action.begun retire") || name == "action.begun keep" || name == "action.begun clear" || e.Type == string(rollout.Failed) || e.Type == string(rollout.Ended)
	})
}

// touched tells whether something may have been changed by then.
func touched(records []entry) bool {
	return slices.ContainsFunc(records, func(e entry) bool { return strings.HasPrefix(e.String(), "action.begun replace") })
}

// attempt is a cancel at one point, and what has come of it.
type attempt struct {
	before []entry // the records before it
	err    error
	made   bool
	asking sync.WaitGroup
}

// judge holds the end against what is defined for a cancel at that point.
func (a *attempt) judge(t *testing.T, where string, base course, begin string, got verdict) {
	t.Helper()
	a.asking.Wait()
	switch {
	case !a.made:
		t.Errorf("%s: nobody has cancelled", where)
	case !inTime(a.before):
		isKind(t, a.err, fault.Conflict)
		if diff := cmp.Diff(base.whole, got); diff != "" {
			t.Errorf("%s: a cancel that came too late has changed the end (-want +got):\n%s", where, diff)
		}
	default:
		want := rollout.Refused
		if touched(a.before) {
			want = rollout.RolledBack
		}
		if a.err != nil || got.Outcome != want || got.Host != begin || !strings.Contains(got.Failure, "cancelled by berta: wrong image") {
			t.Errorf("%s: it was cancelled (%v), and ends %s and not %s (%s):\n%s", where, a.err, got.Outcome, want, got.Failure, got.Host)
		}
		if got.Row != base.start {
			t.Errorf("%s: the database is not as it was: %s", where, got.Row)
		}
	}
}

// TestCancelAfterEveryRecord cancels between a record and what follows it: before each action begins, and when it has
// just begun. Then the same again with a daemon that dies of the cancel's record: the next one turns back all the same.
func TestCancelAfterEveryRecord(t *testing.T) {
	eachScene(t, func(t *testing.T, c scene, app *stepstest.App, n *tally) {
		base := undisturbed(t, c, app)
		for k := base.requested() + 1; k < base.appends; k++ { // from the first action on, and not after the stop
			base.cancelAfter(t, n, k, nil)
			base.cancelAfter(t, n, k, &death{append: k + 1, when: []when{written, synced}[k%2]})
		}
	}, cancelled...)
}

// TestCancelOfAResumedRollout cancels when the next daemon has taken the rollout up, and before it goes on with it.
func TestCancelOfAResumedRollout(t *testing.T) {
	eachScene(t, func(t *testing.T, c scene, app *stepstest.App, n *tally) {
		base := undisturbed(t, c, app)
		for k := base.requested(); k < base.appends-1; k++ { // from the request on, and not after the end
			base.cancelResumed(t, n, &death{append: k, when: synced})
		}
	}, cancelled...)
}

// cancelResumed cancels right after the record that a rollout is resumed.
func (c course) cancelResumed(t *testing.T, n *tally, d *death) {
	t.Helper()
	inBubble(t, func(t *testing.T) {
		s := c.stage(t, c.app)
		begin := s.picture()
		var a attempt
		s.appended = a.after(t, s, func(e entry) bool { return e.Type == string(rollout.Resumed) })
		for !s.live(d) {
			d = nil
		}
		n.lives.Add(int64(s.lives))
		n.deaths.Add(int64(s.lives - 1))
		a.judge(t, fmt.Sprintf("resumed after %s", a.before[len(a.before)-3]), c, begin, s.judge())
	})
}

// after returns a hook that cancels after the record that is meant.
func (a *attempt) after(t *testing.T, s *stage, meant func(entry) bool) func(*daemon, entry) {
	return func(b *daemon, e entry) {
		if a.made || !meant(e) {
			return
		}
		a.made, a.before = true, s.records()
		a.asking.Go(func() { _, a.err = b.Cancel(t.Context(), berta, s.id(), "wrong image") })
		synctest.Wait() // until it stands in the line for the journal
	}
}

// cancelAfter cancels after the k-th record.
func (c course) cancelAfter(t *testing.T, n *tally, k int, d *death) {
	t.Helper()
	inBubble(t, func(t *testing.T) {
		s := c.stage(t, c.app)
		begin := s.picture()
		var a attempt
		s.appended = a.after(t, s, func(e entry) bool { return int(e.Seq) == k })
		for mortal := d; !s.live(mortal); {
			mortal = nil
		}
		n.lives.Add(int64(s.lives))
		n.deaths.Add(int64(s.lives - 1))
		where := fmt.Sprintf("after %s (%v)", a.before[len(a.before)-1], d)
		a.asking.Wait()
		if d != nil && inTime(a.before) {
			a.err = nil // nobody heard of it
		}
		if d != nil && !inTime(a.before) {
			return // it was another record that the daemon died of, which is another test's
		}
		a.judge(t, where, c, begin, s.judge())
	})
}

// TestCancelInEveryCall cancels while an action is about anything on the host, which is then done or not.
func TestCancelInEveryCall(t *testing.T) {
	eachScene(t, func(t *testing.T, c scene, app *stepstest.App, n *tally) {
		base := undisturbed(t, c, app)
		for _, k := range base.points {
			base.cancelIn(t, n, k, func(s *stage, cancel func(int)) {
				var calls atomic.Int64
				s.host.Called = func(string) { cancel(int(calls.Add(1))) }
			})
		}
		for k := 1; k <= base.tried; k++ {
			for _, happens := range []bool{true, false} {
				base.cancelIn(t, n, k, func(s *stage, cancel func(int)) {
					permitted, moves := s.host.Before, 0
					s.host.Before = func(m stepstest.Move) error {
						moves++
						if cancel(moves); moves == k && !happens {
							return fault.New(fault.Unavailable, "%s: interrupted before the Docker Engine answered", m)
						}
						return permitted(m)
					}
				})
			}
		}
	}, cancelled...)
}

// cancelIn cancels at the k-th of what hook counts.
func (c course) cancelIn(t *testing.T, n *tally, k int, hook func(*stage, func(int))) {
	t.Helper()
	inBubble(t, func(t *testing.T) {
		s := c.stage(t, c.app)
		begin := s.picture()
		var a attempt
		hook(s, func(i int) {
			if i != k || a.made || s.id() == "" {
				return
			}
			a.made, a.before = true, s.records()
			_, a.err = s.now.Cancel(t.Context(), berta, s.id(), "wrong image")
		})
		s.live(nil)
		n.lives.Add(1)
		if !a.made {
			return // it was no call of an action
		}
		where := fmt.Sprintf("call %d, in %s", k, a.before[len(a.before)-1])
		if !inTime(a.before) {
			isKind(t, a.err, fault.Conflict)
			return // what becomes of a call that fails there is another test's
		}
		if next := s.records()[len(a.before)]; next.Type == string(rollout.Failed) && fault.KindOf(a.err) == fault.Conflict {
			return // verify asks two services at a time, and what the other one answered was recorded first
		}
		a.judge(t, where, c, begin, s.judge())
	})
}
