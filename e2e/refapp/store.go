package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Row is the one row of "SystemSettings": text by column. NULL and an absent row read as empty.
type Row map[string]string

// Store keeps the application's settings.
type Store interface {
	// Migrate creates the table, or what it lacks. It may be called by several processes at once, and seeds nothing.
	Migrate(ctx context.Context) error
	// NoteMigration notes that a migration to a version was begun, in a table of its own with a row for each.
	NoteMigration(ctx context.Context, version string) error
	// Read returns the row.
	Read(ctx context.Context) (Row, error)
	// Update writes the given columns of the row.
	Update(ctx context.Context, changed Row) error
	// Close ends the connection.
	Close()
}

// plainColumns returns the columns that are no secrets.
func plainColumns() []string {
	return []string{
		"aiProvider", "azureOpenAiEndpoint", "azureOpenAiModel", "smtpHost", "smtpUser", "smtpFrom",
		"anonymizationMode", "anonymizationDomain",
	}
}

// textColumns returns every column that holds a setting, secret or not.
func textColumns() []string {
	columns := plainColumns()
	for _, s := range catalog() {
		columns = append(columns, s.column)
	}
	return columns
}

// openStore returns the store behind dsn; it connects when first used. Without a dsn the application has no settings.
func openStore(dsn string) (Store, error) {
	if dsn == "" {
		return noStore{}, nil
	}
	config, err := parseDSN(dsn)
	if err != nil {
		return nil, err
	}
	return &postgres{config: config}, nil
}

// postgres is a Store over one connection, which is made anew when it broke.
type postgres struct {
	config *pgx.ConnConfig

	mu   sync.Mutex // guards conn and its use
	conn *pgx.Conn
}

func (p *postgres) Migrate(ctx context.Context) error {
	return p.use(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			for _, statement := range p.schema() {
				if _, err := tx.Exec(ctx, statement); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// schema returns the statements that make the table. IF NOT EXISTS alone does not survive two processes at once.
func (p *postgres) schema() []string {
	statements := []string{`SELECT pg_advisory_xact_lock(7270659)`}
	if path := p.config.RuntimeParams["search_path"]; path != "" {
		statements = append(statements, `CREATE SCHEMA IF NOT EXISTS `+path)
	}
	statements = append(statements, `CREATE TABLE IF NOT EXISTS "SystemSettings" (
		"id" TEXT NOT NULL DEFAULT 'singleton' PRIMARY KEY,
		"updatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP)`)
	for _, column := range textColumns() {
		kind := "TEXT"
		if column == "anonymizationSeed" {
			kind = "TEXT NOT NULL DEFAULT ''"
		}
		statements = append(statements, fmt.Sprintf(`ALTER TABLE "SystemSettings" ADD COLUMN IF NOT EXISTS %q %s`, column, kind))
	}
	return statements
}

func (p *postgres) NoteMigration(ctx context.Context, version string) error {
	return p.use(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, `CREATE TABLE IF NOT EXISTS "Migrations" ("version" TEXT NOT NULL)`); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, `INSERT INTO "Migrations" VALUES ($1)`, version)
		return err
	})
}

func (p *postgres) Read(ctx context.Context) (Row, error) {
	columns := textColumns()
	texts := make([]*string, len(columns))
	targets := make([]any, len(columns))
	for i := range texts {
		targets[i] = &texts[i]
	}
	err := p.use(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		query := fmt.Sprintf(`SELECT %s FROM "SystemSettings" WHERE "id" = 'singleton'`, quoted(columns))
		return conn.QueryRow(ctx, query).Scan(targets...)
	})
	if err != nil && !empty(err) {
		return nil, err
	}
	row := Row{}
	for i, text := range texts {
		if text != nil {
			row[columns[i]] = *text
		}
	}
	return row, nil
}

func (p *postgres) Update(ctx context.Context, changed Row) error {
	var columns, places, changes []string
	var values []any
	for _, column := range textColumns() {
		if value, ok := changed[column]; ok {
			values = append(values, value)
			columns = append(columns, column)
			places = append(places, fmt.Sprintf("$%d", len(values)))
			changes = append(changes, fmt.Sprintf(`%q = EXCLUDED.%[1]q`, column))
		}
	}
	if len(columns) == 0 {
		return nil
	}
	changes = append(changes, `"updatedAt" = CURRENT_TIMESTAMP`)
	statement := fmt.Sprintf(`INSERT INTO "SystemSettings" (%s) VALUES (%s) ON CONFLICT ("id") DO UPDATE SET %s`,
		quoted(columns), strings.Join(places, ", "), strings.Join(changes, ", "))
	return p.use(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, statement, values...)
		return err
	})
}

func (p *postgres) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hangUp()
}

// use calls f with the connection and gives it two seconds. A connection that f broke is not kept.
func (p *postgres) use(ctx context.Context, f func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conn == nil || p.conn.IsClosed() {
		conn, err := pgx.ConnectConfig(ctx, p.config)
		if err != nil {
			return p.failure("connect to", err)
		}
		p.conn = conn
	}
	if err := f(ctx, p.conn); err != nil {
		if p.conn.IsClosed() {
			p.hangUp()
		}
		return p.failure("use", err)
	}
	return nil
}

// failure puts err in words that cannot quote a secret: the database's address, and the code of its refusal.
func (p *postgres) failure(what string, err error) error {
	where := fmt.Sprintf("cannot %s the database %s at %s:%d", what, p.config.Database, p.config.Host, p.config.Port)
	if refusal, ok := errors.AsType[*pgconn.PgError](err); ok {
		where += " (SQLSTATE " + refusal.Code + ")"
	}
	return &storeError{where, err}
}

func (p *postgres) hangUp() {
	if p.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	// The process or the connection is at its end: there is nobody to tell.
	_ = p.conn.Close(ctx)
	p.conn = nil
}

// storeError is a failure of the database whose cause is reachable but never printed.
type storeError struct {
	message string
	cause   error
}

func (e *storeError) Error() string { return e.message }
func (e *storeError) Unwrap() error { return e.cause }

// empty tells whether err only says that there is no row, or no table yet.
func empty(err error) bool {
	const undefinedTable = "42P01"
	refusal, ok := errors.AsType[*pgconn.PgError](err)
	return errors.Is(err, pgx.ErrNoRows) || ok && refusal.Code == undefinedTable
}

// quoted returns the column names for use in SQL. They are all ours.
func quoted(columns []string) string {
	quotes := slices.Clone(columns)
	for i, column := range quotes {
		quotes[i] = pgx.Identifier{column}.Sanitize()
	}
	return strings.Join(quotes, ", ")
}

// noStore is the Store of an application without a database.
type noStore struct{}

func (noStore) Migrate(context.Context) error               { return nil }
func (noStore) NoteMigration(context.Context, string) error { return nil }
func (noStore) Read(context.Context) (Row, error)           { return Row{}, nil }
func (noStore) Update(context.Context, Row) error {
	return errors.New("there is no database: DATABASE_URL is not set")
}
func (noStore) Close() {}
