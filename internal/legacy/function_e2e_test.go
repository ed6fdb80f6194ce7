//go:build e2e

package legacy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/legacysql"
	"github.com/capakraken/fairlead/internal/secret"
)

// functional returns a target whose user has only what the script grants, after running the script as the superuser.
func (d *database) functional(change ...func(*Target)) Target {
	d.t.Helper()
	target := d.target()
	target.Function = `fair"lead's\$fairlead$`
	for _, c := range change {
		c(&target)
	}
	role := `clear"er_` + d.name
	d.run(definition(target).Grant(role))
	d.do(fmt.Sprintf("ALTER ROLE %s PASSWORD 'c4n4ry'", legacysql.Quote(role)))
	d.t.Cleanup(func() {
		_, _ = d.conn.Exec(context.Background(), "DROP OWNED BY "+legacysql.Quote(role)+"; DROP ROLE "+legacysql.Quote(role))
	})
	target.DSN = secret.NewValue(fmt.Sprintf("postgresql://clear%%22er_%s:c4n4ry@db:%d/%s", d.name, running.port, d.name))
	return target
}

// definition is what the command prints for a target.
func definition(t Target) legacysql.Table {
	out := legacysql.Table{Schema: "public", Name: t.Table, RowColumn: t.RowColumn, RowValue: t.RowValue, Function: t.Function}
	for _, c := range t.Columns {
		out.Columns = append(out.Columns, legacysql.Column{Name: c.Column, Differing: c.OnMismatch == secret.Clear})
	}
	return out
}

// run carries out a whole script, as psql does.
func (d *database) run(script string) {
	d.t.Helper()
	if _, err := d.conn.Exec(context.Background(), script, pgx.QueryExecModeSimpleProtocol); err != nil {
		d.t.Fatalf("%v\n%s", err, script)
	}
}

