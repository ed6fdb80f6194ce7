package cli

import (
	"cmp"
	"io"

	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/legacysql"
	"github.com/capakraken/fairlead/internal/secret"
)

func (t *tool) legacy() *cobra.Command {
	c := &cobra.Command{
		Use:   "legacy COMMAND",
		Short: "Prepare a database for clearing its legacy values",
		Args:  subcommand,
		RunE: func(c *cobra.Command, _ []string) error {
			return misused(c, "say what: fairlead legacy sql APP")
		},
	}
	c.AddCommand(t.legacySQL())
	return c
}

func (t *tool) legacySQL() *cobra.Command {
	var file, role string
	var constraint bool
	c := &cobra.Command{
		Use:   "sql APP",
		Short: "Print the SQL that lets Fairlead clear legacy values without a right to read them, without the daemon",
		Long: "Print, for the database's administrator, a function that compares the legacy values inside of the database, answers with\n" +
			"empty, same or differs, and clears; and a role that may do nothing but call it. Name it as legacy.function in the app's\n" +
			"configuration, and have legacy.dsn name the role. With --constraint, print a CHECK constraint that keeps new secret values\n" +
			"out of the legacy columns, for when they are empty. Nothing is connected to, and nothing is changed.",
		Args: exactly("APP"),
		RunE: func(_ *cobra.Command, args []string) error {
			app, err := configured(file, args[0])
			switch {
			case err != nil:
				return err
			case app.Legacy == nil:
				return fault.New(fault.Refused, "%s has no legacy database configured", app.Name)
			case role == "" || len(role) > 63:
				return fault.New(fault.Usage, "--role must be 1 to 63 bytes long")
			}
			return t.tellLegacySQL(app, role, constraint)
		},
	}
	c.Flags().StringVar(&file, "config", defaultConfig, "the configuration")
	c.Flags().StringVar(&role, "role", legacysql.DefaultRole, "the role that Fairlead connects as")
	c.Flags().BoolVar(&constraint, "constraint", false, "print the constraint that keeps new values out")
	return c
}

// tellLegacySQL prints one of the two scripts.
func (t *tool) tellLegacySQL(app config.App, role string, constraint bool) error {
	l := app.Legacy
	table := legacysql.Table{Schema: cmp.Or(l.Schema, "public"), Name: l.Table, RowColumn: l.Row.Column, RowValue: l.Row.Value,
		Function: cmp.Or(l.Function, legacysql.DefaultFunction)}
	for _, s := range app.Secrets {
		if s.LegacyColumn != "" {
			table.Columns = append(table.Columns, legacysql.Column{Name: s.LegacyColumn, Differing: s.OnMismatch == secret.Clear})
		}
	}
	t.say("-- fairlead %s: the legacy values of %s. Run it with psql --set=ON_ERROR_STOP=1, as the table's owner or a superuser.", t.Version, app.Name)
	if l.Schema == "" {
		t.say("-- The schema is taken to be public; write legacy.schema in the configuration if it is another one.")
	}
	if constraint {
		t.say("-- Run it when 'fairlead residue %s' finds the columns empty: until then an update of anything else in the row fails as well.", app.Name)
		t.say("")
		_, err := io.WriteString(t.Out, table.Constraint()) // to the letter, since the daemon compares
		return written(err)
	}
	if l.Function == "" {
		t.say("-- Then write function: %s under legacy in the app's configuration.", table.Function)
	}
	t.say("-- Run it again after each change of legacy, or of a secret's legacy.column or on_mismatch.")
	t.say("")
	if _, err := io.WriteString(t.Out, table.Grant(role)+"\n"); err != nil {
		return written(err)
	}
	t.say("-- Optional, and only when the columns are empty: fairlead legacy sql %s --constraint prints a CHECK constraint that", app.Name)
	t.say("-- refuses new secret values in them.")
	return nil
}
