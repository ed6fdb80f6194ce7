package legacy

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/capakraken/fairlead/internal/fault"
)

// relation is what the catalog says of the legacy table.
type relation struct {
	oid        string
	kind       string // of pg_class.relkind
	rowsHidden bool   // row-level security applies to us
	heirs      bool   // other tables inherit from it, and a statement on it means their rows as well
	rewritten  bool   // a rule makes something else of an update
	subscribed bool   // another server's changes are applied to it
	attributes map[string]attribute
}

// attribute is one column of the legacy table.
type attribute struct {
	number    int    // which stays when the column is renamed
	kind      string // the type as people know it
	text      bool   // its empty value is ''
	plain     bool   // its text is a secret's value, and not a document with a value in it
	pointedAt bool   // by another table's foreign key
	notNull   bool
	generated bool
	readable  bool
	writable  bool
}

// survey reads the catalog and refuses a server, table or column that clearing cannot or must not work on.
func (s *session) survey(ctx context.Context, tx pgx.Tx) (relation, error) {
	if err := s.checkServer(ctx, tx); err != nil {
		return relation{}, err
	}
	r, err := s.find(ctx, tx)
	if err != nil {
		return relation{}, err
	}
	if r.attributes, err = s.attributes(ctx, tx, r.oid); err != nil {
		return relation{}, err
	}
	if err := s.recognise(ctx, tx, r); err != nil {
		return relation{}, err
	}
	if problems := s.unfit(r); len(problems) > 0 {
		return relation{}, fault.Many(fault.Refused, "the legacy table cannot be used", problems)
	}
	if s.Function != "" {
		return r, s.checkFunction(ctx, tx, r)
	}
	return r, nil
}

// checkServer refuses a server that takes no writes.
func (s *session) checkServer(ctx context.Context, tx pgx.Tx) error {
	var replica, readOnly bool
	err := tx.QueryRow(ctx, `SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('default_transaction_read_only') = 'on'`).
		Scan(&replica, &readOnly)
	switch {
	case err != nil:
		return s.explain(ctx, err)
	case replica:
		return fault.New(fault.Refused, "%s: the database server at %s is a replica (or still in recovery); name the primary", s.DSNOrigin, s.dsn.address())
	case readOnly:
		return fault.New(fault.Refused, "%s: sessions of this user or database are read-only (default_transaction_read_only); use a user that may write", s.DSNOrigin)
	}
	return nil
}

// candidates finds the table, and tables that differ in schema or case only, for a good word when it is missing.
const candidates = `SELECT c.oid::pg_catalog.text, n.nspname::pg_catalog.text, c.relname::pg_catalog.text, c.relkind::pg_catalog.text,
	pg_catalog.row_security_active(c.oid),
	EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhparent = c.oid),
	EXISTS (SELECT FROM pg_catalog.pg_rewrite w WHERE w.ev_class = c.oid AND w.ev_type = '2'),
	EXISTS (SELECT FROM pg_catalog.pg_subscription_rel r WHERE r.srrelid = c.oid)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE pg_catalog.lower(c.relname::pg_catalog.text) = pg_catalog.lower($1::pg_catalog.text) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
	AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%'
ORDER BY n.nspname, c.relname LIMIT 50`

func (s *session) find(ctx context.Context, tx pgx.Tx) (relation, error) {
	rows, err := tx.Query(ctx, candidates, s.Table)
	if err != nil {
		return relation{}, s.explain(ctx, err)
	}
	var found *relation
	var similar []string
	var r relation
	var schema, table string
	_, err = pgx.ForEachRow(rows, []any{&r.oid, &schema, &table, &r.kind, &r.rowsHidden, &r.heirs, &r.rewritten, &r.subscribed}, func() error {
		if schema == s.Schema && table == s.Table {
			exact := r
			found = &exact
			return nil
		}
		similar = append(similar, pgx.Identifier{schema, table}.Sanitize())
		return nil
	})
	switch {
	case err != nil:
		return relation{}, s.explain(ctx, err)
	case found != nil:
		return *found, nil
	case len(similar) > 0:
		return relation{}, fault.New(fault.Refused, "%s: there is no table %s; there is %s (upper and lower case count)", s.DSNOrigin, s.relation(), strings.Join(similar, ", "))
	}
	return relation{}, fault.New(fault.NotFound, "%s: there is no table %s", s.DSNOrigin, s.relation())
}