// The role sees and clears what the table's owner would, and can read nothing.
func TestFunction(t *testing.T) {
	d := fresh(t, settings, `INSERT INTO "SystemSettings" VALUES ('other', 'c4n4ry-x')`)
	target := d.functional()
	expected := provisioned()
	expected["smtp"] = secret.NewValue("c4n4ry-other")
	got, err := inside().Inspect(t.Context(), target, expected)
	if err != nil {
		t.Fatal(err)
	}
	want := []secret.Residue{{Secret: "smtp", Column: "smtpPassword", Verdict: secret.Differs}, {Secret: "primary-ai", Column: "aiKey", Verdict: secret.Same},
		{Secret: "seed", Column: "seed", Verdict: secret.Same}, {Secret: "gemini", Column: "geminiKey", Verdict: secret.Empty}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	d.wantUntouched()
	survey, err := inside().Survey(t.Context(), target)
	if err != nil || survey.Identity.Table == "" || survey.Identity.Columns == "" || survey.Identity.Database == "" {
		t.Errorf("survey %+v, %v", survey, err)
	}
	target.Identity = survey.Identity
	asked := 0
	got, err = inside().Clear(t.Context(), target, expected, func(r []secret.Residue) error { asked += len(r); return nil })
	if err != nil || asked != 4 {
		t.Fatalf("asked %d, %v", asked, err)
	}
	want[0].Kept, want[1].Cleared, want[2].Cleared = "it is not the environment's value (on_mismatch: keep)", true, true
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if row := d.row(); row != "c4n4ry-smtp||NULL|" {
		t.Errorf("the row is %s", row)
	}
	if other := d.one(`SELECT "smtpPassword" FROM "SystemSettings" WHERE id = 'other'`); other != "c4n4ry-x" {
		t.Error("another row was changed")
	}
	if got, err = inside().Clear(t.Context(), target, expected, never(t)); err != nil || got[1].Cleared || got[1].Verdict != secret.Empty {
		t.Errorf("again: %v, %v", got, err)
	}
	if err := inside().Analyze(t.Context(), target); err != nil {
		t.Error(err)
	}
	if g, err := inside().Grants(t.Context(), target); err != nil || len(g.Unreadable)+len(g.Unwritable) > 0 {
		t.Errorf("grants %+v, %v", g, err)
	}
	if _, err := inside().Stored(t.Context(), target); fault.KindOf(err) != fault.Refused {
		t.Errorf("stored: %v", err)
	}
	d.run(definition(target).Grant(`clear"er_` + d.name)) // it may be run again
	if _, err := inside().Inspect(t.Context(), target, expected); err != nil {
		t.Error(err)
	}
}

// The role can do nothing but call the function, and what the function says is never a value.
func TestFunctionsRoleReadsNothing(t *testing.T) {
	d := fresh(t, settings)
	target := d.functional()
	role := legacysql.Quote(`clear"er_` + d.name)
	for _, sql := range []string{`SELECT * FROM "SystemSettings"`, `SELECT "smtpPassword" FROM "SystemSettings"`, `SELECT count(*) FROM "SystemSettings"`,
		`UPDATE "SystemSettings" SET "smtpPassword" = NULL`, `DELETE FROM "SystemSettings"`, `INSERT INTO "SystemSettings" VALUES ('x')`, `TRUNCATE "SystemSettings"`,
		`COPY "SystemSettings" TO STDOUT`, `SELECT 1 FROM "SystemSettings" FOR UPDATE`, `LOCK TABLE "SystemSettings"`, `CREATE TRIGGER x AFTER UPDATE ON "SystemSettings" EXECUTE FUNCTION now()`,
		`ALTER TABLE "SystemSettings" ADD x int`, `CREATE OR REPLACE FUNCTION ` + definition(target).Function} {
		d.do("SET ROLE " + role)
		_, err := d.conn.Exec(t.Context(), sql)
		d.do("RESET ROLE")
		if err == nil {
			t.Errorf("it may do: %s", sql)
		}
	}
	if n := d.one(`SELECT count(*)::text FROM pg_stats WHERE tablename = 'SystemSettings'`); n == "" {
		t.Error("no answer")
	}
	// Called by hand, with every action and with wrong words, it answers with words of its own or not at all.
	call := legacysql.Quote("public") + "." + legacysql.Quote(target.Function)
	zero := "decode(repeat('00', 32), 'hex')"
	for _, args := range []string{"'inspect', " + zero + ", ARRAY[NULL,NULL,NULL,NULL]::bytea[], '{}'", "'lock', " + zero + ", ARRAY[NULL,NULL,NULL,NULL]::bytea[], '{}'"} {
		d.do("SET ROLE " + role)
		said := d.one("SELECT " + call + "(" + args + ")::text")
		d.do("RESET ROLE")
		if said != "{differs,differs,differs,empty}" {
			t.Errorf("it says %s", said)
		}
	}
	for args, code := range map[string]string{
		"'read', " + zero + ", ARRAY[NULL,NULL,NULL,NULL]::bytea[], '{}'":                 legacysql.Misused,
		"'inspect', '\\x00', ARRAY[NULL,NULL,NULL,NULL]::bytea[], '{}'":                   legacysql.Misused,
		"'inspect', " + zero + ", ARRAY[NULL]::bytea[], '{}'":                             legacysql.Misused,
		"'inspect', NULL, NULL, NULL":                                                     legacysql.Misused,
		"NULL, " + zero + ", ARRAY[NULL,NULL,NULL,NULL]::bytea[], '{}'":                   legacysql.Misused,
		"'clear', " + zero + ", ARRAY[NULL,NULL,NULL,NULL]::bytea[], '{id}'":              legacysql.Misused,
		"'clear', " + zero + ", ARRAY[NULL,NULL,NULL,NULL]::bytea[], '{aiKey}'":           legacysql.Forbidden,
		"'clear', " + zero + ", ARRAY['\\x01',NULL,NULL,NULL]::bytea[], '{smtpPassword}'": legacysql.Forbidden,
		"'clear', " + zero + ", ARRAY[NULL,NULL,NULL,NULL]::bytea[], ARRAY[NULL]::text[]": legacysql.Misused,
	} {
		d.do("SET ROLE " + role)
		_, err := d.conn.Exec(t.Context(), "SELECT "+call+"("+args+")")
		d.do("RESET ROLE")
		if err == nil || !strings.Contains(err.Error(), code) {
			t.Errorf("%s: %v, want %s", args, err, code)
		}
	}
	d.wantUntouched()
}

// What the environment does not have is never cleared, and a differing value only where the policy says so and the function was
// made for it.
func TestFunctionKeepsThePolicy(t *testing.T) {
	d := fresh(t, settings)
	target := d.functional(func(t *Target) { t.Columns[0].OnMismatch = secret.Clear })
	expected := provisioned()
	expected["smtp"] = secret.NewValue("c4n4ry-other")
	delete(expected, "primary-ai")
	expected["seed"] = secret.NewValue("c4n4ry-other")
	if _, err := inside().Clear(t.Context(), target, expected, never(t)); fault.KindOf(err) != fault.Refused || !strings.Contains(err.Error(), "on_mismatch is refuse") {
		t.Errorf("refuse: %v", err)
	}
	d.wantUntouched()
	expected["seed"] = provisioned()["seed"]
	if _, err := inside().Clear(t.Context(), target, expected, yes); err != nil {
		t.Fatal(err)
	}
	if row := d.row(); row != "NULL|c4n4ry-ai|NULL|" {
		t.Errorf("the row is %s", row)
	}
	target.Columns[0].OnMismatch = secret.Keep
	if _, err := inside().Inspect(t.Context(), target, expected); fault.KindOf(err) != fault.Refused || !strings.Contains(err.Error(), "is not the one for this table, its columns and their on_mismatch") {
		t.Errorf("another policy: %v", err)
	}
}

// Whatever the function or the table is not, is refused, and nothing is cleared.
func TestFunctionRefuses(t *testing.T) {
	name := legacysql.Quote(`fair"lead's\$fairlead$`)
	takes := "(text, bytea, bytea[], text[])"
	trigger := func(body string) string {
		return `CREATE FUNCTION public.meddle() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN ` + body + ` END$$;
			CREATE TRIGGER meddle BEFORE UPDATE ON public."SystemSettings" FOR EACH ROW EXECUTE FUNCTION public.meddle()`
	}
	for what, tt := range map[string]struct {
		sql  string
		kind fault.Kind
		want string
	}{
		"no function":           {"DROP FUNCTION " + name, fault.Refused, "does not exist; have the database's administrator run what 'fairlead legacy sql capakraken' prints"},
		"another function":      {"CREATE OR REPLACE FUNCTION " + name + "(" + legacysql.Signature + ") RETURNS text[] LANGUAGE sql AS 'SELECT ARRAY[''empty'',''empty'',''empty'',''empty'']'", fault.Refused, "is not the one for this table"},
		"the caller's rights":   {"ALTER FUNCTION " + name + takes + " SECURITY INVOKER", fault.Refused, "is not the one for this table"},
		"another search path":   {"ALTER FUNCTION " + name + takes + " SET search_path = public", fault.Refused, "is not the one for this table"},
		"a setting more":        {"ALTER FUNCTION " + name + takes + " SET work_mem = '1MB'", fault.Refused, "is not the one for this table"},
		"another owner":         {"ALTER FUNCTION " + name + takes + " OWNER TO admin", fault.Refused, "does not belong to the owner of table"},
		"everybody may call it": {"GRANT EXECUTE ON FUNCTION " + name + takes + " TO PUBLIC", fault.Refused, "may be called by everybody"},
		"others may call it":    {"GRANT EXECUTE ON FUNCTION " + name + takes + " TO pg_monitor", fault.Refused, "may be called by others than the user of the URL"},
		"we may not call it":    {`REVOKE EXECUTE ON FUNCTION ` + name + takes + ` FROM "clear""er_@@"`, fault.Refused, "may not be called by the user of the URL"},
		"no table":              {`ALTER TABLE "SystemSettings" RENAME TO x`, fault.NotFound, "there is no table"},
		"no column":             {`ALTER TABLE "SystemSettings" RENAME seed TO seeds`, fault.Refused, "were altered, renamed or made anew"},
		"no row":                {`DELETE FROM "SystemSettings"`, fault.NotFound, "matches no row"},
		"a second row":          {`ALTER TABLE "SystemSettings" DROP CONSTRAINT "SystemSettings_pkey"; INSERT INTO "SystemSettings" VALUES ('singleton')`, fault.Refused, "matches more than one row"},
		"row-level security":    {`ALTER TABLE "SystemSettings" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`, fault.Refused, "row-level security that applies to its owner"},
		"a table made anew":     {`ALTER TABLE "SystemSettings" RENAME TO old; CREATE TABLE "SystemSettings" (LIKE old); ALTER TABLE "SystemSettings" OWNER TO APP; INSERT INTO "SystemSettings" SELECT * FROM old`, fault.Refused, "was made anew since it was validated"},
		"a trigger that keeps":  {trigger(`NEW."smtpPassword" := OLD."smtpPassword"; RETURN NEW;`), fault.Refused, "a column is not empty after it was cleared"},
		"a trigger that skips":  {trigger(`RETURN NULL;`), fault.Refused, "the update changed another number"},
		"a trigger that writes": {trigger(`NEW."geminiKey" := 'c4n4ry'; RETURN NEW;`), fault.Refused, "was to be left alone"},
		"a trigger that raises": {trigger(`RAISE EXCEPTION 'no';`), fault.Refused, "a trigger or rule of the legacy table forbids the change"},
		"a rule":                {`CREATE RULE r AS ON UPDATE TO "SystemSettings" DO INSTEAD NOTHING`, fault.Refused, "has a rule"},
	} {
		t.Run(what, func(t *testing.T) {
			d := fresh(t, settings)
			target := d.functional()
			survey, err := inside().Survey(t.Context(), target)
			if err != nil {
				t.Fatal(err)
			}
			target.Identity = survey.Identity
			all := d.one(`SELECT string_agg(t::text, '/') FROM "SystemSettings" t`)
			d.run(strings.NewReplacer("APP", "app_"+d.name, "@@", d.name).Replace(tt.sql))
			_, err = inside().Clear(t.Context(), target, provisioned(), yes)
			if fault.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if strings.Contains(fmt.Sprint(err), canary) {
				t.Error("the error holds a value")
			}
			if what != "no table" && what != "no row" && what != "a second row" && what != "a table made anew" && d.one(`SELECT string_agg(t::text, '/') FROM "SystemSettings" t`) != all {
				t.Error("something was cleared")
			}
		})
	}
}

// The caller's own no, a row that another session holds, and a death before the commit leave everything as it was.
func TestFunctionUntilTheCommit(t *testing.T) {
	d := fresh(t, settings)
	target := d.functional()
	no := errors.New("not now")
	if _, err := inside().Clear(t.Context(), target, provisioned(), func([]secret.Residue) error { return no }); !errors.Is(err, no) {
		t.Errorf("got %v", err)
	}
	d.wantUntouched()
	held, err := d.as(d.name).conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := held.Exec(t.Context(), `SELECT FROM "SystemSettings" FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	if _, err := inside().Clear(t.Context(), target, provisioned(), never(t)); fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "the row is locked by another session") {
		t.Errorf("got %v", err)
	}
	_ = held.Rollback(t.Context())
	// While the row is locked by us, nobody else can change it.
	_, err = inside().Clear(t.Context(), target, provisioned(), func([]secret.Residue) error {
		_, err := d.conn.Exec(t.Context(), `SET lock_timeout = '100ms'; UPDATE "SystemSettings" SET "smtpPassword" = 'x'`, pgx.QueryExecModeSimpleProtocol)
		if err == nil {
			t.Error("the row is not locked")
		}
		return nil
	})
	if row := d.row(); err != nil || row != "NULL||NULL|" {
		t.Errorf("the row is %s, %v", row, err)
	}
}

// Names and values that need quoting are what they are.
func TestFunctionOfOddNames(t *testing.T) {
	d := fresh(t, `CREATE TABLE "it's \ $fairlead$ ""x""" ("key's \" text, "col's \ $$" text NOT NULL, plain text);
		ALTER TABLE "it's \ $fairlead$ ""x""" OWNER TO APP; INSERT INTO "it's \ $fairlead$ ""x""" VALUES (E'o\'n\\e $fairlead$ {body}', 'c4n4ry-1', 'c4n4ry-2'), ('two', 'c4n4ry-3', 'c4n4ry-4')`)
	target := d.functional(func(t *Target) {
		t.Table, t.RowColumn, t.RowValue = `it's \ $fairlead$ "x"`, `key's \`, `o'n\e $fairlead$ {body}`
		t.Columns = []Column{{"one", `col's \ $$`, ""}, {"two", "plain", secret.Clear}}
	})
	residue, err := inside().Clear(t.Context(), target, map[string]secret.Value{"one": secret.NewValue("c4n4ry-1"), "two": secret.NewValue("c4n4ry-x")}, yes)
	if err != nil || !residue[0].Cleared || !residue[1].Cleared {
		t.Fatalf("got %+v, %v", residue, err)
	}
	if got := d.one(`SELECT string_agg(concat_ws('|', "col's \ $$", coalesce(plain, 'NULL')), '/' ORDER BY plain NULLS FIRST) FROM "it's \ $fairlead$ ""x"""`); got != "|NULL/c4n4ry-3|c4n4ry-4" {
		t.Errorf("the table holds %s", got)
	}
	d.run(definition(target).Constraint()[:strings.Index(definition(target).Constraint(), "-- This one")])
}

// The constraint lets the app work on, and refuses a new value. NOT NULL columns are empty with ”.
func TestConstraint(t *testing.T) {
	d := fresh(t, settings, `ALTER TABLE "SystemSettings" ADD COLUMN host text`)
	target := d.functional()
	script := definition(target).Constraint()
	if _, err := d.conn.Exec(t.Context(), script, pgx.QueryExecModeSimpleProtocol); err == nil || !strings.Contains(err.Error(), "23514") {
		t.Errorf("with residue it must not validate: %v", err)
	}
	if _, err := inside().Clear(t.Context(), target, provisioned(), yes); err != nil {
		t.Fatal(err)
	}
	d.run(script)
	d.run(script) // again
	d.do(`UPDATE "SystemSettings" SET host = 'mail'`, `UPDATE "SystemSettings" SET "smtpPassword" = ''`, `INSERT INTO "SystemSettings" (id, seed) VALUES ('x', '   ')`)
	for _, column := range []string{"smtpPassword", "aiKey", "seed", "geminiKey"} {
		if _, err := d.conn.Exec(t.Context(), `UPDATE "SystemSettings" SET `+legacysql.Quote(column)+` = 'x'`); err == nil || !strings.Contains(err.Error(), "23514") {
			t.Errorf("%s took a value: %v", column, err)
		}
	}
	if _, err := inside().Clear(t.Context(), target, provisioned(), never(t)); err != nil {
		t.Error(err)
	}
}

// Nobody keeps the right to call it: not whoever had it from a function that stood there before, nor whom the database's
// default privileges give it.
func TestFunctionIsNobodyElses(t *testing.T) {
	d := fresh(t, settings)
	target := d.functional()
	table := definition(target)
	call := legacysql.Quote("public") + "." + legacysql.Quote(table.Function)
	d.run(fmt.Sprintf(`DROP FUNCTION %s; CREATE FUNCTION %[1]s(%s) RETURNS text[] LANGUAGE sql AS 'SELECT NULL::text[]'; GRANT EXECUTE ON FUNCTION %[1]s TO pg_monitor;
		ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO pg_read_all_stats`, call, legacysql.Signature))
	d.run(table.Grant("clear\"er_" + d.name))
	if got := d.one(`SELECT count(*)::text FROM pg_proc p, aclexplode(p.proacl) a WHERE proname = ` + "$n$" + table.Function + "$n$" + ` AND a.grantee <> p.proowner`); got != "1" {
		t.Errorf("%s may call it, and not its one role alone", got)
	}
	if _, err := inside().Clear(t.Context(), target, provisioned(), yes); err != nil {
		t.Error(err)
	}
	d.run(`ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE EXECUTE ON FUNCTIONS FROM pg_read_all_stats`)
}
