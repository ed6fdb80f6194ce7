package cli

import (
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/rollout"
)

func (t *tool) secrets() *cobra.Command {
	return &cobra.Command{
		Use:   "secrets APP",
		Short: "Show where each of an app's secrets stands, never a value",
		Long: "Show of each secret of an app: its variable, whether it is provisioned in the env sources, where the running app says it takes it\n" +
			"from, what the database still holds of it, and when its value last changed. A value is never shown.",
		Args: exactly("APP"),
		RunE: func(c *cobra.Command, args []string) error {
			client := t.client()
			defer client.Close()
			report, err := client.Secrets(c.Context(), args[0])
			if err != nil {
				return err
			}
			if t.json() {
				return t.encode(report)
			}
			t.secretTable(report)
			return nil
		},
	}
}

func (t *tool) secretTable(report rollout.SecretReport) {
	rows := [][]string{{"VARIABLE", "SECRET", "REQUIRED", "PROVISIONED", "SOURCE", "RESIDUE", "CHANGED", "FROM", "DESCRIPTION"}}
	for _, s := range report.Secrets {
		rows = append(rows, []string{s.Env, s.Name, yesNo(s.Required), provisioned(s), sources(s), string(s.Residue), t.moment(s.Changed), orDash(s.Origin), s.Description})
	}
	t.table(rows)
	for _, s := range report.Secrets {
		for _, f := range s.Faults {
			t.say("fault: %s: %s %s", orDash(s.Origin), s.Env, f)
		}
	}
	for _, note := range report.Notes {
		t.say("note: %s", note)
	}
	if slices.ContainsFunc(report.Secrets, func(s rollout.SecretStatus) bool { return s.Pending }) {
		t.say("next: the env sources hold values that do not run yet; roll them out with: fairlead rotate %s", report.App)
	}
}

// provisioned says whether a secret is in the env sources, and whether what is there runs.
func provisioned(s rollout.SecretStatus) string {
	switch {
	case len(s.Faults) > 0:
		return "faulty"
	case s.Pending && s.Provisioned:
		return "yes, not running yet"
	case s.Pending:
		return "no, but still running"
	}
	return yesNo(s.Provisioned)
}

// sources says where the running services take a secret from: one word if all say the same.
func sources(s rollout.SecretStatus) string {
	services := slices.Sorted(maps.Keys(s.Sources))
	var all []string
	for _, service := range services {
		all = append(all, service+"="+string(s.Sources[service]))
	}
	if said := slices.Compact(slices.Sorted(maps.Values(s.Sources))); len(said) == 1 {
		return string(said[0])
	}
	return strings.Join(all, " ")
}
