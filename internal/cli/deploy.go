package cli

import (
	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/rollout"
)

func (t *tool) deploy() *cobra.Command {
	var f triggering
	var p promoting
	what := api.Trigger{Kind: rollout.Deploy}
	c := &cobra.Command{
		Use:   "deploy APP --image REF|--from CONTEXT",
		Short: "Move an app to another image",
		Long: "Move an app to another image: validate, pull, restart, verify, clear.\n\n" +
			"REF is a tag (2.0.0), a digest (sha256:...), or a whole reference in the app's repository. The rollout is followed until it\n" +
			"has ended. Ctrl-C lets go of it, and it goes on.\n\n" +
			"With --from it is the release that runs and is verified on another host, by its digest. It is refused (exit 3) where it is not\n" +
			"verified there, and (exit 7) where the two hosts do not provision the app by the same rules; see 'fairlead parity'.",
		Args: exactly("APP"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := p.check(c, f.reason); err != nil {
				return err
			}
			switch {
			case what.Image == "" && p.from == "":
				return misused(c, "--image is missing: say which release, for example --image 2.0.0")
			case what.Image != "" && p.from != "":
				return misused(c, "--image and --from both say which release: keep one")
			}
			client := t.client()
			defer client.Close()
			if p.from != "" {
				there := t.clientBy(p.from)
				defer there.Close()
				h, err := p.verifiedThere(c.Context(), there, client, args[0])
				if err != nil {
					return err
				}
				what = h.trigger(what, p.from)
				if !h.found.Parity {
					t.hint("%s; it is allowed, and recorded", tally(h.found))
				}
			}
			return t.trigger(c, client, args[0], what, f)
		},
	}
	c.Flags().StringVar(&what.Image, "image", "", "the release: a tag, a digest, or a whole reference")
	c.Flags().BoolVar(&what.Force, "force", false, "replace the containers even if this release runs already")
	allowWeaker(c, &what)
	p.flags(c)
	f.flags(c)
	return c
}

// allowWeaker adds the flag to a command that replaces containers.
func allowWeaker(c *cobra.Command, what *api.Trigger) {
	c.Flags().BoolVar(&what.AllowWeaker, "allow-weaker", false, "accept containers that are less hardened than those they replace")
}
