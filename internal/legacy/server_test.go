//go:build e2e

package legacy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/capakraken/fairlead/internal/secret"
)

// server is a PostgreSQL of this test's own, in a temporary directory. It logs every statement with its parameters.
type server struct {
	dir  string
	port int
	log  string
	cmd  *exec.Cmd
}

// running is the one server of this test binary.
var running *server

func TestMain(m *testing.M) {
	os.Exit(withServer(m))
}

// withServer runs the tests and makes sure afterwards that the server's log holds no secret of theirs.
func withServer(m *testing.M) (code int) {
	s, err := startServer()
	if err != nil {
		fmt.Fprintln(os.Stderr, "no PostgreSQL for the tests:", err)
		return 1
	}
	defer s.stop()
	running = s
	code = m.Run()
	text, err := os.ReadFile(s.log)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "the server's log:", err)
		return 1
	case strings.Contains(string(text), canary):
		fmt.Fprintln(os.Stderr, "the server's log holds a secret")
		return 1
	case code == 0 && !strings.Contains(string(text), "UPDATE"):
		fmt.Fprintln(os.Stderr, "the server's log holds no statements, so it shows nothing")
		return 1
	}
	return code
}

func startServer() (*server, error) {
	dir, err := os.MkdirTemp("", "fairlead-pg-")
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir, log: filepath.Join(dir, "log")}
	if err := s.start(); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *server) start() error {
	owner, err := s.owner()
	if err != nil {
		return err
	}
	bin, err := binaries()
	if err != nil {
		return err
	}
	data := filepath.Join(s.dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "admin", "-E", "UTF8", "--locale=C", "-N", "--auth-local=trust", "--auth-host=scram-sha-256")
	initdb.SysProcAttr, initdb.Dir = owner, s.dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	if s.port, err = freePort(); err != nil {
		return err
	}
	log, err := os.Create(s.log)
	if err != nil {
		return err
	}
	defer log.Close()
	if err := s.certify(owner); err != nil {
		return err
	}
	s.cmd = exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-F", "-k", s.dir, "-p", strconv.Itoa(s.port),
		"-c", "wal_level=logical", "-c", "archive_mode=on", "-c", "archive_command=/bin/true", "-c", "ssl=on", "-c", "ssl_cert_file="+s.certificate(), "-c", "ssl_key_file="+filepath.Join(s.dir, "key.pem"), "-c", "listen_addresses=127.0.0.1", "-c", "log_statement=all", "-c", "log_min_duration_statement=0", "-c", "log_connections=on")
	s.cmd.SysProcAttr, s.cmd.Dir, s.cmd.Stderr, s.cmd.Stdout = owner, s.dir, log, log
	if err := s.cmd.Start(); err != nil {
		return err
	}
	return s.await()
}

// owner returns what makes a child run as the user postgres, since the server refuses to run as root.
func (s *server) owner() (*syscall.SysProcAttr, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(s.dir, uid, gid); err != nil {
		return nil, err
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}

// certificate returns the file of the server's certificate, which is its own root and valid for the name db.
func (s *server) certificate() string { return filepath.Join(s.dir, "cert.pem") }

func (s *server) certify(owner *syscall.SysProcAttr) error {
	certificate, key, err := keyPair()
	if err != nil {
		return err
	}
	keyFile := filepath.Join(s.dir, "key.pem")
	if err := errors.Join(os.WriteFile(s.certificate(), certificate, 0o600), os.WriteFile(keyFile, key, 0o600)); err != nil {
		return err
	}
	if owner == nil {
		return nil
	}
	uid, gid := int(owner.Credential.Uid), int(owner.Credential.Gid)
	return errors.Join(os.Chown(s.certificate(), uid, gid), os.Chown(keyFile, uid, gid))
}

// binaries returns the directory of the newest installed server.
func binaries() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) > 0 {
		return filepath.Dir(slices.Max(found)), nil
	}
	path, err := exec.LookPath("initdb")
	return filepath.Dir(path), err
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// await returns when the server takes connections.
func (s *server) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.admin("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-tick.C:
		}
	}
}

func (s *server) stop() {
	if s.cmd != nil && s.cmd.Process != nil {
		_ = s.cmd.Process.Signal(syscall.SIGINT)
		_ = s.cmd.Wait()
	}
	_ = os.RemoveAll(s.dir)
}

// admin returns how the superuser connects, whose own statements hold the canaries and are not logged.
func (s *server) admin(database string) string {
	return fmt.Sprintf("host=%s port=%d user=admin dbname=%s options='-c log_statement=none -c log_min_duration_statement=-1 -c log_min_error_statement=panic'", s.dir, s.port, database)
}

// socket returns how a server connects to a database of this one.
func (s *server) socket(database string) string {
	return fmt.Sprintf("host=%s port=%d user=admin dbname=%s", s.dir, s.port, database)
}

// database is a fresh database of one test.
type database struct {
	t    *testing.T
	name string
	conn *pgx.Conn
}

// fresh makes a database with the role app_NAME, whose password holds a canary, and carries out setup in it.
func fresh(t *testing.T, setup ...string) *database {
	t.Helper()
	name := "t" + strconv.FormatInt(time.Now().UnixNano(), 36)
	boss, err := pgx.Connect(t.Context(), running.admin("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{"CREATE ROLE app_" + name + " LOGIN PASSWORD 'c4n4ry@/?#%'", "CREATE DATABASE " + name + " OWNER app_" + name} {
		if _, err := boss.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	_ = boss.Close(t.Context())
	conn, err := pgx.Connect(t.Context(), running.admin(name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close(context.Background())
		if boss, err := pgx.Connect(context.Background(), running.admin("postgres")); err == nil {
			_, _ = boss.Exec(context.Background(), "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
			_ = boss.Close(context.Background())
		}
	})
	d := &database{t: t, name: name, conn: conn}
	d.do(setup...)
	return d
}

// as returns the superuser in another database, who still speaks of this one's role.
func (d *database) as(name string) *database {
	d.t.Helper()
	conn, err := pgx.Connect(d.t.Context(), running.admin(name))
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return &database{t: d.t, name: d.name, conn: conn}
}

// do carries out statements as the superuser; APP stands for the app's role.
func (d *database) do(statements ...string) {
	d.t.Helper()
	for _, sql := range statements {
		if _, err := d.conn.Exec(context.Background(), strings.ReplaceAll(sql, "APP", "app_"+d.name)); err != nil {
			d.t.Fatalf("%s: %v", sql, err)
		}
	}
}

// one returns the text that the query gives.
func (d *database) one(query string) string {
	d.t.Helper()
	var text string
	if err := d.conn.QueryRow(context.Background(), query).Scan(&text); err != nil {
		d.t.Fatalf("%s: %v", query, err)
	}
	return text
}

// url returns the app's connection URL over the server at port.
func (d *database) url(port int, query string) secret.Value {
	return secret.NewValue(fmt.Sprintf("postgresql://app_%s:c4n4ry%%40%%2F%%3F%%23%%25@db:%d/%s?schema=public&connection_limit=5&%s", d.name, port, d.name, query))
}
