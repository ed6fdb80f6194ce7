package cli

import (
	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/rollout"
)

func (t *tool) rotate() *cobra.Command {
	var f triggering
	what := api.Trigger{Kind: rollout.Rotate}
	c := &cobra.Command{
		Use:   "rotate APP",
		Short: "Give an app the secrets that its env files hold now",
		Long: "Give an app the secrets that its env files hold now: validate, restart, verify.\n\n" +
			"The image stays the one that runs, and the database is left alone.",
		Args: exactly("APP"),
		RunE: func(c *cobra.Command, args []string) error {
			client := t.client()
			defer client.Close()
			return t.trigger(c, client, args[0], what, f)
		},
	}
	c.Flags().BoolVar(&what.IfChanged, "if-changed", false, "do nothing where the app runs with what its env files hold; a comment is no change")
	allowWeaker(c, &what)
	f.flags(c)
	return c
}
