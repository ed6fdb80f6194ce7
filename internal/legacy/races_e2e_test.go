//go:build e2e

package legacy

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

// identified returns the target as it is pinned when a rollout is validated.
func (d *database) identified() Target {
	d.t.Helper()
	t := d.target()
	survey, err := inside().Survey(d.t.Context(), t)
	if err != nil {
		d.t.Fatal(err)
	}
	if id := survey.Identity; id.System == "" || id.Timeline == "" || id.Database == "" || id.Table == "" || id.Columns == "" {
		d.t.Errorf("a part of the identity is not seen: %+v", id)
	}
	t.Identity = survey.Identity
	return t
}

// TestChangedSinceItWasValidated makes sure that the same address is not taken for the same database.
func TestChangedSinceItWasValidated(t *testing.T) {
	plain := strings.ReplaceAll(settings, canary, logged)
	for name, c := range map[string]struct {
		between []string
		swap    bool // another database takes the name
		text    string
	}{
		"another database": {swap: true, text: "the database behind the URL is another one than when it was validated"},
		"table made anew":  {between: []string{`DROP TABLE "SystemSettings"`, plain}, text: "was made anew since it was validated"},
		"table restored beside the old one": {between: []string{`ALTER TABLE "SystemSettings" RENAME TO old`, `CREATE TABLE "SystemSettings" AS SELECT * FROM old`, `ALTER TABLE "SystemSettings" OWNER TO APP`},
			text: "was made anew since it was validated"},
		"columns swapped": {between: []string{`ALTER TABLE "SystemSettings" RENAME "smtpPassword" TO x`, `ALTER TABLE "SystemSettings" RENAME "geminiKey" TO "smtpPassword"`, `ALTER TABLE "SystemSettings" RENAME x TO "geminiKey"`},
			text: "were altered, renamed or made anew since they were validated"},
		"column made anew":    {between: []string{`ALTER TABLE "SystemSettings" DROP "smtpPassword", ADD "smtpPassword" text DEFAULT 'l0gg3d-smtp'`}, text: "were altered, renamed or made anew"},
		"column made another": {between: []string{`ALTER TABLE "SystemSettings" ALTER "smtpPassword" TYPE varchar(99)`}, text: "were altered, renamed or made anew"},
		"row made anew": {between: []string{`DELETE FROM "SystemSettings"`, `INSERT INTO "SystemSettings" VALUES ('singleton', 'l0gg3d-new', 'l0gg3d-new', 'l0gg3d-new', '')`},
			text: "holds another value than the environment"},
		"row gone":   {between: []string{`DELETE FROM "SystemSettings"`}, text: "matches no row"},
		"row moved":  {between: []string{`UPDATE "SystemSettings" SET id = 'default'`}, text: "matches no row"},
		"rights":     {between: []string{`ALTER TABLE "SystemSettings" OWNER TO admin`, `GRANT SELECT ON "SystemSettings" TO APP`}, text: "may not be updated by the user of the URL"},
		"new policy": {between: []string{`ALTER TABLE "SystemSettings" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`}, text: "has row-level security"},
		"new trigger": {between: []string{function(`NEW."smtpPassword" := OLD."smtpPassword"; RETURN NEW;`), beforeUpdate},
			text: `column "smtpPassword" is not empty after it was cleared`},
	} {
		t.Run(name, func(t *testing.T) {
			d := fresh(t, plain)
			target := d.identified()
			if c.swap {
				d = d.swapped(fresh(t, plain))
			}
			d.do(c.between...)
			before := d.picture()
			_, err := inside().Clear(t.Context(), target, environment(nil), yes)
			wantFault(t, err, fault.KindOf(err), c.text)
			wantFault(t, err, fault.KindOf(err), "no legacy value was cleared")
			d.wantPicture(before)
		})
	}
	d := fresh(t, plain)
	target := d.identified()
	d.do(`ALTER TABLE "SystemSettings" ADD other text`, `VACUUM FULL "SystemSettings"`)
	if _, err := inside().Clear(t.Context(), target, environment(nil), yes); err != nil {
		t.Errorf("what does not matter is refused: %v", err)
	}
}

// swapped gives other the name of d, and its user the other's table. It returns other.
func (d *database) swapped(other *database) *database {
	d.t.Helper()
	boss := other.as("postgres")
	_ = d.conn.Close(d.t.Context())
	_ = other.conn.Close(d.t.Context())
	boss.do(`ALTER DATABASE `+d.name+` RENAME TO `+d.name+`_old`, `ALTER DATABASE `+other.name+` RENAME TO `+d.name)
	out := d.as(d.name)
	out.do(`ALTER TABLE "SystemSettings" OWNER TO APP`)
	return out
}

