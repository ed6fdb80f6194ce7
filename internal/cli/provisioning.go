package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/parity"
	"github.com/capakraken/fairlead/internal/rollout"
)

func (t *tool) provisioning() *cobra.Command {
	return &cobra.Command{
		Use:   "provisioning APP",
		Short: "Show by which rules an app is provisioned here, never a value",
		Long: "Show by which rules an app is provisioned here, point by point: the catalog, which variables are there and from which kind of\n" +
			"source, whether their values pass, what the database still holds, the release and its proof, the service definitions. No value\n" +
			"is in it, nor anything made from one. With -o json it is a report that 'fairlead parity' compares with another.",
		Args: exactly("APP"),
		RunE: func(c *cobra.Command, args []string) error {
			client := t.client()
			defer client.Close()
			report, err := client.Provisioning(c.Context(), args[0])
			if err != nil {
				return err
			}
			if t.json() {
				return t.encode(report)
			}
			t.reportTable(report)
			return nil
		},
	}
}

func (t *tool) reportTable(report parity.Report) {
	rows := [][]string{{"POINT", "HERE"}}
	for _, p := range report.Points() {
		rows = append(rows, []string{p.Name, p.Value})
	}
	t.table(rows)
	for _, note := range report.Notes {
		t.say("note: %s", note)
	}
}

// from says where the image of a request was verified before.
func from(r rollout.Request) string {
	if r.From == nil {
		return ""
	}
	return strings.TrimSpace(r.From.String())
}
