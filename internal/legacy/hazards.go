package legacy

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/capakraken/fairlead/internal/secret"
)

// Survey tells what the database and the table are, and what may keep copies of a value that is cleared there, as far as
// the user of the URL may see it. It changes nothing, and refuses what Inspect refuses.
func (d *Database) Survey(ctx context.Context, t Target) (secret.Survey, error) {
	s, err := d.open(ctx, t)
	if err != nil {
		return secret.Survey{}, err
	}
	defer s.close()
	tx, err := s.begin(ctx, pgx.ReadOnly)
	if err != nil {
		return secret.Survey{}, err
	}
	table, err := s.survey(ctx, tx)
	if err != nil {
		return secret.Survey{}, err
	}
	var out secret.Survey
	if out.Identity, err = s.identify(ctx, tx, table); err != nil {
		return secret.Survey{}, err
	}
	out.Hazards, err = s.hazards(ctx, tx, table)
	return out, err
}

// hazardous finds what may keep a copy. What the user may not see is not there: pg_settings shows such a setting to
// nobody else, and the senders of the write-ahead log can be counted by everybody. $1 is the table, $2 its schema, $3 its
// name, $4 the legacy columns. A trigger counts when it runs on an insert (4) or an update (16).
const hazardous = `WITH RECURSIVE readers AS (
	SELECT $1::pg_catalog.text::pg_catalog.oid AS oid
	UNION SELECT w.ev_class FROM readers JOIN pg_catalog.pg_depend d ON d.refobjid = readers.oid
		AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
		JOIN pg_catalog.pg_rewrite w ON w.oid = d.objid)
SELECT 1, 'trigger', pg_catalog.quote_ident(t.tgname::pg_catalog.text), pg_catalog.quote_ident(p.proname::pg_catalog.text)
	FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
	WHERE t.tgrelid = $1::pg_catalog.text::pg_catalog.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgtype::pg_catalog.int4 & 20 <> 0
UNION ALL SELECT 2, 'snapshot', c.oid::pg_catalog.regclass::pg_catalog.text, ''
	FROM readers JOIN pg_catalog.pg_class c ON c.oid = readers.oid WHERE c.relkind = 'm'
UNION ALL SELECT 3, 'publication', pg_catalog.quote_ident(p.pubname::pg_catalog.text), ''
	FROM pg_catalog.pg_publication_tables p WHERE p.schemaname = $2::pg_catalog.text AND p.tablename = $3::pg_catalog.text
UNION ALL SELECT 4, 'slot', pg_catalog.quote_ident(r.slot_name::pg_catalog.text), '' FROM pg_catalog.pg_replication_slots r
UNION ALL SELECT 5, 'standby', pg_catalog.count(*)::pg_catalog.text, '' FROM pg_catalog.pg_stat_replication HAVING pg_catalog.count(*) > 0
UNION ALL SELECT 6, 'archive', '', '' FROM pg_catalog.pg_settings g WHERE g.name = 'archive_mode' AND g.setting <> 'off'
UNION ALL SELECT 7, 'log', g.name, g.setting FROM pg_catalog.pg_settings g
	WHERE g.name = 'log_statement' AND g.setting IN ('mod', 'all') OR g.name = 'log_min_duration_statement' AND g.setting <> '-1'
UNION ALL SELECT 8, 'extension', x.extname::pg_catalog.text, '' FROM pg_catalog.pg_extension x WHERE x.extname IN ('pg_stat_statements', 'pgaudit')
UNION ALL SELECT 9, 'statistics', pg_catalog.quote_ident(s.attname::pg_catalog.text), '' FROM pg_catalog.pg_stats s
	WHERE s.schemaname = $2::pg_catalog.text AND s.tablename = $3::pg_catalog.text AND s.attname = ANY ($4::pg_catalog.text[])
		AND (s.most_common_vals IS NOT NULL OR s.histogram_bounds IS NOT NULL)
ORDER BY 1, 3 LIMIT 100`

func (s *session) hazards(ctx context.Context, tx pgx.Tx, table relation) ([]secret.Hazard, error) {
	columns := make([]string, len(s.Columns))
	for i, c := range s.Columns {
		columns[i] = c.Column
	}
	rows, err := tx.Query(ctx, hazardous, table.oid, s.Schema, s.Table, columns)
	if err != nil {
		return nil, s.explain(ctx, err)
	}
	var out []secret.Hazard
	var order int
	var kind, name, more string
	_, err = pgx.ForEachRow(rows, []any{&order, &kind, &name, &more}, func() error {
		out = append(out, secret.Hazard{Kind: kind, Text: hazard(kind, name, more)})
		return nil
	})
	if err != nil {
		return nil, s.explain(ctx, err)
	}
	return out, nil
}

// hazard says what one finding means.
func hazard(kind, name, more string) string {
	switch kind {
	case "trigger":
		return fmt.Sprintf("trigger %s (function %s) runs when the table is written, and may have copied values elsewhere", name, more)
	case "snapshot":
		return fmt.Sprintf("materialized view %s reads the table, and keeps what it read until it is refreshed", name)
	case "publication":
		return fmt.Sprintf("publication %s sends the table's changes to subscribers, which have copies of their own", name)
	case "slot":
		return fmt.Sprintf("replication slot %s keeps the write-ahead log until its receiver has read it", name)
	case "standby":
		return fmt.Sprintf("%s of the write-ahead log (standbys, backups) connected now: each has copies of its own", counted(name))
	case "archive":
		return "the write-ahead log is archived (archive_mode), and keeps values for as long as the archive is kept"
	case "log":
		return fmt.Sprintf("the server logs statements (%s = %s), so the log may hold those with which values were stored", name, more)
	case "extension":
		return fmt.Sprintf("extension %s records statements, and may hold those with which values were stored", name)
	case secret.Statistics:
		return fmt.Sprintf("the planner's statistics hold values of column %s until an ANALYZE", name)
	}
	return kind + " " + name
}

func counted(n string) string {
	if n == "1" {
		return "1 receiver"
	}
	return n + " receivers"
}
