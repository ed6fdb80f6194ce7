package cli

import (
	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/rollout"
)

func (t *tool) deploy() *cobra.Command {
	var f triggering
	what := api.Trigger{Kind: rollout.Deploy}
	c := &cobra.Command{
		Use:   "deploy APP --image REF",
		Short: "Move an app to another image",
		Long: "Move an app to another image: validate, pull, restart, verify, clear.\n\n" +
			"REF is a tag (2.0.0), a digest (sha256:...), or a whole reference in the app's repository. The rollout is followed until it\n" +
			"has ended. Ctrl-C lets go of it, and it goes on.",
		Args: exactly("APP"),
		RunE: func(c *cobra.Command, args []string) error {
			if what.Image == "" {
				return misused(c, "--image is missing: say which release, for example --image 2.0.0")
			}
			client := t.client()
			defer client.Close()
			return t.trigger(c, client, args[0], what, f)
		},
	}
	c.Flags().StringVar(&what.Image, "image", "", "the release: a tag, a digest, or a whole reference")
	c.Flags().BoolVar(&what.Force, "force", false, "replace the containers even if this release runs already")
	allowWeaker(c, &what)
	f.flags(c)
	return c
}

// allowWeaker adds the flag to a command that replaces containers.
func allowWeaker(c *cobra.Command, what *api.Trigger) {
	c.Flags().BoolVar(&what.AllowWeaker, "allow-weaker", false, "accept containers that are less hardened than those they replace")
}
