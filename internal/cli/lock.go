package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/rollout"
)

func (t *tool) lock() *cobra.Command {
	return t.locking("lock APP --reason TEXT", "Hold an app against new rollouts",
		"Hold an app against new rollouts until it is unlocked. A rollout that runs is not stopped.",
		func(ctx context.Context, client *api.Client, app, reason string) error {
			if err := client.Lock(ctx, app, reason); err != nil {
				return err
			}
			if t.json() {
				return t.encode(map[string]string{"app": app})
			}
			t.say("%s is locked; unlock it with: fairlead unlock %[1]s --reason TEXT", app)
			return nil
		})
}

func (t *tool) unlock() *cobra.Command {
	return t.locking("unlock APP --reason TEXT", "Let an app be rolled out again",
		"Let an app be rolled out again. The lock that a halted rollout left, or that fairlead put on because the host shows what\n"+
			"its journal does not know, takes an admin: somebody must have put right what is wrong. Then the host is looked at, and\n"+
			"what runs is current from there on.",
		func(ctx context.Context, client *api.Client, app, reason string) error {
			done, err := client.Unlock(ctx, app, reason)
			if err != nil {
				return err
			}
			if t.json() {
				return t.encode(done)
			}
			t.say("%s is unlocked", app)
			t.taken(done.Observed)
			return nil
		})
}

// taken says what an unlock has found on the host, where it had to look.
func (t *tool) taken(o *rollout.Observed) {
	if o == nil {
		return
	}
	if o.Current == nil {
		t.say("current from here on: no release, since not every service runs one and the same; a deploy sets it right")
	} else {
		t.say("current from here on: release %s, %s", o.Current.ID, o.Current.Image)
	}
	for _, c := range o.Containers {
		t.say("found: %s", shown(c))
	}
	for _, d := range o.Doubts {
		t.say("doubtful: %s", d)
	}
}

// locking returns a command that sets or takes a lock.
func (t *tool) locking(use, title, long string, do func(ctx context.Context, client *api.Client, app, reason string) error) *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: use, Short: title, Long: long, Args: exactly("APP"),
		RunE: func(c *cobra.Command, args []string) error {
			if reason == "" {
				return misused(c, "--reason is missing: whoever finds the lock, or the audit log, wants to know why")
			}
			client := t.client()
			defer client.Close()
			return do(c.Context(), client, args[0], reason)
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why")
	return c
}
