package main

import (
	"errors"
	"net/url"

	"github.com/jackc/pgx/v5"
)

// parseDSN understands a connection string in Prisma's style. Of its parameters, PostgreSQL's own go to the driver, `schema`
// becomes the search path, `pgbouncer=true` does without prepared statements, and the ones that tune Prisma's pool are
// dropped, since a server would refuse them.
func parseDSN(dsn string) (*pgx.ConnConfig, error) {
	// The parser's and the driver's own words may quote the password, so they are not passed on.
	u, err := url.Parse(dsn)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return nil, errors.New("DATABASE_URL is not a postgres:// URL")
	}
	prisma := u.Query()
	libpq := url.Values{}
	for _, name := range []string{"sslmode", "sslrootcert", "connect_timeout", "application_name"} {
		if prisma.Has(name) {
			libpq.Set(name, prisma.Get(name))
		}
	}
	u.RawQuery = libpq.Encode()
	config, err := pgx.ParseConfig(u.String())
	if err != nil {
		return nil, errors.New("DATABASE_URL is not understood by the PostgreSQL driver")
	}
	if schema := prisma.Get("schema"); schema != "" {
		config.RuntimeParams["search_path"] = pgx.Identifier{schema}.Sanitize()
	}
	if prisma.Get("pgbouncer") == "true" {
		config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	}
	return config, nil
}
