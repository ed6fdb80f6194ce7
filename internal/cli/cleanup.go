package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
)

func (t *tool) cleanup() *cobra.Command {
	var f triggering
	var yes bool
	c := &cobra.Command{
		Use:   "cleanup APP",
		Short: "Clear an app's legacy secret values from its database",
		Long: "Clear an app's legacy secret values from its database: validate, verify, clear.\n\n" +
			"No container is touched. A value is cleared only when the running app proves that it takes the secret from the environment.\n" +
			"It cannot be undone: on a terminal you are asked first, elsewhere --yes must be given.",
		Args: exactly("APP"),
		RunE: func(c *cobra.Command, args []string) error {
			client := t.client()
			defer client.Close()
			if !yes {
				agreed, err := t.agree(c, client, args[0])
				if err != nil || !agreed {
					return err
				}
			}
			return t.trigger(c, client, args[0], api.Trigger{Kind: rollout.Cleanup}, f)
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	f.flags(c)
	return c
}

// agree shows what would be cleared and asks. It returns false when there is nothing to clear.
func (t *tool) agree(c *cobra.Command, client *api.Client, app string) (bool, error) {
	if !t.Terminal(t.In) || t.json() {
		return false, misused(c, "a cleanup cannot be undone, and there is no terminal to ask on: give --yes if you mean it")
	}
	report, err := client.Residue(c.Context(), app)
	if err != nil {
		return false, err
	}
	left := rollout.Left(report.Residue)
	if len(left) == 0 {
		t.say("the database of %s holds no legacy value: there is nothing to clear", app)
		return false, nil
	}
	t.residueTable(report)
	t.warnOfCopies(report)
	return true, t.confirm(c.Context(), "Clear "+count(len(left), "value", "values")+" from the database of "+app+t.on()+" for good? [y/N] ")
}

// confirm asks, and returns an error unless the answer is yes.
func (t *tool) confirm(ctx context.Context, question string) error {
	answer, err := t.ask(ctx, question)
	if err != nil {
		return err
	}
	if answer != "y" && answer != "yes" {
		return fault.New(fault.Refused, "not confirmed: nothing was changed")
	}
	return nil
}
