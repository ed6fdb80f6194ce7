package cli

import "github.com/spf13/cobra"

func (t *tool) watch() *cobra.Command {
	var f following
	c := &cobra.Command{
		Use:   "watch ROLLOUT",
		Short: "Follow a rollout from its beginning until it has ended",
		Long:  "Follow a rollout from its beginning until it has ended, and exit as the command that began it would.",
		Args:  exactly("ROLLOUT"),
		RunE: func(c *cobra.Command, args []string) error {
			client := t.client()
			defer client.Close()
			return t.follow(c.Context(), client, args[0], f)
		},
	}
	f.flags(c)
	return c
}
