//go:build e2e

package e2e

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/e2e/world"
)

// What changes after all was proved again, and before the first write, stops the clear as well: here the daemon waits for
// the row, which the test holds, while it happens.
func TestChangesWhileTheClearWaits(t *testing.T) {
	s := newTenant(t, rig.Options{Clear: "manual"})
	s.version1()
	s.told(0, []string{"deploy", rig.App, "--image", s.image("2.0.0")})
	s.must(s.Postgres.Exec(t.Context(), `CREATE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'`))
	s.must(s.Postgres.Exec(t.Context(), `CREATE TRIGGER history BEFORE UPDATE ON "SystemSettings" FOR EACH ROW EXECUTE FUNCTION remember()`))
	for _, c := range []struct {
		name string
		act  func(s *stage, tx pgx.Tx)
		says string
	}{
		{"a container is restarted by hand", func(s *stage, _ pgx.Tx) {
			s.engine(http.MethodPost, "/containers/"+s.Container("worker")+"/restart?t=0")
		},
			"service worker: its container was restarted after it had proved itself"},
		{"the env file is edited", func(s *stage, _ pgx.Tx) {
			env := goodEnv()
			env["SMTP_PASSWORD"] += "-rotated"
			s.must(s.WriteEnv(env))
		}, "changed while the clear waited for the row"},
		{"the env file names another database", func(s *stage, _ pgx.Tx) {
			env := goodEnv()
			env["DATABASE_URL"] = "postgres://somebody:else@elsewhere/app"
			s.must(s.WriteEnv(env))
		}, "changed while the clear waited for the row"},
		{"a consumer starts", func(s *stage, _ pgx.Tx) {
			s.container(world.ContainerSpec{Name: s.Container("cron"), Image: s.Repository() + ":2.0.0", Cmd: []string{"worker"}})
		}, "container " + s.Container("cron") + " shares the image"},
		{"the row is written", func(s *stage, tx pgx.Tx) {
			_, err := tx.Exec(s.t.Context(), `UPDATE "SystemSettings" SET "anonymizationSeed" = 'canary-of-somebody-else'`)
			s.must(err)
		}, `column "anonymizationSeed" holds another value than the environment`},
		{"a container is replaced by hand", func(s *stage, _ pgx.Tx) {
			s.engine(http.MethodDelete, "/containers/"+s.Container("worker")+"?force=1")
		}, "does not exist"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.in(t)
			s.must(s.Store(t.Context(), residue()))
			s.must(s.WriteEnv(goodEnv()))
			res := s.whileItWaits(cleanup(), func(tx pgx.Tx) { c.act(s, tx) })
			if res.Code != 7 {
				t.Errorf("want exit 7: %s", res)
			}
			s.says(res, c.says)
			s.stored(map[string]string{"azureOpenAiApiKey": aiKey, "smtpPassword": smtpPass})
		})
	}
	s.must(s.Store(t.Context(), residue()))
	s.must(s.WriteEnv(goodEnv()))
	s.told(0, []string{"deploy", rig.App, "--image", "2.0.0", "--force"})
	s.told(0, cleanup(), "primary-ai: cleared", "a clear does not erase every copy: trigger history", "not erased: trigger history (function remember)",
		"not erased: copies in the database's files and write-ahead log", "have a new value issued at the provider, and rotate to it, for primary-ai, smtp, anonymization-seed")
	s.stored(cleared())
}

// whileItWaits runs a command whose clear has to wait for the row, acts, and lets it go on.
func (s *stage) whileItWaits(args []string, act func(tx pgx.Tx)) rig.Result {
	s.t.Helper()
	conn, err := s.Postgres.Connect(s.t.Context())
	s.must(err)
	defer conn.Close(context.Background())
	tx, err := conn.Begin(s.t.Context())
	s.must(err)
	_, err = tx.Exec(s.t.Context(), `SELECT 1 FROM "SystemSettings" FOR UPDATE`)
	s.must(err)
	type ending struct {
		res rig.Result
		err error
	}
	ended := make(chan ending, 1)
	go func() {
		res, err := s.Run(s.t.Context(), args...)
		ended <- ending{res, err}
	}()
	s.eventually("the clear waits for the row", func() error {
		n, err := s.Postgres.Text(s.t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'fairlead %' AND wait_event_type = 'Lock' AND datname = current_database()`)
		if err == nil && n == "0" {
			err = errors.New("it does not")
		}
		return err
	})
	act(tx)
	s.must(tx.Commit(s.t.Context()))
	e := <-ended
	s.must(e.err)
	s.silent("the output", e.res.Out+e.res.Err)
	return e.res
}

// engine calls the Engine as somebody who works by hand.
func (s *stage) engine(method, path string) {
	s.t.Helper()
	u, err := url.Parse(path)
	s.must(err)
	s.must(s.World.Engine.Call(s.t.Context(), method, u.Path, u.Query(), nil, nil))
}
