package cli

import "github.com/spf13/cobra"

func (t *tool) audit() *cobra.Command {
	c := &cobra.Command{
		Use:   "audit COMMAND",
		Short: "Read the journal, or verify it",
		Args:  subcommand,
		RunE: func(c *cobra.Command, _ []string) error {
			return misused(c, "say which: fairlead audit log, or fairlead audit verify")
		},
	}
	c.AddCommand(t.auditLog(), onlyHere(t.auditVerify()))
	return c
}
