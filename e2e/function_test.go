//go:build e2e

package e2e

import (
	"net/url"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/e2e/rig"
)

// functional is the rig's configuration with a function of the database in the place of its table.
var functional = strings.Replace(rig.Config, "    legacy: {dsn: {env: DATABASE_URL}, table: SystemSettings, row: {id: singleton}}\n",
	"    legacy: {dsn: {file: {{.Dir}}/legacy.url}, table: SystemSettings, row: {id: singleton}, function: fairlead_legacy}\n", 1)

// granted carries out what 'legacy sql' prints, and gives the role a password and the daemon its URL.
func (s *stage) granted(role string) {
	s.t.Helper()
	s.script(s.told(0, []string{"legacy", "sql", rig.App, "--config", s.ConfigFile(), "--role", role}).Out)
	s.must(s.Postgres.Exec(s.t.Context(), `ALTER ROLE "`+role+`" PASSWORD 'canary-of-the-role'`))
	at, err := url.Parse(s.Postgres.URL())
	s.must(err)
	at.User = url.UserPassword(role, "canary-of-the-role")
	s.must(s.WriteSecretFile("legacy.url", at.String()))
}

// script carries out a whole script, as psql does.
func (s *stage) script(sql string) {
	s.t.Helper()
	conn, err := s.Postgres.Connect(s.t.Context())
	s.must(err)
	defer conn.Close(s.t.Context()) //nolint:errcheck // it was used up
	_, err = conn.PgConn().Exec(s.t.Context(), sql).ReadAll()
	s.must(err)
}

// A rollout finds and clears the legacy values with a role that has only what 'legacy sql' grants, and may not read one.
func TestLegacyFunction(t *testing.T) {
	s := newTenant(t, rig.Options{Template: functional, Clear: "with_deploy"})
	s.version1()
	role := s.Instance
	at, err := url.Parse(s.Postgres.URL())
	s.must(err)
	at.User = url.UserPassword("nobody", "canary-none")
	s.must(s.WriteSecretFile("legacy.url", at.String()))
	deploy := []string{"deploy", rig.App, "--image", s.image("2.0.0")}
	s.told(3, deploy, "the database rejects the user or the password", "nothing was changed")

	s.granted(role)
	s.told(7, []string{"residue", rig.App}, "smtp", "same")
	for _, may := range []string{"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"} {
		if got, err := s.Postgres.Text(t.Context(), `SELECT has_table_privilege($1, '"SystemSettings"', $2) OR has_any_column_privilege($1, '"SystemSettings"', CASE WHEN $2 IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES') THEN $2 ELSE 'SELECT' END)`, role, may); err != nil || got != "false" {
			t.Errorf("the role may %s: %s, %v", may, got, err)
		}
	}
	s.told(0, []string{"doctor", "--config", s.ConfigFile(), "--state", s.State()}, "the user is \""+role+"\"")
	s.must(s.Store(t.Context(), map[string]string{"smtpPassword": newSMTP}))
	s.told(0, deploy, "primary-ai: cleared", "smtp: kept", "succeeded")
	s.stored(map[string]string{"azureOpenAiApiKey": "", "smtpPassword": newSMTP, "anonymizationSeed": ""})
	s.must(s.Store(t.Context(), map[string]string{"smtpPassword": smtpPass}))
	s.told(0, cleanup(), "smtp: cleared")
	s.stored(cleared())
	s.told(0, []string{"residue", rig.App})

	// Another policy is another function: until the administrator has made it, nothing is looked at or cleared.
	s.must(s.Store(t.Context(), residue()))
	s.reconfigured("legacy: {column: smtpPassword}}", "legacy: {column: smtpPassword}, on_mismatch: clear}")
	s.told(3, cleanup(), "is not the one for this table, its columns and their on_mismatch", "fairlead legacy sql capakraken")
	s.stored(residue())
	s.granted(role)
	s.told(0, cleanup(), "smtp: cleared")
	s.stored(cleared())

	// From then on the database itself refuses what the decision disallows.
	s.script(s.told(0, []string{"legacy", "sql", rig.App, "--config", s.ConfigFile(), "--constraint"}).Out)
	if err := s.Store(t.Context(), map[string]string{"smtpPassword": smtpPass}); err == nil {
		t.Error("the database takes a new value")
	}
	s.told(0, []string{"deploy", rig.App, "--image", s.image("3.0.0")}, "succeeded")
}
