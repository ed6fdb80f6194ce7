package cli_test

import (
	"context"
	"encoding/json"
	"iter"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/server/servertest"
	"github.com/capakraken/fairlead/internal/workload"
)

// seen is what a look at an app shows whose last rollout was not finished.
func seen() *rollout.Observed {
	return &rollout.Observed{
		Containers: []rollout.Shown{
			{Service: "web", Name: "capakraken-web", ID: oldID, Rollout: id, Release: "r1", Digest: digest, Status: workload.Running},
			{Service: "worker", Name: "by-hand", ID: newID, Status: workload.Exited}},
		Doubts: []string{"service worker does not run", "container by-hand of service worker is left over (exited)"}}
}

// lost is a daemon whose journal knows nothing of what runs. It was locked before.
func lost() *servertest.Rollouts {
	a := app()
	before := &rollout.Lock{Holder: "alice", Since: servertest.At(-60), Reason: "the auditors are here"}
	a.Current, a.Lock = nil, &rollout.Lock{Holder: "fairlead", Since: servertest.At(0), Reason: "the journal knows nothing of capakraken-web", Lost: true, Before: before}
	f := showing(a)
	f.UnlockFunc = func(context.Context, journal.Actor, string, string) (rollout.Unlocked, error) {
		return rollout.Unlocked{App: "capakraken", Lock: *a.Lock, Observed: seen()}, nil
	}
	f.AuditFunc = func(uint64) iter.Seq2[journal.Record, error] {
		reason := map[string]any{"reason": "the journal knows nothing of capakraken-web", "observed": seen()}
		settled := seen()
		settled.Current, settled.Doubts, settled.Containers = app().Current, nil, settled.Containers[:1]
		return told(
			noted("daemon.started", "", map[string]any{"version": "1.2.3", "level": 2, "key": "0f", "rekeyed": true}),
			noted("app.lost", "capakraken", reason),
			noted("app.unlocked", "capakraken", map[string]any{"reason": "put right", "observed": seen()}),
			noted("app.adopted", "capakraken", map[string]any{"reason": "the journal was lost", "observed": settled}),
			noted("app.unlocked", "capakraken", map[string]any{"reason": "it is through"}))
	}
	return f
}

// adopted is a daemon that has found its app running, on a host that it cannot look at any more.
func adopted() *servertest.Rollouts {
	a := app()
	a.Adopted = &rollout.Adopted{Since: servertest.At(0), Why: "the journal knows nothing of capakraken-web, which runs"}
	a.Unrecognised = "the Docker Engine does not answer"
	f := showing(a)
	f.UnlockFunc = func(context.Context, journal.Actor, string, string) (rollout.Unlocked, error) {
		o := seen()
		o.Current, o.Doubts, o.Containers = a.Current, nil, o.Containers[:1]
		return rollout.Unlocked{App: "capakraken", Observed: o}, nil
	}
	return f
}

func showing(a rollout.App) *servertest.Rollouts {
	return &servertest.Rollouts{
		AppFunc:  func(context.Context, string) (rollout.App, error) { return a, nil },
		AppsFunc: func(context.Context) []rollout.App { return []rollout.App{a} },
	}
}

// abandoned is a deploy that the next daemon did not go on with.
func abandoned() []rollout.Event {
	f := rollout.Failure{Kind: fault.Conflict, Message: "the host has gone on without this journal"}
	return append(toVerify(true),
		rollout.Event{Type: rollout.Abandoned, Outcome: rollout.Halted, Failure: &f},
		rollout.Event{Type: rollout.Ended, Outcome: rollout.Halted, Failure: &f})
}

// noted is a record that is no event of a rollout.
func noted(kind, app string, data any) journal.Record {
	text, err := json.Marshal(data)
	if err != nil {
		panic(err) // it can be encoded
	}
	return journal.Record{V: journal.Version, Time: servertest.At(0), Actor: journal.Actor{User: "fairlead"}, Type: kind, App: app, Data: text,
		Prev: "0000000000000000000000000000000000000000000000000000000000000000"}
}

// told yields records, numbered from 1.
func told(records ...journal.Record) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		for i, r := range records {
			if r.Seq = uint64(i) + 1; !yield(r, nil) {
				return
			}
		}
	}
}
