//go:build e2e

package e2e

import (
	"context"
	"errors"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/e2e/world"
)

// stopsWithin is how long a daemon that is told to stop may take: the app's containers end at once.
const stopsWithin = 15 * time.Second

// carried carries out a drill: it begins a rollout, kills the daemon at each moment and starts it again, and holds what
// came of it against all that was promised.
func (k *killing) carried(d drill) {
	k.t.Helper()
	k.meanwhile(d, func(ctx context.Context, f *follower) {
		for _, m := range d.kills {
			if m.record != "" {
				k.must(f.until(ctx, m.is))
			}
			k.killed(ctx, d, m.after)
		}
	})
}

// meanwhile begins a drill's rollout, has something done to the daemon while it runs, which leaves one alive, and holds
// what came of the rollout against all that was promised.
func (k *killing) meanwhile(d drill, do func(context.Context, *follower)) {
	k.t.Helper()
	args := k.prepared(d)
	before := k.live(k.Services...)
	if d.staged != nil {
		d.staged(k)
	}
	journal, err := k.Tail()
	k.must(err)
	ctx, cancel := context.WithTimeout(k.t.Context(), 2*time.Minute)
	defer cancel()
	told, follow := k.begun(ctx, args), &follower{journal: journal}
	do(ctx, follow)
	if d.outcome == "" || follow.lost {
		k.neverBegun(follow, before, <-told)
		return
	}
	err = follow.end(ctx)
	k.score.add(&k.score.rollouts, 1)
	if follow.waited {
		k.score.add(&k.score.waited, 1)
	}
	if err != nil {
		k.score.add(&k.score.lost, 1)
		k.t.Fatal(err)
	}
	k.judged(d, before, follow.last)
	k.toldTruth(<-told, follow.last.Data.Outcome)
}

// begun runs the command that begins a rollout, and returns where it will say what it was told. The command is that of
// the daemon which runs now.
func (k *killing) begun(ctx context.Context, args []string) <-chan rig.Result {
	cmd, told := k.Command(ctx, args...), make(chan rig.Result, 1)
	go func() { // ends with the command, at the latest with ctx
		res, err := k.Finish(ctx, cmd)
		if err != nil {
			res.Err += err.Error()
		}
		told <- res
	}()
	return told
}

// killed ends the daemon after a while, and starts it again when it has been dead for another.
func (k *killing) killed(ctx context.Context, d drill, after time.Duration) {
	k.t.Helper()
	k.must(elapsed(ctx, after))
	if d.gently {
		k.stopped()
	} else {
		k.must(k.Kill())
	}
	k.score.add(&k.score.kills, 1)
	k.must(elapsed(ctx, d.dead))
	k.must(k.Start(ctx))
}

// stopped tells the daemon to stop, and expects it to end well and in time.
func (k *killing) stopped() {
	k.t.Helper()
	told := time.Now()
	k.must(k.Stop())
	if took := time.Since(told); took > stopsWithin {
		k.t.Errorf("the daemon took %s to stop", took)
	}
}

// elapsed returns when d is over.
func elapsed(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ignoreGone returns nil for an object that the Engine no longer has.
func ignoreGone(err error) error {
	if refusal, ok := errors.AsType[*world.Refusal](err); ok && refusal.Status == 404 {
		return nil
	}
	return err
}

// removed removes a container behind the daemon's back.
func (k *killing) removed(id string) {
	k.t.Helper()
	k.must(ignoreGone(k.World.Existing(id).Remove(k.t.Context())))
}
