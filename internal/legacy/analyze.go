package legacy

import (
	"context"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/legacysql"
)

// Analyze has the planner's statistics of the table made anew, since they hold values of its columns, also ones that are
// cleared. It changes nothing else. A user who may not is told so by a warning of the server only, and here by a fault.
func (d *Database) Analyze(ctx context.Context, t Target) error {
	s, err := d.open(ctx, t)
	if err != nil {
		return err
	}
	defer s.close()
	tx, err := s.begin(ctx, "")
	if err != nil {
		return err
	}
	if _, err := s.survey(ctx, tx); err != nil {
		return err
	}
	s.warned = false
	if s.Function != "" {
		_, err = s.verdicts(ctx, tx, legacysql.Analyze, nil, nil)
	} else {
		_, err = tx.Exec(ctx, "ANALYZE "+s.relation())
	}
	if err != nil {
		return s.explain(ctx, err)
	}
	if s.warned {
		return fault.New(fault.Refused, "%s: table %s: the user of the URL may not run ANALYZE on it", s.DSNOrigin, s.relation())
	}
	if err := tx.Commit(ctx); err != nil {
		return s.explain(ctx, err)
	}
	return nil
}

// heed notes that the server warned. It runs while a statement of the session does.
func (s *session) heed(_ *pgconn.PgConn, n *pgconn.Notice) {
	if n.SeverityUnlocalized == "WARNING" {
		s.warned = true
	}
}
