package orchestrator_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/steps/stepstest"
)

// patience is how long a daemon lets an action on a container finish when it stops.
const patience = 20 * time.Second

// interrupted are the actions that only wait or look: a stop ends them at once. The others may finish.
var interrupted = []rollout.Verb{rollout.DoValidate, rollout.DoPull, rollout.DoVerify, rollout.DoHold}

// ended are the scenes in which the daemon is stopped: each kind to its end, turned back, halted and cancelled.
var ended = []string{"deploy", "first deploy", "deploy whose first exits", "deploy whose second exits", "deploy whose first retire fails",
	"deploy whose clear is not answered", "deploy halted by hold", "deploy cancelled in verify", "rotate", "rotate whose first exits", "cleanup",
	"deploy of what runs", "forced deploy of what runs"}

// TestStopInEveryCall stops the daemon in every call of the host, while moves take as long as they do on an Engine, and
// again while the one that is under way takes for ever. The stop is bounded, and the next daemon brings the rollout to
// the same end.
func TestStopInEveryCall(t *testing.T) {
	eachScene(t, func(t *testing.T, c scene, app *stepstest.App, n *tally) {
		base := undisturbed(t, c, app)
		for _, k := range base.points {
			base.stopIn(t, n, fmt.Sprintf("call %d", k), 0, func(s *stage, stop func(string)) {
				var calls atomic.Int64
				s.host.Called = func(method string) {
					if int(calls.Add(1)) == k {
						stop(method)
					}
				}
			})
		}
	}, ended...)
}

// TestStopInEveryMove is the same for every move, with one that an Engine does not come to an end with.
func TestStopInEveryMove(t *testing.T) {
	eachScene(t, func(t *testing.T, c scene, app *stepstest.App, n *tally) {
		base := undisturbed(t, c, app)
		for k := 1; k <= base.tried; k++ {
			for _, takes := range []time.Duration{time.Second, 2 * time.Hour} {
				base.stopIn(t, n, fmt.Sprintf("move %d, which takes %s", k, takes), takes, func(s *stage, stop func(string)) {
					permitted, moves := s.host.Before, 0
					s.host.Before = func(m stepstest.Move) error {
						moves++
						err := permitted(m)
						if moves == k {
							stop(m.String())
						}
						return err
					}
					s.host.Takes = func(stepstest.Move) time.Duration {
						if moves == k && s.lives == 1 {
							return takes
						}
						return 3 * time.Millisecond
					}
				})
			}
		}
	}, ended...)
}

// stopIn plays the scene with a stop where hook says. slow is how long the move takes in which that is.
func (c course) stopIn(t *testing.T, n *tally, where string, slow time.Duration, hook func(*stage, func(at string))) {
	t.Helper()
	inBubble(t, func(t *testing.T) {
		s := c.stage(t, c.app)
		var in rollout.Action
		at := ""
		hook(s, func(m string) {
			if at, in = m, underWay(s.records()); in.Verb != "" {
				s.now.halt()
			}
		})
		var took time.Duration
		for lives := 0; !s.live(nil); lives++ {
			took = s.took
			if lives > 1 {
				t.Fatalf("%s: it is stopped again and again", where)
			}
		}
		n.lives.Add(int64(s.lives))
		limit := slow + 2*time.Second // what is left of the action's other moves
		switch {
		case isWait(in.Verb):
			limit = 0
		case slow > patience:
			limit = patience
		}
		if took > limit && at != "WaitExit" { // which may be called when its verify is over
			t.Errorf("%s, in %s: the stop took %s, and not %s at most", where, nameOf(in), took, limit)
		}
		if slow > patience && s.refuses[at] == nil && in.Verb != "" && !isWait(in.Verb) && took != patience {
			t.Errorf("%s, in %s: the stop took %s, and not its whole patience", where, nameOf(in), took)
		}
		if diff := cmp.Diff(c.whole, s.judge()); diff != "" {
			t.Errorf("%s, in %s: it does not end the same (-want +got):\n%s", where, nameOf(in), diff)
		}
	})
}

func isWait(v rollout.Verb) bool { return slices.Contains(interrupted, v) }
