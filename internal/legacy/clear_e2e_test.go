//go:build e2e

package legacy

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

// settings is the table that the target of these tests names: nullable, NOT NULL and mixed-case columns.
const settings = `CREATE TABLE "SystemSettings" (
	id text PRIMARY KEY, "smtpPassword" text, "aiKey" varchar(200) NOT NULL DEFAULT '', "seed" char(40), "geminiKey" text);
ALTER TABLE "SystemSettings" OWNER TO APP;
INSERT INTO "SystemSettings" VALUES ('singleton', 'c4n4ry-smtp', 'c4n4ry-ai', 'c4n4ry-seed', '')`

// canary marks the secrets of these tests. A server that complains about a row puts its values into its own log, which
// nobody but its superuser can forbid; the tests that make it complain use logged for them.
const (
	canary = "c4n4ry"
	logged = "l0gg3d"
)

// inside is a Database to which the name db is the server of these tests.
func inside() *Database {
	return New(Options{Lookup: func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}})
}

func (d *database) target() Target {
	return Target{App: "capakraken", DSN: d.url(running.port, ""), DSNOrigin: origin, Table: "SystemSettings", RowColumn: "id", RowValue: "singleton",
		Columns: []Column{{"smtp", "smtpPassword", secret.Keep}, {"primary-ai", "aiKey", secret.Keep}, {"seed", "seed", secret.Refuse}, {"gemini", "geminiKey", ""}}}
}

// provisioned returns the environment's values for the target: all the same as in settings.
func provisioned() map[string]secret.Value {
	return map[string]secret.Value{"smtp": secret.NewValue("c4n4ry-smtp"), "primary-ai": secret.NewValue("c4n4ry-ai"),
		"seed": secret.NewValue("c4n4ry-seed"), "gemini": secret.NewValue("c4n4ry-gemini")}
}

func yes([]secret.Residue) error { return nil }

// never fails the test when it is asked.
func never(t *testing.T) func([]secret.Residue) error {
	return func([]secret.Residue) error { t.Error("proceed was asked"); return nil }
}

// row returns what the row holds now.
func (d *database) row() string {
	return d.one(`SELECT concat_ws('|', coalesce("smtpPassword", 'NULL'), "aiKey", coalesce(seed, 'NULL'), coalesce("geminiKey", 'NULL')) FROM "SystemSettings" WHERE id = 'singleton'`)
}

const before = "c4n4ry-smtp|c4n4ry-ai|c4n4ry-seed                             |"

// wantUntouched fails the test unless the row holds what settings put there.
func (d *database) wantUntouched() {
	d.t.Helper()
	if got := d.row(); strings.ReplaceAll(got, logged, canary) != before {
		d.t.Errorf("the row is now %s", got)
	}
}

