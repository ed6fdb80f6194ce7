package legacy

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

// identify finds out what the database and the table are. What the user may not ask for stays empty: a server may have
// taken the right to ask away, and a statement that fails would end the transaction.
func (s *session) identify(ctx context.Context, tx pgx.Tx, r relation) (secret.Identity, error) {
	id := secret.Identity{Table: r.oid, Columns: s.places(r)}
	var system, timeline bool
	err := tx.QueryRow(ctx, `SELECT d.oid::pg_catalog.text,
		pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE'),
		pg_catalog.has_function_privilege('pg_catalog.pg_walfile_name(pg_catalog.pg_lsn)', 'EXECUTE')
			AND pg_catalog.has_function_privilege('pg_catalog.pg_current_wal_lsn()', 'EXECUTE')
		FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()`).Scan(&id.Database, &system, &timeline)
	if err != nil {
		return id, s.explain(ctx, err)
	}
	if system {
		err = tx.QueryRow(ctx, `SELECT system_identifier::pg_catalog.text FROM pg_catalog.pg_control_system()`).Scan(&id.System)
	}
	if err == nil && timeline {
		err = tx.QueryRow(ctx, `SELECT pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8)`).Scan(&id.Timeline)
	}
	if err != nil {
		return id, s.explain(ctx, err)
	}
	return id, nil
}

// places says where the legacy columns are. A column that was renamed keeps its number, and one that was made anew has
// another.
func (s *session) places(r relation) string {
	out := make([]string, len(s.Columns))
	for i, c := range s.Columns {
		a := r.attributes[c.Column]
		out[i] = fmt.Sprintf("%s=%d:%s", c.Column, a.number, a.kind)
	}
	return strings.Join(out, " ")
}

// recognise refuses a database that is not the one which the target was found to be before.
func (s *session) recognise(ctx context.Context, tx pgx.Tx, r relation) error {
	if s.Identity == (secret.Identity{}) {
		return nil
	}
	now, err := s.identify(ctx, tx, r)
	if err != nil {
		return err
	}
	for _, part := range []struct{ before, now, what string }{
		{s.Identity.System, now.System, "the database server at " + s.dsn.address() + " is another one than when it was validated"},
		{s.Identity.Timeline, now.Timeline, "the database server at " + s.dsn.address() + " was restored, or replaced by a standby, since it was validated"},
		{s.Identity.Database, now.Database, "the database behind the URL is another one than when it was validated"},
		{s.Identity.Table, now.Table, "table " + s.relation() + " was made anew since it was validated"},
		{s.Identity.Columns, now.Columns, "the legacy columns of table " + s.relation() + " were altered, renamed or made anew since they were validated"},
	} {
		if part.before != "" && part.now != "" && part.before != part.now {
			return fault.New(fault.Refused, "%s: %s", s.DSNOrigin, part.what)
		}
	}
	return nil
}
