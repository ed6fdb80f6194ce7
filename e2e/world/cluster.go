package world

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

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
	certificate, err := selfSigned(TLSName)
	if err != nil {
		return err
	}
	if err := errors.Join(c.write("server.crt", certificate.PEM), c.write("server.key", certificate.Key)); err != nil {
		return err
	}
	p.CAFile = filepath.Join(c.dir, "server.crt")
	p.roots = x509.NewCertPool()
	p.roots.AppendCertsFromPEM(certificate.PEM)
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
