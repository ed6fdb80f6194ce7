//go:build e2e

package legacy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/capakraken/fairlead/internal/fault"
)

// follow starts a real streaming replica of the server. The test stops it.
func (s *server) follow(t *testing.T) *server {
	t.Helper()
	dir, err := os.MkdirTemp("", "fairlead-pg-")
	if err != nil {
		t.Fatal(err)
	}
	r := &server{dir: dir, log: filepath.Join(dir, "log")}
	t.Cleanup(r.stop)
	owner, err := r.owner()
	if err != nil {
		t.Fatal(err)
	}
	bin, err := binaries()
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	copied := exec.CommandContext(t.Context(), filepath.Join(bin, "pg_basebackup"), "-D", data, "-h", s.dir, "-p", strconv.Itoa(s.port), "-U", "admin", "-R", "-X", "stream", "-c", "fast", "-N")
	copied.SysProcAttr, copied.Dir = owner, dir
	if out, err := copied.CombinedOutput(); err != nil {
		t.Fatalf("pg_basebackup: %v: %s", err, out)
	}
	if r.port, err = freePort(); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(r.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	r.cmd = exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-F", "-k", dir, "-p", strconv.Itoa(r.port), "-c", "listen_addresses=127.0.0.1")
	r.cmd.SysProcAttr, r.cmd.Dir, r.cmd.Stderr, r.cmd.Stdout = owner, dir, log, log
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := r.await(); err != nil {
		t.Fatal(err)
	}
	return r
}

// on returns the same database on another server.
func (d *database) on(s *server) *database {
	d.t.Helper()
	conn, err := pgx.Connect(d.t.Context(), s.admin(d.name))
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return &database{t: d.t, name: d.name, conn: conn}
}

// TestStandby makes sure that a replica is refused, and still is when it has taken over: what it has of the row may be old,
// and who moved the name has not said so.
func TestStandby(t *testing.T) {
	d := fresh(t, settings)
	pinned := d.identified()
	standby := running.follow(t)
	there := d.on(standby)
	d.as("postgres").await(`SELECT count(*) FROM pg_stat_replication`)
	if got := d.surveyed(); !slices.Contains(got, "standby: 1 receiver of the write-ahead log (standbys, backups) connected now: each has copies of its own") {
		t.Errorf("the standby is not among the hazards: %q", got)
	}
	target := d.target()
	target.DSN = d.url(standby.port, "sslmode=disable")
	before := there.picture()
	_, err := inside().Clear(t.Context(), target, provisioned(), never(t))
	wantFault(t, err, fault.Refused, fmt.Sprintf("the database server at db:%d is a replica (or still in recovery); name the primary; no legacy value was cleared", standby.port))
	there.one(`SELECT pg_promote()::text`)
	target.Identity = pinned.Identity
	_, err = inside().Clear(t.Context(), target, provisioned(), never(t))
	wantFault(t, err, fault.Refused, "was restored, or replaced by a standby, since it was validated; no legacy value was cleared")
	there.wantPicture(before)
	d.wantUntouched()
}

// TestTheServerEndsTheSessionInItsCommit plays what a shutdown does to a commit that waits for a standby: it has happened,
// and nobody says so.
func TestTheServerEndsTheSessionInItsCommit(t *testing.T) {
	d := fresh(t, settings, `CREATE TABLE probe (n int)`)
	boss := d.as("postgres")
	boss.do(`ALTER SYSTEM SET synchronous_standby_names = 'nobody'`)
	t.Cleanup(func() {
		boss.do(`ALTER SYSTEM RESET synchronous_standby_names`, `SELECT pg_reload_conf()`)
		boss.await(`SELECT count(*) FROM pg_settings WHERE name = 'synchronous_standby_names' AND setting = ''`)
	})
	boss.do(`SELECT pg_reload_conf()`)
	d.awaitStandbysWanted()
	done := make(chan error, 1)
	go func() {
		_, err := inside().Clear(t.Context(), d.target(), provisioned(), yes)
		done <- err
	}()
	boss.await(`SELECT count(*) FROM pg_stat_activity WHERE usename = 'app_` + d.name + `' AND wait_event = 'SyncRep'`)
	boss.do(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app_` + d.name + `'`)
	err := <-done
	wantFault(t, err, fault.Unavailable, "it may or may not have happened; look again with 'fairlead residue capakraken'")
	if !errors.Is(err, ErrUnknown) {
		t.Error("it is taken for known")
	}
	got, err := inside().Inspect(t.Context(), d.target(), provisioned())
	if err != nil || got[0].Verdict != "empty" {
		t.Errorf("asked again: %+v, %v", got, err)
	}
}

// awaitStandbysWanted returns when a commit really waits for a standby: the server's processes learn of it in their own time.
func (d *database) awaitStandbysWanted() {
	d.t.Helper()
	prober, boss := d.as(d.name), d.as("postgres")
	done := make(chan struct{})
	go func() { // ends with its session
		defer close(done)
		for {
			if _, err := prober.conn.Exec(context.Background(), `INSERT INTO probe VALUES (1)`); err != nil {
				return
			}
		}
	}()
	boss.await(`SELECT count(*) FROM pg_stat_activity WHERE usename = 'admin' AND wait_event = 'SyncRep'`)
	boss.do(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'admin' AND wait_event = 'SyncRep'`)
	<-done
}
