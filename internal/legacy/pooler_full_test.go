//go:build e2e && full

package legacy

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
)

// pooled starts a PgBouncer before the server, in one of its three modes and with a single connection to the server, and
// returns the port at which it takes connections to d.
func (d *database) pooled(mode string) int {
	d.t.Helper()
	path, err := exec.LookPath("pgbouncer")
	if err != nil {
		d.t.Fatal("pgbouncer is not installed; make test-full installs Debian's")
	}
	port, err := freePort()
	if err != nil {
		d.t.Fatal(err)
	}
	dir := filepath.Join(running.dir, "pgbouncer-"+mode) // where the user postgres may read
	if err := os.Mkdir(dir, 0o755); err != nil {
		d.t.Fatal(err)
	}
	users, config := filepath.Join(dir, "users.txt"), filepath.Join(dir, "pgbouncer.ini")
	d.write(users, fmt.Sprintf("%q %q\n", "app_"+d.name, "c4n4ry@/?#%"))
	d.write(config, fmt.Sprintf(`[databases]
* = host=127.0.0.1 port=%d
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = plain
auth_file = %s
pool_mode = %s
default_pool_size = 1
ignore_startup_parameters = extra_float_digits
`, running.port, port, users, mode))
	cmd := exec.CommandContext(d.t.Context(), path, "-q", config)
	if cmd.SysProcAttr, err = running.owner(); err != nil { // it refuses to run as root, as the server does
		d.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		_ = cmd.Wait()
	})
	d.awaitPort(port)
	return port
}

func (d *database) write(path, text string) {
	d.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		d.t.Fatal(err)
	}
}

func (d *database) awaitPort(port int) {
	d.t.Helper()
	tick, deadline := time.NewTicker(20*time.Millisecond), time.After(30*time.Second)
	defer tick.Stop()
	for {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-deadline:
			d.t.Fatalf("nothing listens: %v", err)
		case <-tick.C:
		}
	}
}

// A pooler may give every transaction another connection, or the same one to somebody else in between: what was seen on
// one is never taken for what the other holds.
func TestThroughPgBouncer(t *testing.T) {
	for _, mode := range []string{"session", "transaction"} {
		t.Run(mode, func(t *testing.T) {
			d := fresh(t, settings)
			target := d.target()
			target.DSN = d.url(d.pooled(mode), "pgbouncer=true")
			survey, err := inside().Survey(t.Context(), target)
			if err != nil {
				t.Fatal(err)
			}
			target.Identity = survey.Identity
			for range 2 { // the second finds nothing left
				if _, err := inside().Clear(t.Context(), target, provisioned(), yes); err != nil {
					t.Fatal(err)
				}
				if got := d.row(); got != "NULL||NULL|" {
					t.Fatalf("the row is now %s", got)
				}
			}
			refill := `UPDATE "SystemSettings" SET "smtpPassword" = 'c4n4ry-smtp', seed = 'c4n4ry-wrong'`
			d.do(refill)
			before := d.picture()
			_, err = inside().Clear(t.Context(), target, provisioned(), yes)
			wantFault(t, err, fault.Refused, `column "seed" holds another value`)
			d.wantPicture(before)
			if left := d.one(`SELECT count(*)::text FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`); left != "0" {
				t.Errorf("%s connections of the pooler are left in a transaction", left)
			}
		})
	}
	t.Run("statement", func(t *testing.T) { // in which no transaction is possible
		d := fresh(t, settings)
		target := d.target()
		target.DSN = d.url(d.pooled("statement"), "pgbouncer=true")
		_, err := inside().Clear(t.Context(), target, provisioned(), never(t))
		wantFault(t, err, fault.Unavailable, "must work by session or by transaction, not by statement")
		wantFault(t, err, fault.Unavailable, "no legacy value was cleared")
		d.wantUntouched()
	})
}
