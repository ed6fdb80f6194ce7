package world

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

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
	config.Host, config.Port = "127.0.0.1", uint16(p.Port)
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

// cluster is where a server's files are, and who runs it.
type cluster struct {
	binaries, dir string
	owner         *syscall.Credential // nil for the current user
	listen        []string
	options       []string
}

// newCluster makes the server's files.
func (w *World) newCluster(ctx context.Context, p *Postgres, o PostgresOptions) (*cluster, error) {
	c := &cluster{listen: []string{"127.0.0.1"}}
	if p.Host != c.listen[0] {
		c.listen = append(c.listen, p.Host)
	}
	var err error
	if c.binaries, err = postgresBinaries(); err != nil {
		return nil, err
	}
	if c.owner, err = postgresOwner(); err != nil {
		return nil, err
	}
	if c.dir, err = w.mkdir("postgres"); err != nil {
		return nil, err
	}
	if err := c.write("password", []byte(p.Password)); err != nil {
		return nil, err
	}
	if err := c.give(c.dir); err != nil {
		return nil, err
	}
	initdb := c.command(ctx, "initdb", "-D", c.data(), "-U", p.User, "--pwfile", filepath.Join(c.dir, "password"),
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	allow := "host"
	if o.TLS {
		allow = "hostssl"
		if err := c.enableTLS(p); err != nil {
			return nil, err
		}
	}
	return c, c.write("data/pg_hba.conf", []byte(allow+" all all all scram-sha-256\n"))
}

// enableTLS gives the server a certificate that vouches for itself.
func (c *cluster) enableTLS(p *Postgres) error {
	certificate, key, err := selfSigned(TLSName)
	if err != nil {
		return err
	}
	if err := errors.Join(c.write("server.crt", certificate), c.write("server.key", key)); err != nil {
		return err
	}
	p.CAFile = filepath.Join(c.dir, "server.crt")
	p.roots = x509.NewCertPool()
	p.roots.AppendCertsFromPEM(certificate)
	c.options = []string{"-c", "ssl=on", "-c", "ssl_cert_file=" + p.CAFile, "-c", "ssl_key_file=" + filepath.Join(c.dir, "server.key")}
	return nil
}

// startPostgres starts the server on p's port. What it stores need not survive a loss of power.
func (w *World) startPostgres(ctx context.Context, c *cluster, p *Postgres) (*process, error) {
	arguments := slices.Concat([]string{
		"-D", c.data(), "-p", strconv.Itoa(p.Port), "-c", "listen_addresses=" + strings.Join(c.listen, ","),
		"-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "logging_collector=off",
	}, c.options)
	started, err := w.start("postgres", c.command(context.WithoutCancel(ctx), "postgres", arguments...))
	if err != nil {
		return nil, err
	}
	err = started.await(ctx, func(ctx context.Context) error {
		conn, err := p.connect(ctx, "postgres")
		if err != nil {
			return err
		}
		return conn.Close(ctx)
	})
	if err != nil {
		return nil, errors.Join(err, started.stop())
	}
	return started, nil
}

func (c *cluster) data() string { return filepath.Join(c.dir, "data") }

// command returns a command of PostgreSQL's, run by the cluster's owner with nothing of our environment.
func (c *cluster) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(c.binaries, name), args...)
	cmd.Dir = c.dir
	cmd.Env = []string{"LANG=C", "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.owner}
	return cmd
}

// write writes a file of the cluster's.
func (c *cluster) write(name string, content []byte) error {
	path := filepath.Join(c.dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return fmt.Errorf("write a file for PostgreSQL: %w", err)
	}
	return c.give(path)
}

// give makes the cluster's owner the owner of path.
func (c *cluster) give(path string) error {
	if c.owner == nil {
		return nil
	}
	if err := os.Chown(path, int(c.owner.Uid), int(c.owner.Gid)); err != nil {
		return fmt.Errorf("give a file to PostgreSQL: %w", err)
	}
	return nil
}

// postgresBinaries returns the directory of the newest server that is installed.
func postgresBinaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil {
		return "", fmt.Errorf("look for PostgreSQL: %w", err)
	}
	if len(found) > 0 {
		version := func(path string) int {
			n, _ := strconv.Atoi(strings.Split(path, "/")[4])
			return n
		}
		newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
		return filepath.Dir(newest), nil
	}
	path, err := anyOf("postgres")
	if err != nil {
		return "", err
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return "", fmt.Errorf("look for PostgreSQL: %w", err)
	}
	return filepath.Dir(path), nil
}

// postgresOwner returns the user that PostgreSQL is run by, since it refuses root.
func postgresOwner() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL refuses to be run by root: %w", err)
	}
	uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
	gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(errUID, errGID); err != nil {
		return nil, fmt.Errorf("the ids of the user postgres: %w", err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
