package legacy

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/capakraken/fairlead/internal/fault"
)

// Grants is what the user of a target's URL may do with the legacy table, and what the server says of itself.
type Grants struct {
	Server     string    // its version
	Now        time.Time // its clock
	User       string
	Table      string   // quoted, with its schema
	Unreadable []string // columns that are there and may not be read, quoted
	Unwritable []string // columns that are there and may not be updated, quoted
}

// Grants asks what the user may do. It changes nothing, and it does not read the row. A table that is not there is a
// NotFound fault; beside it there is what the server says of itself. What else stands against clearing, Inspect tells.
func (d *Database) Grants(ctx context.Context, t Target) (Grants, error) {
	s, err := d.open(ctx, t)
	if err != nil {
		return Grants{}, err
	}
	defer s.close()
	tx, err := s.begin(ctx, pgx.ReadOnly)
	if err != nil {
		return Grants{}, err
	}
	g := Grants{Table: s.relation()}
	err = tx.QueryRow(ctx, `SELECT pg_catalog.current_setting('server_version'), pg_catalog.clock_timestamp(), current_user::pg_catalog.text`).Scan(&g.Server, &g.Now, &g.User)
	if err != nil {
		return Grants{}, s.explain(ctx, err)
	}
	g.User = quote(g.User)
	r, err := s.find(ctx, tx)
	if err != nil {
		return g, err
	}
	attributes, err := s.attributes(ctx, tx, r.oid)
	if err != nil {
		return g, err
	}
	if s.Function != "" { // it is all that the user needs
		_, err := s.survey(ctx, tx)
		return g, err
	}
	columns := []string{s.RowColumn}
	for _, c := range s.Columns {
		columns = append(columns, c.Column)
	}
	var missing []fault.Problem
	for i, column := range columns {
		switch a, ok := attributes[column]; {
		case !ok:
			missing = append(missing, s.unfitColumn(column, lacking(false)))
		case !a.readable:
			g.Unreadable = append(g.Unreadable, quote(column))
			fallthrough
		default:
			if i > 0 && !a.writable && !a.generated {
				g.Unwritable = append(g.Unwritable, quote(column))
			}
		}
	}
	slices.Sort(g.Unreadable)
	slices.Sort(g.Unwritable)
	return g, fault.Many(fault.Refused, "the legacy table cannot be used", missing)
}