func TestInspect(t *testing.T) {
	d := fresh(t, settings)
	expected := provisioned()
	expected["smtp"] = secret.NewValue("c4n4ry-other")
	delete(expected, "primary-ai")
	got, err := inside().Inspect(t.Context(), d.target(), expected)
	if err != nil {
		t.Fatal(err)
	}
	want := []secret.Residue{{Secret: "smtp", Column: "smtpPassword", Verdict: secret.Differs}, {Secret: "primary-ai", Column: "aiKey", Verdict: secret.Differs},
		{Secret: "seed", Column: "seed", Verdict: secret.Same}, {Secret: "gemini", Column: "geminiKey", Verdict: secret.Empty}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	d.wantUntouched()
}

func TestClear(t *testing.T) {
	d := fresh(t, settings)
	var asked []secret.Residue
	got, err := inside().Clear(t.Context(), d.target(), provisioned(), func(r []secret.Residue) error {
		asked = r
		d.wantUntouched()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []secret.Residue{{Secret: "smtp", Column: "smtpPassword", Verdict: secret.Same}, {Secret: "primary-ai", Column: "aiKey", Verdict: secret.Same},
		{Secret: "seed", Column: "seed", Verdict: secret.Same}, {Secret: "gemini", Column: "geminiKey", Verdict: secret.Empty}}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Error(diff)
	}
	for i := range 3 {
		want[i].Cleared = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := d.row(); got != "NULL||NULL|" {
		t.Errorf("the row is now %s", got)
	}
	again, err := inside().Clear(t.Context(), d.target(), provisioned(), never(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range again {
		if r.Verdict != secret.Empty || r.Cleared || r.Kept != "" {
			t.Errorf("the second time: %+v", r)
		}
	}
}

func TestClearOverSocket(t *testing.T) {
	d := fresh(t, settings)
	target := d.target()
	target.DSN = secret.NewValue("postgres://app_" + d.name + "@localhost:" + strconv.Itoa(running.port) + "/" + d.name + "?host=" + running.dir)
	if _, err := New(Options{}).Clear(t.Context(), target, provisioned(), yes); err != nil {
		t.Fatal(err)
	}
}

func TestMismatch(t *testing.T) {
	for name, c := range map[string]struct {
		column  int
		policy  secret.OnMismatch
		value   string
		row     string
		kept    string
		refused string
	}{
		"keep":                 {0, secret.Keep, "c4n4ry-new", "c4n4ry-smtp||NULL|", "it is not the environment's value (on_mismatch: keep)", ""},
		"clear":                {0, secret.Clear, "c4n4ry-new", "NULL||NULL|", "", ""},
		"refuse":               {0, secret.Refuse, "c4n4ry-new", before, "", `secret smtp: column "smtpPassword" holds another value`},
		"clear, but no value":  {0, secret.Clear, "", "c4n4ry-smtp||NULL|", "the environment has no value for it, so the database holds the only one", ""},
		"refuse, but no value": {0, secret.Refuse, "", "c4n4ry-smtp||NULL|", "the environment has no value for it, so the database holds the only one", ""},
		"longer":               {0, secret.Keep, "c4n4ry-smtp ", "c4n4ry-smtp||NULL|", "it is not the environment's value (on_mismatch: keep)", ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := fresh(t, settings)
			target, expected := d.target(), provisioned()
			target.Columns[c.column].OnMismatch = c.policy
			expected["smtp"] = secret.NewValue(c.value)
			got, err := inside().Clear(t.Context(), target, expected, yes)
			if c.refused != "" {
				wantFault(t, err, fault.Refused, c.refused)
				wantFault(t, err, fault.Refused, "no legacy value was cleared")
			} else if err != nil {
				t.Fatal(err)
			} else if r := got[c.column]; r.Kept != c.kept || r.Verdict != secret.Differs || r.Cleared != (c.kept == "") {
				t.Errorf("%+v", r)
			}
			if got := d.row(); got != c.row {
				t.Errorf("the row is now %s", got)
			}
		})
	}
}

func TestRowIsLockedBySomebody(t *testing.T) {
	d := fresh(t, settings)
	d.do(`BEGIN`, `UPDATE "SystemSettings" SET id = id`)
	start := time.Now()
	_, err := inside().Clear(t.Context(), d.target(), provisioned(), never(t))
	wantFault(t, err, fault.Unavailable, "the row is locked by another session for longer than 2s (SQLSTATE 55P03); no legacy value was cleared")
	if spent := time.Since(start); spent > 3*time.Second {
		t.Errorf("it took %s", spent)
	}
	d.do(`ROLLBACK`)
	d.wantUntouched()
}

func TestRowIsLockedByUs(t *testing.T) {
	d := fresh(t, settings)
	no := fault.New(fault.Refused, "service web: its container has ended")
	_, err := inside().Clear(t.Context(), d.target(), provisioned(), func([]secret.Residue) error {
		d.do(`SET lock_timeout = '50ms'`)
		if _, err := d.conn.Exec(t.Context(), `UPDATE "SystemSettings" SET "smtpPassword" = 'x'`); err == nil {
			t.Error("the row was not locked")
		}
		return no
	})
	if !errors.Is(err, no) {
		t.Errorf("proceed's own error is lost: %v", err)
	}
	d.wantUntouched()
}

func TestInterruptedBeforeTheCommit(t *testing.T) {
	d := fresh(t, settings)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := inside().Clear(ctx, d.target(), provisioned(), func([]secret.Residue) error { cancel(); return nil })
	wantFault(t, err, fault.Unavailable, "interrupted; no legacy value was cleared")
	if errors.Is(err, ErrUnknown) {
		t.Error("it is known")
	}
	d.wantUntouched()
}

// TestTheTimeIsUp lets the step's deadline pass, as a clock that jumps ahead does, when all is ready to be written.
func TestTheTimeIsUp(t *testing.T) {
	d := fresh(t, settings)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := inside().Clear(ctx, d.target(), provisioned(), func([]secret.Residue) error { <-ctx.Done(); return nil })
	wantFault(t, err, fault.TimedOut, "does not answer in time; no legacy value was cleared")
	d.wantUntouched()
}

// TestOddNames clears a row of a table whose names would be something else if they were not quoted.
func TestOddNames(t *testing.T) {
	d := fresh(t, `CREATE SCHEMA "te""nant; --"`, `ALTER SCHEMA "te""nant; --" OWNER TO APP`,
		`CREATE TABLE "te""nant; --"."Sys""; DROP" ("i d" text, "pass%word" text, "ключ" text)`, `ALTER TABLE "te""nant; --"."Sys""; DROP" OWNER TO APP`,
		`INSERT INTO "te""nant; --"."Sys""; DROP" VALUES ('it''s $1', 'c4n4ry-smtp', 'c4n4ry-ai'), ('other', 'c4n4ry-smtp', 'c4n4ry-ai')`)
	target := d.target()
	target.Schema, target.Table, target.RowColumn, target.RowValue = `te"nant; --`, `Sys"; DROP`, "i d", "it's $1"
	target.Columns = []Column{{"smtp", "pass%word", secret.Keep}, {"primary-ai", "ключ", secret.Keep}}
	got, err := inside().Clear(t.Context(), target, provisioned(), yes)
	if err != nil || !got[0].Cleared || !got[1].Cleared {
		t.Fatalf("%+v, %v", got, err)
	}
	if err := inside().Analyze(t.Context(), target); err != nil {
		t.Error(err)
	}
	if left := d.one(`SELECT string_agg("i d" || "pass%word" || "ключ", '') FROM "te""nant; --"."Sys""; DROP"`); left != "otherc4n4ry-smtpc4n4ry-ai" {
		t.Errorf("left is %q", left)
	}
}

// TestTriggersKeepTheirSearchPath: that PostgreSQL's own operators come first is no reason for a trigger to fail.
func TestTriggersKeepTheirSearchPath(t *testing.T) {
	for name, path := range map[string]string{"of its own": "app, public", "empty": "''", "with ours in it": "public, pg_catalog, app"} {
		t.Run(name, func(t *testing.T) {
			d := fresh(t, settings, `CREATE SCHEMA app`, `GRANT USAGE ON SCHEMA app TO APP`, `CREATE TABLE app.seen (n int)`, `GRANT ALL ON app.seen TO APP`,
				`ALTER ROLE APP SET search_path = `+path, function(`IF current_setting('search_path') LIKE '%app%' THEN INSERT INTO seen VALUES (1); END IF; RETURN NEW;`), beforeUpdate)
			if _, err := inside().Clear(t.Context(), d.target(), provisioned(), yes); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTheTransactionsSettings(t *testing.T) {
	d := fresh(t, settings, `CREATE TABLE seen (line text)`, `GRANT ALL ON seen TO APP`, `ALTER ROLE APP SET synchronous_commit = off`,
		`CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			INSERT INTO seen SELECT concat_ws('|', current_setting('application_name'), current_setting('lock_timeout'), current_setting('statement_timeout'),
				current_setting('idle_in_transaction_session_timeout'), current_setting('synchronous_commit'));
			RETURN NEW; END $$`,
		`CREATE TRIGGER note AFTER UPDATE ON "SystemSettings" FOR EACH ROW EXECUTE FUNCTION note()`)
	if _, err := inside().Clear(t.Context(), d.target(), provisioned(), yes); err != nil {
		t.Fatal(err)
	}
	if got := d.one(`SELECT string_agg(line, ';') FROM seen`); got != "fairlead capakraken|2s|5s|15s|on" {
		t.Error(got)
	}
}

func TestSomebodyWritesBack(t *testing.T) {
	d := fresh(t, settings)
	written := false
	racing := New(Options{Lookup: func(context.Context, string) ([]netip.Addr, error) {
		if written { // the connection after the commit
			d.do(`UPDATE "SystemSettings" SET "smtpPassword" = 'c4n4ry-back'`)
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}})
	got, err := racing.Clear(t.Context(), d.target(), provisioned(), func([]secret.Residue) error { written = true; return nil })
	if err != nil {
		t.Fatal(err)
	}
	want := secret.Residue{Secret: "smtp", Column: "smtpPassword", Verdict: secret.Differs, Kept: "it was cleared, but somebody has written a value again since"}
	if diff := cmp.Diff(want, got[0]); diff != "" || !got[1].Cleared {
		t.Errorf("%s%+v", diff, got[1])
	}
}
