package world

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// Postgres is a PostgreSQL server of this run, with one user, who may do everything, and one database.
type Postgres struct {
	Host     string // an address that the host and, where a network was named, its containers reach
	Port     int
	User     string
	Password string
	Database string
	CAFile   string // the certificate that vouches for the server; with TLS only

	near    string // where this process reaches it; 127.0.0.1 where empty
	roots   *x509.CertPool
	process *process
}

// PostgresOptions are the choices for a Postgres.
type PostgresOptions struct {
	Network *Network // whose containers shall reach the server; none where nil
	TLS     bool     // speak TLS only, with a certificate for the name TLSName
}

// TLSName is the name in the certificate of a Postgres that speaks TLS. It resolves only where a test makes it: on a
// container network, or by an entry for the hosts file.
const TLSName = "db.test"

// Postgres starts a server. As root it runs as the user postgres, otherwise as the current user.
func (w *World) Postgres(ctx context.Context, o PostgresOptions) (*Postgres, error) {
	p := &Postgres{Host: "127.0.0.1", User: "capakraken", Password: randomName(12), Database: "capakraken"}
	if o.Network != nil {
		p.Host = o.Network.Gateway
	}
	c, err := w.newCluster(ctx, p, o)
	if err != nil {
		return nil, err
	}
	_, p.process, err = w.serveOnFreePort(ctx, func(ctx context.Context, port int) (*process, error) {
		p.Port = port
		return w.startPostgres(ctx, c, p)
	})
	if err != nil {
		return nil, err
	}
	w.onClose(p.Stop)
	return p, p.exec(ctx, "postgres", `CREATE DATABASE "`+p.Database+`"`)
}

// Another makes another database on the same server, and returns it. Its tables are its own; Stop ends both.
func (p *Postgres) Another(ctx context.Context, name string) (*Postgres, error) {
	other := *p
	other.Database = name
	return &other, p.exec(ctx, "postgres", "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
}

// Stop ends the server before the run ends. It may be called twice.
func (p *Postgres) Stop() error { return p.process.stop() }

// URL returns the connection string for the host and for containers on the network.
func (p *Postgres) URL() string { return p.URLAt(p.Host, p.Port) }

// URLAt is URL for a server that is reached under another address, such as a forwarder's. The parameters of Prisma's
// style stand behind it, as real ones have them.
func (p *Postgres) URLAt(host string, port int) string {
	mode := "disable"
	if p.roots != nil {
		mode = "require"
	}
	u := url.URL{
		Scheme:   "postgresql",
		User:     url.UserPassword(p.User, p.Password),
		Host:     net.JoinHostPort(host, strconv.Itoa(port)),
		Path:     "/" + p.Database,
		RawQuery: "schema=public&connection_limit=5&pool_timeout=10&sslmode=" + mode,
	}
	return u.String()
}

// Connect returns a connection to the database. The caller closes it.
func (p *Postgres) Connect(ctx context.Context) (*pgx.Conn, error) { return p.connect(ctx, p.Database) }

// Exec carries out a statement.
func (p *Postgres) Exec(ctx context.Context, sql string, args ...any) error {
	return p.exec(ctx, p.Database, sql, args...)
}

// Text returns the one value that a query yields, as text; NULL is empty.
func (p *Postgres) Text(ctx context.Context, sql string, args ...any) (string, error) {
	conn, err := p.Connect(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	var text *string
	if err := conn.QueryRow(ctx, "SELECT ("+sql+")::text", args...).Scan(&text); err != nil {
		return "", fmt.Errorf("query the database: %w", err)
	}
	if text == nil {
		return "", nil
	}
	return *text, nil
}

func (p *Postgres) exec(ctx context.Context, database, sql string, args ...any) error {
	conn, err := p.connect(ctx, database)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql, args...); err != nil {
		return fmt.Errorf("exec on the database: %w", err)
	}
	return nil
}

func (p *Postgres) connect(ctx context.Context, database string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig("sslmode=disable")
	if err != nil {
		return nil, fmt.Errorf("configure a connection: %w", err)
	}
	config.Host, config.Port = cmp.Or(p.near, "127.0.0.1"), uint16(p.Port)
	config.User, config.Password, config.Database = p.User, p.Password, database
	config.Fallbacks = nil
	if p.roots != nil {
		config.TLSConfig = &tls.Config{RootCAs: p.roots, ServerName: TLSName, MinVersion: tls.VersionTLS12}
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	return conn, nil
}
