//go:build e2e

package legacy

import (
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

// TestPreconditions makes sure that what stands against clearing is refused by its name, by Inspect already.
func TestPreconditions(t *testing.T) {
	for name, c := range map[string]struct {
		setup  []string
		change func(t *Target)
		text   string
	}{
		"no table":        {nil, nil, `there is no table "public"."SystemSettings"`},
		"another case":    {[]string{`CREATE TABLE systemsettings (id text)`}, nil, `there is no table "public"."SystemSettings"; there is "public"."systemsettings" (upper and lower case count)`},
		"another schema":  {[]string{`CREATE SCHEMA old`, `CREATE TABLE old."SystemSettings" (id text)`}, nil, `there is "old"."SystemSettings"`},
		"a view":          {[]string{settings, `ALTER TABLE "SystemSettings" RENAME TO real`, `CREATE VIEW "SystemSettings" AS SELECT * FROM real`}, nil, `"public"."SystemSettings": is a view; name the table that really holds the values`},
		"a snapshot":      {[]string{settings, `ALTER TABLE "SystemSettings" RENAME TO real`, `CREATE MATERIALIZED VIEW "SystemSettings" AS SELECT * FROM real`}, nil, "is a materialized view"},
		"no column":       {[]string{settings}, func(t *Target) { t.Columns[0].Column = "smtppassword" }, `column "smtppassword" does not exist (upper and lower case count)`},
		"no row column":   {[]string{settings}, func(t *Target) { t.RowColumn = "ID" }, `column "ID" does not exist`},
		"generated":       {[]string{settings, `ALTER TABLE "SystemSettings" DROP seed, ADD seed text GENERATED ALWAYS AS (id || 'x') STORED`}, nil, `column "seed" is generated from other columns`},
		"not null number": {[]string{settings, `ALTER TABLE "SystemSettings" DROP seed, ADD seed int NOT NULL DEFAULT 1`}, nil, `column "seed" is NOT NULL and of type integer, for which there is no empty value`},
		"no update":       {[]string{settings, `ALTER TABLE "SystemSettings" OWNER TO admin`, `GRANT SELECT, UPDATE (seed, "aiKey", "geminiKey") ON "SystemSettings" TO APP`}, nil, `column "smtpPassword" may not be updated by the user of the URL`},
		"no select":       {[]string{settings, `ALTER TABLE "SystemSettings" OWNER TO admin`, `GRANT SELECT (id, seed, "aiKey", "geminiKey"), UPDATE ON "SystemSettings" TO APP`}, nil, `column "smtpPassword" may not be read by the user of the URL`},
		"row security": {[]string{settings, `ALTER TABLE "SystemSettings" OWNER TO admin`, `GRANT ALL ON "SystemSettings" TO APP`, `ALTER TABLE "SystemSettings" ENABLE ROW LEVEL SECURITY`,
			`CREATE POLICY p ON "SystemSettings" USING (true)`}, nil, "has row-level security that applies to the user of the URL"},
		"no row":    {[]string{settings}, func(t *Target) { t.RowValue = "other" }, `"id" = "other" matches no row`},
		"two rows":  {[]string{settings, `INSERT INTO "SystemSettings" (id) VALUES ('other')`, `ALTER TABLE "SystemSettings" ADD kind text DEFAULT 'x'`}, func(t *Target) { t.RowColumn, t.RowValue = "kind", "x" }, `"kind" = "x" matches more than one row`},
		"read-only": {[]string{settings, `ALTER ROLE APP SET default_transaction_read_only = on`}, nil, "are read-only (default_transaction_read_only)"},
		"no schema": {[]string{settings, `REVOKE ALL ON SCHEMA public FROM PUBLIC, APP`, `ALTER SCHEMA public OWNER TO admin`}, nil, "lacks a privilege"},
		"no password": {[]string{settings}, func(t *Target) { t.DSN = secret.NewValue(strings.Replace(t.DSN.Reveal(), "c4n4ry", "c4n4ry-wrong", 1)) },
			"the database rejects the user or the password (SQLSTATE 28P01)"},
		"no database": {[]string{settings}, func(t *Target) { t.DSN = secret.NewValue(strings.Replace(t.DSN.Reveal(), "?", "x?", 1)) }, "the database that the URL names does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			d := fresh(t, c.setup...)
			target := d.target()
			if c.change != nil {
				c.change(&target)
			}
			kind := fault.Refused
			if name == "no table" || name == "no row" {
				kind = fault.NotFound // a new installation has neither, and can be told by this
			}
			_, err := inside().Inspect(t.Context(), target, provisioned())
			wantFault(t, err, kind, c.text)
			_, err = inside().Clear(t.Context(), target, provisioned(), never(t))
			wantFault(t, err, kind, c.text)
			wantFault(t, err, kind, "no legacy value was cleared")
		})
	}
}

// TestTheDatabaseThwarts makes sure that a write which did something else is found before the commit.
func TestTheDatabaseThwarts(t *testing.T) {
	trigger := func(body string) []string {
		return []string{settings, `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ` + body + ` END $$`,
			`CREATE TRIGGER f BEFORE UPDATE ON "SystemSettings" FOR EACH ROW EXECUTE FUNCTION f()`}
	}
	for name, c := range map[string]struct {
		setup []string
		kind  fault.Kind
		text  string
	}{
		"a trigger puts it back": {trigger(`NEW."smtpPassword" := OLD."smtpPassword"; RETURN NEW;`), fault.Refused, `column "smtpPassword" is not empty after it was cleared`},
		"a trigger drops it":     {trigger(`RETURN NULL;`), fault.Refused, "the update changed 0"},
		"a trigger forbids it":   {trigger(`RAISE EXCEPTION 'no: %', OLD."smtpPassword"; RETURN NEW;`), fault.Refused, "forbids the change (SQLSTATE P0001)"},
		"a rule drops it":        {[]string{settings, `CREATE RULE r AS ON UPDATE TO "SystemSettings" DO INSTEAD NOTHING`}, fault.Refused, "has a rule that makes something else of an update"},
		"a constraint":           {[]string{settings, `ALTER TABLE "SystemSettings" ADD CHECK (coalesce("smtpPassword", '') <> '')`}, fault.Refused, "does not allow the empty value (SQLSTATE 23514)"},
		"at the commit": {[]string{settings, `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no: %', OLD."smtpPassword"; END $$`,
			`CREATE CONSTRAINT TRIGGER f AFTER UPDATE ON "SystemSettings" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION f()`}, fault.Refused, "forbids the change (SQLSTATE P0001)"},
	} {
		t.Run(name, func(t *testing.T) {
			d := fresh(t, strings.ReplaceAll(c.setup[0], canary, logged))
			d.do(c.setup[1:]...)
			expected := map[string]secret.Value{"smtp": secret.NewValue(logged + "-smtp"), "primary-ai": secret.NewValue(logged + "-ai"), "seed": secret.NewValue(logged + "-seed")}
			_, err := inside().Clear(t.Context(), d.target(), expected, yes)
			wantFault(t, err, c.kind, c.text)
			if strings.Contains(err.Error(), logged) {
				t.Errorf("error %q holds a secret", err)
			}
			wantFault(t, err, c.kind, "no legacy value was cleared")
			d.wantUntouched()
		})
	}
}
