//go:build e2e && soak

package e2e

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/internal/failpoint"
)

// ends knows how many points there are in a rollout.
type ends struct {
	mu   sync.Mutex
	last map[string]int // the first n, by the rollout's name, to which a daemon did not come
}

// The daemon dies every time that it comes by any point at all: for every n, in a rollout of every kind, at the nth.
func TestSoakEveryHit(t *testing.T) {
	score, seen := newScore(t), &ends{last: map[string]int{}}
	t.Cleanup(func() {
		t.Logf("%d points: %v; no more than %v in one rollout", len(score.points), score.points, seen.last)
	})
	for lane := range atOnce {
		t.Run(fmt.Sprintf("lane %d", lane+1), func(t *testing.T) {
			k := pointed(t, score, rig.Options{})
			for name, p := range paths() {
				for n := lane + 1; !seen.past(name, n); n += atOnce {
					s := strike{at: "any", nth: n}
					k.sub(t, fmt.Sprintf("%s %d", name, n), func(k *killing) {
						if !k.anywhere(p.drill, s) {
							seen.end(name, n)
						}
					})
				}
			}
		})
	}
}

// past tells whether it is known that no daemon comes to the nth point.
func (e *ends) past(name string, n int) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	last, ok := e.last[name]
	return ok && n >= last
}

// end takes down that a daemon did not come to the nth point.
func (e *ends) end(name string, n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if last, ok := e.last[name]; !ok || n < last {
		e.last[name] = n
	}
}

// anywhere has the daemon die at the nth point of its life, and returns whether it came so far.
func (k *killing) anywhere(d drill, s strike) (died bool) {
	k.t.Helper()
	k.must(k.Stop())
	k.arm(s)
	k.must(k.Launch())
	if !k.answers() {
		k.diedAt(&s)
		k.sound()
		return true
	}
	k.meanwhile(d, func(ctx context.Context, f *follower) {
		if died = k.diesBeforeEnd(ctx, f); died {
			k.diedAt(&s)
			k.run(0, "status") // by then the request stands in the journal, or never will
			requested, err := f.holds(moment{record: "requested"}.is)
			k.must(err)
			f.lost = !requested && mayLose(s.at)
			return
		}
		k.must(k.Kill())
		k.Environ = nil
		k.must(k.Start(ctx))
	})
	return died
}

// answers tells whether the daemon that was launched came so far that it answers, or died before.
func (k *killing) answers() bool {
	k.t.Helper()
	if err := k.Await(k.t.Context()); err == nil {
		res, err := k.Run(k.t.Context(), "status")
		k.must(err)
		if res.Code == 0 {
			return true
		}
	}
	k.dies(k.t.Context())
	return false
}

// diesBeforeEnd waits until the daemon has died, and returns false when its rollout ended and it did not.
func (k *killing) diesBeforeEnd(ctx context.Context, f *follower) bool {
	k.t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for last := time.Duration(0); ; {
		select {
		case <-k.Gone():
			return true
		case <-ctx.Done():
			k.t.Fatal("the rollout did not end, and the daemon did not die")
		case <-tick.C:
		}
		over, err := f.holds(isEnd)
		k.must(err)
		if over { // the last points come just behind the last record
			if last += 2 * time.Millisecond; last > 200*time.Millisecond {
				return false
			}
		}
	}
}

// mayLose tells whether a request may be lost with a daemon that dies at p: then it is not durable yet.
func mayLose(p failpoint.Point) bool {
	all := failpoint.Points()
	return slices.Index(all, p) < slices.Index(all, failpoint.RequestNoted)
}

// diedAt takes down where the daemon died, and starts the next one.
func (k *killing) diedAt(s *strike) {
	k.t.Helper()
	at, err := os.ReadFile(k.fired())
	k.must(err)
	s.at = failpoint.Point(strings.TrimSpace(string(at)))
	k.again(*s)
}
