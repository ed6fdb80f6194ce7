package cli

import (
	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
)

func (t *tool) residue() *cobra.Command {
	return &cobra.Command{
		Use:   "residue APP",
		Short: "Show which legacy secret values an app's database still holds",
		Long: "Show which legacy secret values an app's database still holds, and how they compare with the environment's. Nothing is changed,\n" +
			"and no value is shown. Exit code 7 when there are any, so that it can be run from time to time.",
		Args: exactly("APP"),
		RunE: func(c *cobra.Command, args []string) error {
			client := t.client()
			defer client.Close()
			report, err := client.Residue(c.Context(), args[0])
			if err != nil {
				return err
			}
			left := rollout.Left(report.Residue)
			if t.json() {
				err = t.encode(report)
			} else {
				t.residueTable(report)
				t.residueVerdict(args[0], left)
			}
			if err == nil && len(left) > 0 {
				err = toldFault(fault.Difference)
			}
			return err
		},
	}
}

func (t *tool) residueTable(report rollout.ResidueReport) {
	rows := [][]string{{"SECRET", "COLUMN", "LEGACY VALUE"}}
	for _, r := range report.Residue {
		text := verdict(r.Verdict)
		if r.Verdict != secret.Empty && r.Kept != "" {
			text += "; would be kept: " + r.Kept
		}
		rows = append(rows, []string{r.Secret, r.Column, text})
	}
	t.table(rows)
}

func (t *tool) residueVerdict(app string, left []string) {
	if len(left) == 0 {
		t.say("no legacy value is left in the database of %s", app)
		return
	}
	t.say("%s in the database of %s; clear what the app no longer needs with: fairlead cleanup %s",
		count(len(left), "legacy value remains", "legacy values remain"), app, app)
}
