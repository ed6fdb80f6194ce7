package orchestrator

import (
	"context"
	"slices"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/rollout"
)

// Unlock takes an app's lock away, and every lock that was on before it. Where fairlead itself has locked the app, the
// host is looked at first, and what it shows is recorded: it is what the app runs from here on, whatever the journal said
// before. An app of which two containers live stays locked, and so does one that cannot be looked at.
func (o *Orchestrator) Unlock(ctx context.Context, by journal.Actor, name, reason string) (rollout.Unlocked, error) {
	if err := o.configured(name); err != nil {
		return rollout.Unlocked{}, err
	}
	o.mu.Lock()
	lock := o.ledger.app(name).Lock
	o.mu.Unlock()
	if lock == nil {
		return rollout.Unlocked{}, fault.New(fault.Conflict, "%s is not locked", name)
	}
	if err := reasoned(reason); err != nil {
		return rollout.Unlocked{}, err
	}
	out := rollout.Unlocked{App: name, Lock: *lock}
	if lock.Guards() {
		seen, err := o.inspect(ctx, name)
		if err != nil {
			return out, err
		}
		out.Observed = &seen
	}
	if err := o.pen.takeFor(ctx); err != nil {
		return out, err
	}
	defer o.pen.give()
	switch now := o.ledger.app(name); {
	case now.Lock != lock:
		return out, fault.New(fault.Conflict, "the lock of %s has changed meanwhile; look at it with 'fairlead status %[1]s', then unlock again", name)
	case lock.Guards() && now.Active != "":
		return out, fault.New(fault.Conflict, "rollout %s of %s has not ended; %[2]s stays locked; unlock it when it has", now.Active, name)
	}
	return out, o.mark(by, name, appUnlocked, finding{reason, out.Observed})
}

// inspect looks at an app that is to be unlocked.
func (o *Orchestrator) inspect(ctx context.Context, name string) (rollout.Observed, error) {
	ctx, cancel := context.WithTimeout(ctx, laterLook)
	defer cancel()
	a, containers, err := o.look(ctx, name)
	if err != nil {
		return rollout.Observed{}, fault.Hide(err, fault.Unavailable, "%s is still locked, since an unlock records what runs, and the host cannot be looked at: %s", name, fault.Text(err))
	}
	if twins := rollout.Twins(a, containers); len(twins) > 0 {
		return rollout.Observed{}, fault.New(fault.Conflict, "%s is still locked, since there must never be two live containers of one service: %s; find out which one is right, stop and remove the other by hand, then unlock again",
			name, rollout.Names(twins))
	}
	return rollout.Observe(a, containers), nil
}

// take has the app run what a look at the host has shown. What was known of another release is forgotten with it.
func (a *app) take(seen rollout.Observed, at time.Time, why string) {
	for _, c := range seen.Containers {
		if c.Rollout != "" && !slices.Contains(a.Seen, c.Rollout) {
			a.Seen = append(a.Seen, c.Rollout)
		}
	}
	if now := seen.Current; now != nil && !a.knows(now.Image) {
		a.remember(rollout.Past{Release: *now, Since: now.Since})
	}
	switch now := seen.Current; {
	case now == nil:
		a.Current, a.Left, a.Adopted, a.Secrets = nil, nil, nil, map[string]known{}
	case a.Current == nil || a.Current.ID != now.ID:
		if a.Current == nil || a.Current.Env != now.Env {
			a.Secrets = map[string]known{}
		}
		current := *now
		a.Current, a.Adopted = &current, &rollout.Adopted{Since: at, Why: why}
		if a.Left != nil && a.Left.Release.ID != now.ID {
			a.Left = nil
		}
	}
}

// unlocked takes in that the lock was taken away.
func (a *app) unlocked(r journal.Record) {
	f := findingOf(r)
	if f.Observed != nil {
		a.take(*f.Observed, r.Time, "it ran when "+r.Actor.User+" unlocked the app: "+f.Reason)
	}
	a.Lock = nil
}
