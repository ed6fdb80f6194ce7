// Package legacy finds and clears residue: secret values that an app's PostgreSQL database still holds from the time
// when it was their home. It reads one row of one table, and clearing is one short transaction that locks the row,
// compares, clears, and reads again.
//
// Values are compared here and not in the database, so no secret is ever a part of a statement or one of its
// parameters, where a server's log could keep it. Where a function of the database compares, it is sent a salted hash. PostgreSQL 12 and later is understood, directly or behind PgBouncer.
package legacy

import (
	"context"
	"errors"
	"net/netip"

	"github.com/jackc/pgx/v5"

	"github.com/capakraken/fairlead/internal/secret"
)

// ErrUnknown tells that Clear cannot say what the database holds now: the answer to its commit was lost, or the look
// after it failed. The caller has to inspect again.
var ErrUnknown = errors.New("what the database holds is unknown")

// Target is where an app's legacy values are.
type Target struct {
	App       string       // shown in the database's list of sessions
	DSN       secret.Value // a postgresql:// URL; Prisma's parameters are understood
	DSNOrigin string       // how errors call the DSN, for example "DATABASE_URL (/etc/app/.env.production:3)"
	Schema    string       // empty for the schema that the DSN names, and public when it names none
	Table     string
	RowColumn string // the column that picks the row
	RowValue  string // its value as text; exactly one row must have it
	Columns   []Column
	// Function names the function, in the table's schema, that looks and clears in our place; the user of the URL needs no
	// right on the table then. Empty where the table itself is read and written.
	Function string
	// Identity is what the database was found to be before. What it does not say is not compared.
	Identity secret.Identity
}

// Column is where one secret's legacy value is.
type Column struct {
	Secret     string
	Column     string
	OnMismatch secret.OnMismatch // empty for Keep
}

// Options are what a Database is made of.
type Options struct {
	// Lookup resolves a host name as the app's containers see it. Where it is nil or finds nothing, the host's own
	// resolver is asked. TLS checks the name, however it was resolved.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
}

// Database looks for residue and clears it. It holds no connection and is safe for concurrent use.
type Database struct {
	lookup func(ctx context.Context, host string) ([]netip.Addr, error)
}

// New returns a Database.
func New(o Options) *Database { return &Database{lookup: o.Lookup} }

// Inspect compares every column of the target with the expected value of its secret, and returns them in the target's
// order. A secret that expected does not name has no value in the environment. Inspect changes nothing, but it refuses
// whatever Clear would refuse of the server, the table and the row, so that this is known early. A table or a row that is
// not there is a NotFound fault.
func (d *Database) Inspect(ctx context.Context, t Target, expected map[string]secret.Value) ([]secret.Residue, error) {
	s, err := d.open(ctx, t)
	if err != nil {
		return nil, err
	}
	defer s.close()
	tx, err := s.begin(ctx, pgx.ReadOnly)
	if err != nil {
		return nil, err
	}
	_, findings, err := s.examine(ctx, tx, justLook, expected)
	if err != nil {
		return nil, err
	}
	residue := make([]secret.Residue, len(findings))
	for i, f := range findings {
		residue[i] = f.residue()
	}
	return residue, nil
}
