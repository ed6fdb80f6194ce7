//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/internal/failpoint"
)

// strike is a death at a point of the daemon's code.
type strike struct {
	at   failpoint.Point
	nth  int                    // time that the daemon comes by it; the first where 0
	play func(*killing, strike) // has the daemon come by it, and holds what comes of that against what must
}

func (s strike) String() string {
	if s.nth < 2 {
		return string(s.at)
	}
	return fmt.Sprintf("%s:%d", s.at, s.nth)
}

// pointed is a stage whose daemons have fault points, with a good release that Fairlead deployed.
func pointed(t *testing.T, score *score, o rig.Options) *killing {
	t.Helper()
	k := settled(t, score, o)
	path, err := armed()
	k.must(err)
	k.must(k.Stop())
	k.runs(path)
	return k
}

// struck carries out strikes, each as a subtest.
func (k *killing) struck(t *testing.T, all ...strike) {
	t.Helper()
	for _, s := range all {
		k.sub(t, s.String(), func(k *killing) { s.play(k, s) })
	}
}

// sub has something done as a subtest. One that fails ends the test: the next would begin with its ruins.
func (k *killing) sub(t *testing.T, name string, do func(*killing)) {
	t.Helper()
	ok := t.Run(name, func(t *testing.T) {
		here := *k
		here.stage = k.in(t)
		do(&here)
		k.tags = here.tags
	})
	if !ok {
		t.FailNow()
	}
}

// arm orders the next daemon to kill itself at a point.
func (k *killing) arm(s strike) {
	k.t.Helper()
	if err := os.Remove(k.fired()); !errors.Is(err, fs.ErrNotExist) {
		k.must(err)
	}
	k.Environ = []string{"FAIRLEAD_FAILPOINT=" + s.String() + "=kill", "FAIRLEAD_FAILPOINT_LOG=" + k.fired()}
}

// fired is the file in which a daemon notes the point at which it dies.
func (k *killing) fired() string { return filepath.Join(k.Dir, "failpoint.log") }

// again starts a daemon in the place of an armed one that has died, at s and nowhere else.
func (k *killing) again(s strike) {
	k.t.Helper()
	k.score.died(s.at)
	at, err := os.ReadFile(k.fired())
	k.must(err)
	if string(at) != string(s.at)+"\n" {
		k.t.Fatalf("the daemon died at %q, want %s", at, s.at)
	}
	k.Environ = nil
	k.must(k.Start(k.t.Context()))
}

// dies waits for the armed daemon to die of itself.
func (k *killing) dies(ctx context.Context) {
	k.t.Helper()
	select {
	case <-k.Gone():
	case <-time.After(30 * time.Second):
		k.t.Fatal("the daemon did not come by the point")
	case <-ctx.Done():
		k.t.Fatal(ctx.Err())
	}
}

// rearmed starts an armed daemon in the place of the one that runs.
func (k *killing) rearmed(s strike) {
	k.t.Helper()
	k.must(k.Stop())
	k.arm(s)
	k.must(k.Start(k.t.Context()))
}

// rolling has the daemon die in a rollout.
func rolling(d drill) func(*killing, strike) {
	return func(k *killing, s strike) {
		k.t.Helper()
		k.rearmed(s)
		k.meanwhile(d, func(ctx context.Context, _ *follower) {
			k.dies(ctx)
			k.again(s)
		})
	}
}

// waking has the daemon die as it goes on with a rollout in which the one before was killed. What is left of that one
// may be changed in between.
func waking(d drill, m moment, between func(*killing)) func(*killing, strike) {
	return func(k *killing, s strike) {
		k.t.Helper()
		k.meanwhile(d, func(ctx context.Context, f *follower) {
			k.must(f.until(ctx, m.is))
			k.must(elapsed(ctx, m.after))
			k.must(k.Kill())
			if between != nil {
				between(k)
			}
			k.arm(s)
			k.must(k.Launch())
			k.dies(ctx)
			k.again(s)
		})
	}
}

// leaving has the daemon die as it stops in a rollout.
func leaving(d drill, m moment) func(*killing, strike) {
	return func(k *killing, s strike) {
		k.t.Helper()
		k.rearmed(s)
		k.meanwhile(d, func(ctx context.Context, f *follower) {
			k.must(f.until(ctx, m.is))
			k.must(elapsed(ctx, m.after))
			if err := k.Stop(); err == nil {
				k.t.Fatal("the daemon stopped as if nothing had been")
			}
			k.again(s)
		})
	}
}

// asking has the daemon die in a request that comes while a rollout runs. %s in its words stands for the rollout's id.
func asking(d drill, m moment, words ...string) func(*killing, strike) {
	return func(k *killing, s strike) {
		k.t.Helper()
		k.rearmed(s)
		k.meanwhile(d, func(ctx context.Context, f *follower) {
			k.must(f.until(ctx, m.is))
			args := strings.Fields(strings.ReplaceAll(strings.Join(words, " "), "%s", f.last.Rollout))
			k.run(8, args...)
			k.dies(ctx)
			k.again(s)
		})
	}
}
