package cli

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
)

const (
	// usualWait is how long --wait waits.
	usualWait = 30 * time.Minute
	// parting is how long an interrupted command takes at most to find out what became of its request.
	parting = 5 * time.Second
)

// queuing are the flags of commands that wait for their turn.
type queuing struct {
	wait  bool
	limit span
}

func (f *queuing) flags(c *cobra.Command) {
	f.limit.flag = "wait-timeout"
	c.Flags().BoolVarP(&f.wait, "wait", "w", false, "wait until the app is free, 30 minutes at most")
	c.Flags().Var(&f.limit, "wait-timeout", "wait until the app is free, so long at most; then exit 6")
}

// patience returns how long to wait, 0 for not at all.
func (f *queuing) patience(c *cobra.Command) (time.Duration, error) {
	switch limit := f.limit.Duration; {
	case !c.Flags().Changed("wait-timeout") && f.wait:
		return usualWait, nil
	case !c.Flags().Changed("wait-timeout"):
		return 0, nil
	case limit < time.Second || limit > 24*time.Hour:
		return 0, misused(c, "--wait-timeout is "+limit.String()+", where a time from 1s to 24h belongs")
	default:
		return limit, nil
	}
}

// inTurn begins a rollout when it is its turn, and says meanwhile whom it waits for.
func (t *tool) inTurn(ctx context.Context, client *api.Client, app string, what api.Trigger, f triggering, limit time.Duration) (api.Rollout, error) {
	key := cmp.Or(f.key, "wait-"+rand.Text())
	waits := false
	say := func(text string) {
		head := "waiting"
		if !waits {
			head = "waiting for " + inWords(limit) + " at most"
		}
		waits = true
		if !t.json() && !f.quiet {
			t.hint("%s: %s", head, text)
		}
	}
	r, err := client.TriggerInTurn(ctx, app, what, key, api.Waiting{Limit: limit, Away: say,
		Told: func(p api.Problem) { say(p.Detail) }})
	if err != nil && ctx.Err() != nil && waits {
		return r, t.leaveQueue(client, app, key)
	}
	return r, err
}

// leaveQueue ends a command that was interrupted while it waited, and says for sure what became of its request.
func (t *tool) leaveQueue(client *api.Client, app, key string) error {
	ctx, cancel := context.WithTimeout(context.Background(), parting)
	defer cancel()
	err := client.Withdraw(ctx, app, key)
	p, known := errors.AsType[*api.Problem](err)
	switch {
	case err == nil:
		t.hint("interrupted: the request has left the queue, and nothing was begun")
	case known && p.Kind == fault.Conflict && p.Rollout != "":
		t.hint("interrupted, but its turn had just come: "+goesOn, p.Rollout, p.Rollout, p.Rollout)
	default:
		t.hint("interrupted: the request has left the queue; whether its turn had just come cannot be told now (%s); look with: fairlead status %s", fault.Summary(err), app)
	}
	return &told{interrupted}
}

// inWords returns a limit without the seconds that it does not have.
func inWords(limit time.Duration) string {
	if limit%time.Minute == 0 {
		return rollout.Age(limit)
	}
	return limit.String()
}
