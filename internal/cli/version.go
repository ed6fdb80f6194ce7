package cli

import "github.com/spf13/cobra"

func (t *tool) version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print this command's version",
		Args:  exactly(),
		RunE: func(*cobra.Command, []string) error {
			if t.json() {
				return t.encode(map[string]string{"version": t.Version})
			}
			t.say("fairlead %s", t.Version)
			return nil
		},
	}
}
