//go:build e2e

package legacy

import (
	"slices"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

func texts(all []secret.Hazard) []string {
	var out []string
	for _, h := range all {
		out = append(out, h.Kind+": "+h.Text)
	}
	return out
}

// TestHazardsAreFoundBeforehand makes sure that the user of the URL, who is no superuser, sees what may keep copies.
func TestHazardsAreFoundBeforehand(t *testing.T) {
	d := fresh(t, settings, `INSERT INTO "SystemSettings" VALUES ('second', 'other', 'other', 'other', NULL)`)
	always := []string{
		"archive: the write-ahead log is archived (archive_mode), and keeps values for as long as the archive is kept",
		"log: the server logs statements (log_min_duration_statement = 0), so the log may hold those with which values were stored",
		"log: the server logs statements (log_statement = all), so the log may hold those with which values were stored",
	}
	if got := d.surveyed(); !slices.Equal(got, always) {
		t.Errorf("of a quiet database: %q", got)
	}
	d.do(`CREATE TABLE history (line text)`, `CREATE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'`,
		`CREATE TRIGGER keep BEFORE UPDATE ON "SystemSettings" FOR EACH ROW EXECUTE FUNCTION remember()`,
		`CREATE TRIGGER "at insert" AFTER INSERT ON "SystemSettings" EXECUTE FUNCTION remember()`,
		`CREATE TRIGGER never AFTER DELETE ON "SystemSettings" EXECUTE FUNCTION remember()`,
		`CREATE TRIGGER off BEFORE UPDATE ON "SystemSettings" EXECUTE FUNCTION remember()`, `ALTER TABLE "SystemSettings" DISABLE TRIGGER off`,
		`CREATE VIEW between AS SELECT * FROM "SystemSettings"`, `CREATE MATERIALIZED VIEW copy AS SELECT * FROM between`, `CREATE MATERIALIZED VIEW another AS SELECT 1 AS n`,
		`CREATE PUBLICATION all_of_it FOR ALL TABLES`, `CREATE PUBLICATION none_of_it`, `CREATE EXTENSION pg_stat_statements`, `ANALYZE`)
	d.one(`SELECT pg_create_logical_replication_slot('slot_' || current_database(), 'pgoutput')::text`)
	t.Cleanup(func() { d.one(`SELECT pg_drop_replication_slot('slot_' || current_database())::text`) })
	want := slices.Concat([]string{
		`trigger: trigger "at insert" (function remember) runs when the table is written, and may have copied values elsewhere`,
		`trigger: trigger keep (function remember) runs when the table is written, and may have copied values elsewhere`,
		`snapshot: materialized view copy reads the table, and keeps what it read until it is refreshed`,
		`publication: publication all_of_it sends the table's changes to subscribers, which have copies of their own`,
		`slot: replication slot slot_` + d.name + ` keeps the write-ahead log until its receiver has read it`,
	}, always, []string{
		`extension: extension pg_stat_statements records statements, and may hold those with which values were stored`,
		`statistics: the planner's statistics hold values of column "aiKey" until an ANALYZE`,
		`statistics: the planner's statistics hold values of column seed until an ANALYZE`,
		`statistics: the planner's statistics hold values of column "smtpPassword" until an ANALYZE`,
	})
	got := d.surveyed()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func (d *database) surveyed() []string {
	d.t.Helper()
	survey, err := inside().Survey(d.t.Context(), d.target())
	if err != nil {
		d.t.Fatal(err)
	}
	return texts(survey.Hazards)
}

// TestAnalyze makes sure that the statistics hold the cleared values until then, and not after it.
func TestAnalyze(t *testing.T) {
	d := fresh(t, settings, `INSERT INTO "SystemSettings" VALUES ('second', 'other', 'other', 'other', NULL)`, `ANALYZE`)
	held := func() bool {
		return d.one(`SELECT bool_or(coalesce(most_common_vals::text, '') || coalesce(histogram_bounds::text, '') LIKE '%c4n4ry%')::text FROM pg_stats WHERE tablename = 'SystemSettings'`) == "true"
	}
	if _, err := inside().Clear(t.Context(), d.target(), provisioned(), yes); err != nil {
		t.Fatal(err)
	}
	if !held() {
		t.Error("the statistics hold nothing, so this shows nothing")
	}
	if err := inside().Analyze(t.Context(), d.target()); err != nil {
		t.Fatal(err)
	}
	if held() {
		t.Error("the statistics still hold a cleared value")
	}
	d.do(`ALTER TABLE "SystemSettings" OWNER TO admin`, `GRANT SELECT, UPDATE ON "SystemSettings" TO APP`,
		`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO admin', current_database()); END $$`)
	err := inside().Analyze(t.Context(), d.target())
	wantFault(t, err, fault.Refused, "the user of the URL may not run ANALYZE on it")
}

// TestCopyThatIsFilled makes sure that a logical replica is refused: what is cleared there may come back.
func TestCopyThatIsFilled(t *testing.T) {
	source, d := fresh(t, settings), fresh(t, settings)
	source.do(`CREATE PUBLICATION p FOR ALL TABLES`)
	slot := "slot_" + source.name
	source.one(`SELECT pg_create_logical_replication_slot('` + slot + `', 'pgoutput')::text`)
	d.do(`CREATE SUBSCRIPTION s CONNECTION '` + strings.ReplaceAll(running.socket(source.name), "'", "''") + `' PUBLICATION p
		WITH (create_slot = false, slot_name = ` + slot + `, enabled = false, copy_data = false)`)
	t.Cleanup(func() {
		d.do(`ALTER SUBSCRIPTION s SET (slot_name = NONE)`, `DROP SUBSCRIPTION s`)
		source.one(`SELECT pg_drop_replication_slot('` + slot + `')::text`)
	})
	before := d.picture()
	_, err := inside().Clear(t.Context(), d.target(), provisioned(), never(t))
	wantFault(t, err, fault.Refused, "is a copy that logical replication fills, so a value may come back")
	d.wantPicture(before)
}
