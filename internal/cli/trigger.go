package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/api"
)

// triggering are the flags of commands that begin a rollout.
type triggering struct {
	following
	queuing
	reason, key string
	detach      bool
}

func (f *triggering) flags(c *cobra.Command) {
	f.following.flags(c)
	f.queuing.flags(c)
	c.Flags().StringVar(&f.reason, "reason", "", "why, for the audit log")
	c.Flags().StringVar(&f.key, "idempotency-key", "", "a second request with the same key is the same rollout")
	c.Flags().BoolVarP(&f.detach, "detach", "d", false, "return as soon as the rollout is recorded")
}

// trigger begins a rollout and follows it.
func (t *tool) trigger(c *cobra.Command, client *api.Client, app string, what api.Trigger, f triggering) error {
	ctx := c.Context()
	limit, err := f.patience(c)
	if err != nil {
		return err
	}
	what.Reason = f.reason
	var r api.Rollout
	if limit > 0 {
		r, err = t.inTurn(ctx, client, app, what, f, limit)
	} else {
		r, err = client.Trigger(ctx, app, what, f.key)
	}
	_, said := errors.AsType[*told](err)
	switch {
	case said:
		return err
	case err != nil && ctx.Err() != nil:
		t.hint("interrupted before the daemon answered: the rollout may have begun; look with: fairlead status %s", app)
		return &told{interrupted}
	case err != nil:
		return err // it says who holds the app, where that is the reason
	case r.ID == "": // it was asked for under a condition
		return t.unneeded(r)
	case f.detach:
		return t.begun(r, f.quiet)
	}
	return t.follow(ctx, client, r.ID, f.following)
}

// unneeded says that nothing was begun, since nothing has changed.
func (t *tool) unneeded(r api.Rollout) error {
	if t.json() {
		return t.encode(r)
	}
	t.say("%s", unneeded(r.App))
	return nil
}

// begun says that a rollout has begun that nobody follows.
func (t *tool) begun(r api.Rollout, quiet bool) error {
	switch {
	case t.json():
		return t.encode(r)
	case quiet:
		t.say("%s", r.ID)
	default:
		t.say("%s", headline(r.Request))
		t.say("it goes on by itself; follow it with: fairlead watch %s", r.ID)
	}
	return nil
}
