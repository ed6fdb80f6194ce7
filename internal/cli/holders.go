package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/rollout"
)

// lasting says since when something is so, and for how long.
func (t *tool) lasting(since time.Time) string {
	return fmt.Sprintf("since %s, for %s", stamp(since), rollout.Age(t.Now().Sub(since)))
}

func (t *tool) lockedBy(l *rollout.Lock) string {
	if l == nil {
		return ""
	}
	return fmt.Sprintf("by %s %s: %s", rollout.Who(l.Holder, l.UID), t.lasting(l.Since), l.Reason)
}

// active says which rollout holds the app, and who asked for it.
func (t *tool) active(ctx context.Context, client *api.Client, a rollout.App) string {
	if a.Active == "" {
		return ""
	}
	r, err := client.Rollout(ctx, a.Active)
	if err != nil {
		return a.Active
	}
	return fmt.Sprintf("%s, %s by %s %s%s, %s", a.Active, r.Kind, rollout.Who(r.Request.Requester, r.Request.UID), t.lasting(r.Begun),
		because(r.Request.Reason), running(r))
}

// waiters says, line by line, who waits for the app.
func (t *tool) waiters(a rollout.App) {
	for i, w := range a.Waiting {
		if i == 0 {
			t.say("")
		}
		what := string(w.Kind)
		if w.Image != "" {
			what += " of " + w.Image
		}
		t.say("waiting %d: %s by %s %s%s, until %s at most", i+1, what, rollout.Who(w.Requester, &w.UID), t.lasting(w.Since), because(w.Reason), stamp(w.Until))
	}
}

// because returns a reason in brackets, and nothing where none was given.
func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + reason + ")"
}
