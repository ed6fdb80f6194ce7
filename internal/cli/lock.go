package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/api"
)

func (t *tool) lock() *cobra.Command {
	return t.locking("lock APP --reason TEXT", "Hold an app against new rollouts",
		"Hold an app against new rollouts until it is unlocked. A rollout that runs is not stopped.",
		"%s is locked; unlock it with: fairlead unlock %[1]s --reason TEXT", (*api.Client).Lock)
}

func (t *tool) unlock() *cobra.Command {
	return t.locking("unlock APP --reason TEXT", "Let an app be rolled out again",
		"Let an app be rolled out again. The lock that a halted rollout left takes an admin: somebody must have put right what it left.",
		"%s is unlocked", (*api.Client).Unlock)
}

// locking returns a command that sets or takes a lock.
func (t *tool) locking(use, title, long, done string, do func(c *api.Client, ctx context.Context, app, reason string) error) *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: use, Short: title, Long: long, Args: exactly("APP"),
		RunE: func(c *cobra.Command, args []string) error {
			if reason == "" {
				return misused(c, "--reason is missing: whoever finds the lock, or the audit log, wants to know why")
			}
			client := t.client()
			defer client.Close()
			if err := do(client, c.Context(), args[0], reason); err != nil {
				return err
			}
			if t.json() {
				return t.encode(map[string]string{"app": args[0]})
			}
			t.say(done, args[0])
			return nil
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why")
	return c
}
