package legacy

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/capakraken/fairlead/internal/fault"
)

// The bounds of a transaction, as PostgreSQL writes them. The app's own sessions wait behind our lock, so it is short.
const (
	lockTimeout      = "2s"
	statementTimeout = "5s"
	idleTimeout      = "15s" // between two statements; the caller's proof runs there
)

// commitTimeout bounds the commit, which ctx does not cut off: a commit whose answer nobody waits for is one of which
// nobody knows whether it happened.
const commitTimeout = 5 * time.Second

// foundFirst has PostgreSQL's own operators and types found before any that the user's search path names, for this
// transaction only. The path itself stays, since the table's triggers may depend on it. It uses no operator itself.
const foundFirst = `SELECT pg_catalog.set_config('search_path',
	pg_catalog.rtrim(pg_catalog.concat('pg_catalog, ', pg_catalog.current_setting('search_path')), ', '), true)`

// limits sets the bounds for this transaction only, since behind PgBouncer a session's settings would stay for the next
// client. A commit must be durable when it is answered, even where the server's default does not care.
const limits = `SELECT pg_catalog.set_config('lock_timeout', $1, true),
	pg_catalog.set_config('statement_timeout', $2, true),
	pg_catalog.set_config('idle_in_transaction_session_timeout', $3, true),
	pg_catalog.set_config('synchronous_commit',
		CASE pg_catalog.current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE pg_catalog.current_setting('synchronous_commit') END, true)`

// begin starts a transaction with its bounds set. It ends with commit, or rolled back with the session.
func (s *session) begin(ctx context.Context, mode pgx.TxAccessMode) (pgx.Tx, error) {
	tx, err := s.conn.BeginTx(ctx, pgx.TxOptions{AccessMode: mode})
	if err != nil {
		return nil, s.explain(ctx, err)
	}
	if _, err := tx.Exec(ctx, foundFirst); err != nil {
		return nil, s.explain(ctx, err)
	}
	if _, err := tx.Exec(ctx, limits, lockTimeout, statementTimeout, idleTimeout); err != nil {
		return nil, s.explain(ctx, err)
	}
	return tx, nil
}

// commit ends tx. Its error is ErrUnknown when the commit was sent and no answer tells whether it was done.
func (s *session) commit(ctx context.Context, tx pgx.Tx) error {
	if ctx.Err() != nil {
		return s.explain(ctx, ctx.Err())
	}
	if s.conn.IsClosed() {
		return s.explain(ctx, io.ErrUnexpectedEOF)
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	err := tx.Commit(bounded)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pgx.ErrTxCommitRollback):
		return fault.Hide(err, fault.Unavailable, "%s: the database rolled the transaction back", s.DSNOrigin)
	case certain(err):
		return s.explain(bounded, err)
	}
	return fault.Hide(errors.Join(ErrUnknown, err), fault.Unavailable,
		"%s: the connection was lost while the clearing of the legacy values was committed, so it may or may not have happened; look again with 'fairlead residue %s'",
		s.DSNOrigin, s.App)
}

// certain tells that a commit which failed with err did not happen, because the server said so. Nothing else is proof: a
// server that is being shut down may say it failed after it has committed, and when the connection breaks, the driver
// (5.12) reports of a commit that it has sent that it is safe to retry.
func certain(err error) bool {
	const completionUnknown = "40003"
	server, ok := errors.AsType[*pgconn.PgError](err)
	return ok && server.SeverityUnlocalized == "ERROR" && server.Code != completionUnknown
}
