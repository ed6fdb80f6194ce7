package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/rollout"
)

func (t *tool) rollback() *cobra.Command {
	var f triggering
	what := api.Trigger{Kind: rollout.Rollback}
	c := &cobra.Command{
		Use:   "rollback APP [--to RELEASE]",
		Short: "Go back to an earlier release's image",
		Long: "Go back to an earlier release's image: validate, pull only if it is not on the host any more, restart, verify.\n\n" +
			"The environment is today's, and the app must take every required secret from it, as with a deploy; a rollback that fails is\n" +
			"turned back. Without --to it goes to the newest release with another image than the one that runs. 'fairlead status APP' lists\n" +
			"them. Where a release since then has run a pre_start you are asked first; where there is no terminal, --yes must be given.",
		Args: exactly("APP"),
		RunE: func(c *cobra.Command, args []string) error {
			client := t.client()
			defer client.Close()
			if !what.Confirmed && t.Terminal(t.In) && !t.json() {
				agreed, err := t.accept(c, client, args[0], what.Release)
				if err != nil {
					return err
				}
				what.Confirmed = agreed
			}
			return t.trigger(c, client, args[0], what, f)
		},
	}
	c.Flags().StringVar(&what.Release, "to", "", "the release to go back to: its id, or the beginning of it")
	c.Flags().BoolVarP(&what.Confirmed, "yes", "y", false, "go back past a release that ran a pre_start, without being asked")
	allowWeaker(c, &what)
	f.flags(c)
	return c
}

// accept asks whether to go back although the database may have changed. It returns false where there is nothing to
// ask: the daemon then refuses what it must.
func (t *tool) accept(c *cobra.Command, client *api.Client, app, release string) (bool, error) {
	a, err := client.App(c.Context(), app)
	if err != nil {
		return false, err
	}
	for _, target := range a.Targets {
		if !strings.HasPrefix(target.Release.ID, release) {
			continue
		}
		if len(target.PreStarts) == 0 {
			return false, nil
		}
		t.say("%s", target.Warning())
		return true, t.confirm(c.Context(), "Go back to release "+target.Release.ID+" ("+target.Release.Image.String()+")"+t.on()+"? [y/N] ")
	}
	return false, nil
}