// TestAnotherDatabaseAnswersTheLastLook makes sure that what is seen on the second connection counts only if it is the same
// database.
func TestAnotherDatabaseAnswersTheLastLook(t *testing.T) {
	d, other := fresh(t, settings), fresh(t, settings)
	target := d.identified()
	var written, moved bool
	moving := New(Options{Lookup: func(context.Context, string) ([]netip.Addr, error) {
		if written && !moved { // the connection after the commit
			moved = true
			d.swapped(other)
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}})
	_, err := moving.Clear(t.Context(), target, provisioned(), func([]secret.Residue) error { written = true; return nil })
	wantFault(t, err, fault.Unavailable, "was committed, but the look after it failed")
	wantFault(t, err, fault.Unavailable, "is another one than when it was validated")
}

// TestSomebodyGetsThereFirst lets another session write the row while the clear waits for its lock.
func TestSomebodyGetsThereFirst(t *testing.T) {
	for name, c := range map[string]struct {
		role, change string
		kind         fault.Kind
		text         string
		left         string // of smtpPassword
	}{
		"another value":        {change: `UPDATE "SystemSettings" SET seed = 'l0gg3d-new'`, kind: fault.Refused, text: `column "seed" holds another value`, left: "l0gg3d-smtp"},
		"the row goes":         {change: `DELETE FROM "SystemSettings"`, kind: fault.NotFound, text: "matches no row"},
		"the row is renamed":   {change: `UPDATE "SystemSettings" SET id = 'x'`, kind: fault.NotFound, text: "matches no row"},
		"repeatable read":      {role: "repeatable read", change: `UPDATE "SystemSettings" SET id = id`, kind: fault.Unavailable, text: "another session got in the way (SQLSTATE 40001)", left: "l0gg3d-smtp"},
		"serializable":         {role: "serializable", change: `UPDATE "SystemSettings" SET id = id`, kind: fault.Unavailable, text: "another session got in the way (SQLSTATE 40001)", left: "l0gg3d-smtp"},
		"the table is altered": {change: `ALTER TABLE "SystemSettings" RENAME "geminiKey" TO g`, kind: fault.Refused, text: `has just gone`, left: "l0gg3d-smtp"},
	} {
		t.Run(name, func(t *testing.T) {
			d := fresh(t, strings.ReplaceAll(settings, canary, logged))
			if c.role != "" {
				d.do(`ALTER ROLE APP SET default_transaction_isolation = '` + c.role + `'`)
			}
			target := d.identified()
			d.do(`BEGIN`, `SELECT 1 FROM "SystemSettings" FOR UPDATE`, c.change)
			done := make(chan error, 1)
			go func() {
				_, err := inside().Clear(t.Context(), target, environment(nil), never(t))
				done <- err
			}()
			d.awaitWaiter()
			d.do(`COMMIT`)
			err := <-done
			wantFault(t, err, c.kind, c.text)
			wantFault(t, err, c.kind, "no legacy value was cleared")
			if got := d.one(`SELECT coalesce(max("smtpPassword"), '') FROM "SystemSettings" WHERE id = 'singleton'`); got != c.left {
				t.Errorf("smtpPassword is now %q", got)
			}
		})
	}
}

// awaitWaiter returns when a session of the app waits for a lock.
func (d *database) awaitWaiter() {
	d.t.Helper()
	d.as(d.name).await(`SELECT count(*) FROM pg_stat_activity WHERE usename = 'app_` + d.name + `' AND wait_event_type = 'Lock'`)
}

// await asks until the count is not 0 any more.
func (d *database) await(count string) {
	d.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(10 * time.Second)
	for d.one("SELECT ("+count+")::text") == "0" {
		select {
		case <-tick.C:
		case <-end:
			d.t.Fatalf("%s is 0 for too long", count)
		}
	}
}

// TestAskedTwice plays a request that comes again after the value was entered anew: it is not cleared on the old proof,
// unless it is what the environment holds.
func TestAskedTwice(t *testing.T) {
	d := fresh(t, strings.ReplaceAll(settings, canary, logged))
	target := d.identified()
	if _, err := inside().Clear(t.Context(), target, environment(nil), yes); err != nil {
		t.Fatal(err)
	}
	d.do(`UPDATE "SystemSettings" SET "smtpPassword" = 'l0gg3d-entered-anew'`)
	before := d.picture()
	got, err := inside().Clear(t.Context(), target, environment(nil), never(t))
	if err != nil || got[0].Verdict != secret.Differs || got[0].Cleared || got[0].Kept == "" {
		t.Errorf("%+v, %v", got, err)
	}
	d.wantPicture(before)
}
