//go:build e2e

package legacy

import (
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

// trap is a database that is not what it seems. A clear there must write nothing, and say why.
type trap struct {
	setup  []string // after settings, unless it makes the table itself
	own    bool     // it does
	change func(t *Target)
	values map[string]string // of the environment, where they are not those of settings
	kind   fault.Kind        // Refused where empty
	text   string
}

// function returns what makes a trigger function with this body.
func function(body string) string {
	return `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ` + body + ` END $$`
}

const (
	beforeUpdate = `CREATE TRIGGER f BEFORE UPDATE ON "SystemSettings" FOR EACH ROW EXECUTE FUNCTION f()`
	afterUpdate  = `CREATE TRIGGER f AFTER UPDATE ON "SystemSettings" FOR EACH ROW EXECUTE FUNCTION f()`
	deferred     = `CREATE CONSTRAINT TRIGGER f AFTER UPDATE ON "SystemSettings" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION f()`
	columns      = `id text, "smtpPassword" text, "aiKey" text, seed text, "geminiKey" text`
	values4      = `('singleton', 'l0gg3d-smtp', 'l0gg3d-ai', 'l0gg3d-seed', '')`
	retype       = `ALTER TABLE "SystemSettings" ALTER "smtpPassword" TYPE `
	anyRow       = `CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO PUBLIC;
		CREATE FUNCTION evil.yes(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
		CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.yes)`
)

func asColumn(t *Target) { t.Columns = t.Columns[:1] }

func row(column, value string) func(t *Target) {
	return func(t *Target) { t.RowColumn, t.RowValue = column, value }
}

func traps() map[string]trap {
	return map[string]trap{
		"updatable view": {setup: []string{`ALTER TABLE "SystemSettings" RENAME TO real`, `CREATE VIEW "SystemSettings" AS SELECT * FROM real`, `ALTER VIEW "SystemSettings" OWNER TO APP`},
			text: "is a view; name the table that really holds the values"},
		"foreign table": {own: true, setup: []string{`CREATE FOREIGN DATA wrapper w`, `CREATE SERVER s FOREIGN DATA wrapper w`, `CREATE FOREIGN TABLE "SystemSettings" (` + columns + `) SERVER s`},
			text: "is a foreign table"},
		"partitioned table": {own: true, setup: []string{`CREATE TABLE "SystemSettings" (` + columns + `) PARTITION BY LIST (id)`, `ALTER TABLE "SystemSettings" OWNER TO APP`,
			`CREATE TABLE part PARTITION OF "SystemSettings" DEFAULT`, `INSERT INTO "SystemSettings" VALUES ` + values4}, text: "is partitioned or inherited from"},
		"row of an heir": {own: true, setup: []string{`CREATE TABLE "SystemSettings" (` + columns + `)`, `ALTER TABLE "SystemSettings" OWNER TO APP`,
			`CREATE TABLE tenant () INHERITS ("SystemSettings")`, `INSERT INTO tenant VALUES ` + values4}, text: "is partitioned or inherited from"},
		"rule instead": {setup: []string{`CREATE RULE r AS ON UPDATE TO "SystemSettings" DO INSTEAD UPDATE "SystemSettings" SET "geminiKey" = 'x'`}, text: "has a rule that makes something else"},
		"rule besides": {setup: []string{`CREATE TABLE other AS SELECT 1 AS n`, `CREATE RULE r AS ON UPDATE TO "SystemSettings" DO ALSO DELETE FROM other`}, text: "has a rule that makes something else"},
		"trigger clears what is kept": {setup: []string{function(`NEW.seed := NULL; RETURN NEW;`), beforeUpdate}, change: func(t *Target) { t.Columns[2].OnMismatch = secret.Keep },
			values: map[string]string{"seed": "another"}, text: `column "seed" was to be left alone, but it is another value`},
		"trigger puts it back afterwards": {setup: []string{function(`IF pg_trigger_depth() = 1 THEN UPDATE "SystemSettings" SET "smtpPassword" = OLD."smtpPassword"; END IF; RETURN NULL;`), afterUpdate},
			text: `column "smtpPassword" is not empty after it was cleared`},
		"trigger puts it back at the commit": {setup: []string{function(`IF pg_trigger_depth() = 1 THEN UPDATE "SystemSettings" SET "smtpPassword" = OLD."smtpPassword"; END IF; RETURN NULL;`), deferred},
			text: `column "smtpPassword" is not empty after it was cleared`},
		"trigger deletes the row": {setup: []string{function(`DELETE FROM "SystemSettings"; RETURN NULL;`), afterUpdate}, kind: fault.NotFound, text: "matches no row"},
		"trigger fails":           {setup: []string{function(`INSERT INTO gone VALUES (1); RETURN NEW;`), beforeUpdate}, text: "a trigger of the legacy table fails (SQLSTATE 42P01)"},
		"trigger takes too long":  {setup: []string{function(`PERFORM pg_sleep(60); RETURN NEW;`), beforeUpdate}, kind: fault.TimedOut, text: "took longer than 5s"},
		"history may not be written": {setup: []string{`CREATE TABLE history (line text)`, function(`INSERT INTO history VALUES (OLD."smtpPassword"); RETURN NEW;`), beforeUpdate},
			text: "lacks a privilege"},
		"foreign key that cascades": {setup: []string{`ALTER TABLE "SystemSettings" ADD UNIQUE ("smtpPassword")`,
			`CREATE TABLE mailer (password text REFERENCES "SystemSettings" ("smtpPassword") ON UPDATE CASCADE)`, `INSERT INTO mailer VALUES ('l0gg3d-smtp')`},
			text: `column "smtpPassword" is what another table's foreign key points at`},
		"unique empty text":           {setup: []string{`ALTER TABLE "SystemSettings" ADD UNIQUE ("aiKey")`, `INSERT INTO "SystemSettings" (id) VALUES ('second')`}, text: "does not allow the empty value (SQLSTATE 23505)"},
		"generated column must be":    {setup: []string{`ALTER TABLE "SystemSettings" ADD hint text NOT NULL GENERATED ALWAYS AS ("smtpPassword" || 'x') STORED`}, text: "does not allow the empty value (SQLSTATE 23502)"},
		"domain that is never empty":  {setup: []string{`CREATE DOMAIN filled AS text NOT NULL`, retype + `filled`}, text: "does not allow the empty value (SQLSTATE 23502)"},
		"document":                    {setup: []string{retype + `jsonb USING jsonb_build_object('password', "smtpPassword", 'user', 'me')`}, change: func(t *Target) { asColumn(t); t.Columns[0].OnMismatch = secret.Clear }, text: `column "smtpPassword" is of type jsonb, which may hold more`},
		"json text":                   {setup: []string{retype + `json USING to_json("smtpPassword")`}, text: "is of type json, which may hold more"},
		"bytes":                       {setup: []string{retype + `bytea USING "smtpPassword"::bytea`}, text: "is of type bytea"},
		"array":                       {setup: []string{retype + `text[] USING ARRAY["smtpPassword"]`}, text: "is of type text[]"},
		"padded text":                 {values: map[string]string{"seed": "l0gg3d-seed   "}, text: `column "seed" holds another value`},
		"row security that is forced": {setup: []string{`ALTER TABLE "SystemSettings" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`}, text: "has row-level security that applies"},
		"row that only its collation finds": {setup: []string{`CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`,
			`ALTER TABLE "SystemSettings" ALTER id TYPE text COLLATE loose`}, change: row("id", "SINGLETON"), kind: fault.NotFound, text: "matches no row"},
		"row that only its type finds":     {setup: []string{`CREATE EXTENSION citext`, `ALTER TABLE "SystemSettings" ALTER id TYPE citext`}, change: row("id", "Singleton"), kind: fault.NotFound, text: "matches no row"},
		"row of a number":                  {setup: []string{`ALTER TABLE "SystemSettings" ADD n int DEFAULT 1`}, change: row("n", "01"), kind: fault.NotFound, text: "matches no row"},
		"row whose id is NULL":             {setup: []string{`ALTER TABLE "SystemSettings" ADD kind text`}, change: row("kind", ""), kind: fault.NotFound, text: "matches no row"},
		"two rows that differ in the rest": {setup: []string{`ALTER TABLE "SystemSettings" ADD kind text DEFAULT 'x'`, `INSERT INTO "SystemSettings" (id) VALUES ('old')`}, change: row("kind", "x"), text: "matches more than one row"},
		"operator in the search path":      {setup: []string{anyRow, `ALTER ROLE APP SET search_path = evil, pg_catalog, public`}, change: row("id", "other"), kind: fault.NotFound, text: "matches no row"},
		"type in the search path": {setup: []string{`CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO PUBLIC; CREATE DOMAIN evil.text AS varchar(1)`, `ALTER ROLE APP SET search_path = evil, pg_catalog, public`},
			change: row("id", "s"), kind: fault.NotFound, text: "matches no row"},
		"schema of temporary tables": {change: func(t *Target) { t.Schema = "pg_temp" }, text: `there is no table "pg_temp"."SystemSettings"; there is "public"."SystemSettings"`},
		"column renamed":             {setup: []string{`ALTER TABLE "SystemSettings" RENAME "smtpPassword" TO "smtpSecret"`}, text: `column "smtpPassword" does not exist`},
		"system column":              {change: func(t *Target) { t.Columns[0].Column = "ctid" }, text: `column "ctid" does not exist`},
		"database is read-only":      {setup: []string{`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$`}, text: "are read-only"},
		"user may only write": {setup: []string{`ALTER TABLE "SystemSettings" OWNER TO admin`, `GRANT UPDATE ON "SystemSettings" TO APP`},
			text: `column "smtpPassword" may not be read by the user of the URL`},
		"user may write another column only": {setup: []string{`ALTER TABLE "SystemSettings" OWNER TO admin`, `GRANT SELECT, UPDATE (id) ON "SystemSettings" TO APP`}, text: "may not be updated by the user"},
	}
}

// TestTraps sets each trap, asks for the clear, and makes sure that not a row of any table was written.
func TestTraps(t *testing.T) {
	for name, c := range traps() {
		t.Run(name, func(t *testing.T) {
			d := fresh(t)
			if !c.own {
				d.do(strings.ReplaceAll(settings, canary, logged))
			}
			d.do(c.setup...)
			target, expected := d.target(), environment(c.values)
			if c.change != nil {
				c.change(&target)
			}
			before := d.picture()
			_, err := inside().Clear(t.Context(), target, expected, yes)
			if c.kind == "" {
				c.kind = fault.Refused
			}
			wantFault(t, err, c.kind, c.text)
			wantFault(t, err, c.kind, "no legacy value was cleared")
			if strings.Contains(err.Error(), logged) {
				t.Errorf("error %q holds a secret", err)
			}
			d.wantPicture(before)
		})
	}
}

// environment returns values that are the same as in settings, but for these.
func environment(others map[string]string) map[string]secret.Value {
	out := map[string]secret.Value{"smtp": secret.NewValue("l0gg3d-smtp"), "primary-ai": secret.NewValue("l0gg3d-ai"), "seed": secret.NewValue("l0gg3d-seed")}
	for name, value := range others {
		out[name] = secret.NewValue(value)
	}
	return out
}

// picture returns every row of every table, with where it is and which transaction wrote it.
func (d *database) picture() string {
	d.t.Helper()
	return d.one(`SELECT coalesce(string_agg(query_to_xml(format('SELECT s.xmin::text AS xmin, s.ctid::text AS ctid, s.* FROM ONLY %s s ORDER BY s.ctid', c.oid::regclass),
		true, false, '')::text, '' ORDER BY c.oid), '') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')`)
}

// wantPicture fails the test unless every row is as it was.
func (d *database) wantPicture(before string) {
	d.t.Helper()
	if now := d.picture(); now != before {
		d.t.Errorf("the tables were\n%s\nand are now\n%s", before, now)
	}
}
