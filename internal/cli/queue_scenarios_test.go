package cli_test

import (
	"context"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/orchestrator"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/server/servertest"
)

// ahead says that a request waits for the rollout of a scenario, at this place.
func ahead(place int) error {
	e := &orchestrator.BusyError{App: "capakraken", Rollout: id, Holder: "bob (uid 1001)", Since: servertest.At(-180), Age: 3 * time.Minute, Reason: "CHG-7", Place: place}
	behind := map[int]string{1: "this request is next", 2: "one request comes before this one"}[place]
	return fault.Hide(e, fault.Busy, "capakraken is held by rollout %s: deploy by bob (uid 1001) since 2026-03-30T11:57:00Z, for 3m (CHG-7), now in verify; %s", id, behind)
}

// inTurn lets f hold every request up until then answers it, having said twice at which place it waits, and said it
// again as a sign of life.
func inTurn(f *servertest.Rollouts, then func(ctx context.Context) (rollout.State, error)) *servertest.Rollouts {
	f.InTurnFunc = func(ctx context.Context, _ journal.Actor, _ orchestrator.Request, w orchestrator.Wait) (rollout.State, error) {
		for _, place := range []int{2, 2, 1, 1} {
			w.Told(servertest.At(0), ahead(place))
		}
		return then(ctx)
	}
	return f
}

// queued serves a rollout in its turn.
func queued(f *servertest.Rollouts) *servertest.Rollouts {
	return inTurn(f, func(context.Context) (rollout.State, error) { return f.RolloutFunc(id) })
}

// inVain lets every request wait in vain.
func inVain() *servertest.Rollouts {
	return inTurn(&servertest.Rollouts{}, func(context.Context) (rollout.State, error) {
		return rollout.State{}, fault.Hide(ahead(1), fault.Busy, "waited 30m in vain, and nothing was begun: capakraken is held by somebody else")
	})
}

// interruptible lets every request wait until its client goes away, and then answers what became of it.
func interruptible(became error) *servertest.Rollouts {
	f := inTurn(&servertest.Rollouts{}, func(ctx context.Context) (rollout.State, error) {
		<-ctx.Done()
		return rollout.State{}, fault.New(fault.Conflict, "given up")
	})
	f.WithdrawFunc = func(context.Context, string, string) error { return became }
	return f
}

// waitedFor is an app that somebody has locked, and others wait for.
func waitedFor() *servertest.Rollouts {
	a := app()
	a.Lock = &rollout.Lock{Holder: "bob", UID: new(int64(1001)), Since: servertest.At(-2*86400 - 4*3600), Reason: "year-end freeze"}
	a.Waiting = []rollout.Waiter{
		{Kind: rollout.Deploy, Image: "2.1.0", Requester: "alice", UID: 1000, Since: servertest.At(0), Until: servertest.At(1800), Reason: "ADR 0001"},
		{Kind: rollout.Rotate, Requester: "root", Since: servertest.At(540), Until: servertest.At(4140)},
	}
	return &servertest.Rollouts{
		AppFunc:  func(context.Context, string) (rollout.App, error) { return a, nil },
		AppsFunc: func(context.Context) []rollout.App { return []rollout.App{a} },
	}
}
