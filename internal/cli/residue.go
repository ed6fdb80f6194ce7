package cli

import (
	"slices"

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
				t.residueVerdict(report, left)
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

// residueVerdict says what is left, and what a cleanup would do about it.
func (t *tool) residueVerdict(report rollout.ResidueReport, left []string) {
	app := report.App
	if len(left) == 0 {
		t.say("no legacy value is left in the database of %s", app)
		return
	}
	t.say("%s in the database of %s", count(len(left), "legacy value remains", "legacy values remain"), app)
	t.warnOfCopies(report)
	holds := func(v secret.Verdict) bool {
		return slices.ContainsFunc(report.Residue, func(r secret.Residue) bool { return r.Verdict == v })
	}
	if holds(secret.Same) {
		t.say("next: clear what is the same as the environment's with: fairlead cleanup %s", app)
	}
	if holds(secret.Differs) {
		t.say("next: find out which value is right where they differ, and provision it; a cleanup leaves the other alone, unless on_mismatch is clear for it in the configuration")
	}
}
