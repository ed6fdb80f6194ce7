package cli

import "github.com/spf13/cobra"

func (t *tool) cancel() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use:   "cancel ROLLOUT",
		Short: "Turn a rollout back",
		Long: "Turn a rollout back. Once something was changed, what ran before is restored; before that, the rollout ends as refused.\n" +
			"When its containers are verified, a rollout can no longer be cancelled.",
		Args: exactly("ROLLOUT"),
		RunE: func(c *cobra.Command, args []string) error {
			client := t.client()
			defer client.Close()
			r, err := client.Cancel(c.Context(), args[0], reason)
			if err != nil {
				return err
			}
			if t.json() {
				return t.encode(r)
			}
			t.say("rollout %s is cancelled and being turned back; follow it with: fairlead watch %s", r.ID, r.ID)
			return nil
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why, for the audit log")
	return c
}
