package legacy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

// check returns what is wrong with the target itself, all at once.
func (t Target) check() error {
	var problems []fault.Problem
	add := func(where, what string) { problems = append(problems, fault.Problem{Where: where, What: what}) }
	name := func(where, s string) {
		switch {
		case s == "":
			add(where, "is empty")
		case strings.ContainsRune(s, 0):
			add(where, "holds a NUL character")
		}
	}
	name("legacy.table", t.Table)
	name("legacy.row column", t.RowColumn)
	if strings.ContainsRune(t.RowValue, 0) {
		add("legacy.row value", "holds a NUL character")
	}
	for i, c := range t.Columns {
		where := "secret " + c.Secret
		name(where+": legacy.column", c.Column)
		if c.Column == t.RowColumn {
			add(where, fmt.Sprintf("column %q is the one that picks the row", c.Column))
		}
		if slices.ContainsFunc(t.Columns[:i], func(other Column) bool { return other.Column == c.Column }) {
			add(where, fmt.Sprintf("column %q belongs to another secret already", c.Column))
		}
		if !slices.Contains([]secret.OnMismatch{"", secret.Keep, secret.Clear, secret.Refuse}, c.OnMismatch) {
			add(where, "on_mismatch is none of keep, clear and refuse")
		}
	}
	if strings.ContainsRune(t.Function, 0) {
		add("legacy.function", "holds a NUL character")
	}
	if len(t.Columns) == 0 {
		add("legacy", "no secret names a legacy column")
	}
	return fault.Many(fault.Refused, "the legacy values cannot be looked for", problems)
}

// relation returns the table's full name, quoted.
func (t Target) relation() string { return pgx.Identifier{t.Schema, t.Table}.Sanitize() }

func quote(column string) string { return pgx.Identifier{column}.Sanitize() }