// columnsOf lists a table's columns. A domain is no text of ours: it may forbid the empty value.
const columnsOf = `SELECT a.attname::pg_catalog.text, a.attnum::pg_catalog.int4, pg_catalog.format_type(a.atttypid, a.atttypmod),
	t.typcategory IN ('S', 'N') OR a.atttypid = 'pg_catalog.uuid'::pg_catalog.regtype,
	EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.contype = 'f' AND k.confrelid = a.attrelid AND a.attnum = ANY (k.confkey)),
	t.typtype = 'b' AND t.typname IN ('text', 'varchar', 'bpchar', 'citext'), a.attnotnull, a.attgenerated <> '',
	pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT'), pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'UPDATE')
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = $1::pg_catalog.text::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped`

func (s *session) attributes(ctx context.Context, tx pgx.Tx, oid string) (map[string]attribute, error) {
	rows, err := tx.Query(ctx, columnsOf, oid)
	if err != nil {
		return nil, s.explain(ctx, err)
	}
	attributes := map[string]attribute{}
	var name string
	var a attribute
	_, err = pgx.ForEachRow(rows, []any{&name, &a.number, &a.kind, &a.plain, &a.pointedAt, &a.text, &a.notNull, &a.generated, &a.readable, &a.writable}, func() error {
		attributes[name] = a
		return nil
	})
	if err != nil {
		return nil, s.explain(ctx, err)
	}
	return attributes, nil
}

// unfit returns everything about the table that stands against clearing.
func (s *session) unfit(r relation) []fault.Problem {
	if what, ok := map[string]string{"v": "is a view", "m": "is a materialized view", "f": "is a foreign table"}[r.kind]; ok {
		return []fault.Problem{{Where: s.relation(), What: what, Fix: "name the table that really holds the values"}}
	}
	var problems []fault.Problem
	if r.kind == "p" || r.heirs {
		problems = append(problems, fault.Problem{Where: s.relation(), What: "is partitioned or inherited from, so its rows may be another table's",
			Fix: "name the one table that really holds the values"})
	}
	if r.rewritten {
		problems = append(problems, fault.Problem{Where: s.relation(), What: "has a rule that makes something else of an update",
			Fix: "clear the values by hand, or drop the rule"})
	}
	if r.subscribed {
		problems = append(problems, fault.Problem{Where: s.relation(), What: "is a copy that logical replication fills, so a value may come back",
			Fix: "name the database that the values are written to"})
	}
	direct := s.Function == "" // otherwise the function says so itself
	if r.rowsHidden && direct {
		problems = append(problems, fault.Problem{Where: s.relation(), What: "has row-level security that applies to the user of the URL, so the row may be hidden",
			Fix: "use a user that it does not apply to, such as the table's owner"})
	}
	if a, ok := r.attributes[s.RowColumn]; !ok || !a.readable && direct {
		problems = append(problems, s.unfitColumn(s.RowColumn, lacking(ok)))
	}
	for _, c := range s.Columns {
		a, ok := r.attributes[c.Column]
		switch {
		case !ok || !a.readable && direct:
			problems = append(problems, s.unfitColumn(c.Column, lacking(ok)))
		case a.generated:
			problems = append(problems, s.unfitColumn(c.Column, "is generated from other columns, so it cannot be cleared itself"))
		case !a.writable && direct:
			problems = append(problems, s.unfitColumn(c.Column, "may not be updated by the user of the URL"))
		case !a.plain:
			problems = append(problems, s.unfitColumn(c.Column, "is of type "+a.kind+", which may hold more than one secret's value"))
		case a.pointedAt:
			problems = append(problems, s.unfitColumn(c.Column, "is what another table's foreign key points at, so clearing it could change that table"))
		case a.notNull && !a.text:
			problems = append(problems, s.unfitColumn(c.Column, "is NOT NULL and of type "+a.kind+", for which there is no empty value"))
		}
	}
	return problems
}

func (s *session) unfitColumn(column, what string) fault.Problem {
	return fault.Problem{Where: s.relation(), What: fmt.Sprintf("column %s %s", quote(column), what)}
}

func lacking(exists bool) string {
	if exists {
		return "may not be read by the user of the URL"
	}
	return "does not exist (upper and lower case count)"
}

// columns returns the target's columns as a list for a statement, each as text.
func (s *session) columns() string {
	list := make([]string, len(s.Columns))
	for i, c := range s.Columns {
		list[i] = quote(c.Column) + "::pg_catalog.text"
	}
	return strings.Join(list, ", ")
}

// emptying returns the assignments that clear the chosen columns: NULL, or the empty text where NULL is not allowed.
func emptying(r relation, chosen []string) string {
	assignments := make([]string, len(chosen))
	for i, column := range chosen {
		assignments[i] = quote(column) + " = NULL"
		if r.attributes[column].notNull {
			assignments[i] = quote(column) + " = ''"
		}
	}
	return strings.Join(assignments, ", ")
}
