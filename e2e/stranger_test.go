//go:build e2e

package e2e

import (
	"net"
	"strconv"
	"testing"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/e2e/world"
)

// ledger is the configuration of somebody else's app: one service, a status of another form, another table.
const ledger = `instance: {{.Instance}}
registry: {config: {{.Dir}}/docker.json}
apps:
  ledger:
    environment: staging
    image: {{.Repository}}
    env: [{file: {{.EnvFile}}}]
    timeouts: {verify: {{.Verify}}}
    services:
      api:
        command: [ledger]
        networks: [{{.Network.Name}}]
        container_name: {{.Container "api"}}
    verify:
      api:
        url: "http://{container}:8080/-/health"
        query: |
          {healthy: (.state == "up"), version: .build.rev,
           secrets: [.settings[] | {name: .key, source: {env: "environment", table: "database", unset: "none"}[.origin], present: (.origin != "unset")}]}
    secrets:
      - {name: PAYMENT_KEY, env: PAYMENT_KEY, description: The payment provider's key, required: true, pattern: "^[a-z]+-pay-", legacy: {column: payment_key}}
      - {name: WEBHOOK_SECRET, env: WEBHOOK_SECRET, description: What signs the webhooks, legacy: {column: webhookSecret}}
    legacy: {dsn: {env: LEDGER_DB}, schema: billing, table: app_config, row: {name: main}}
    clear: with_deploy
`

// Somebody else's app is rolled out by configuration alone.
func TestStranger(t *testing.T) {
	const payment, webhook = "canary-pay-71c0de55", "canary-hook-0ddba11"
	s := quietTenant(t, rig.Options{Template: ledger})
	for _, statement := range []string{
		`CREATE SCHEMA billing`,
		`CREATE TABLE billing.app_config (name text PRIMARY KEY, payment_key varchar(80) NOT NULL DEFAULT '', "webhookSecret" text, fee integer NOT NULL DEFAULT 3)`,
		`INSERT INTO billing.app_config VALUES ('main', '` + payment + `', '` + webhook + `'), ('spare', 'canary-spare', 'canary-spare')`,
	} {
		s.must(s.Postgres.Exec(t.Context(), statement))
	}
	stored := func(want string) {
		t.Helper()
		got, err := s.Postgres.Text(t.Context(), `SELECT string_agg(concat_ws('|', name, payment_key, coalesce("webhookSecret", 'NULL'), fee), ' ' ORDER BY name) FROM billing.app_config`)
		s.must(err)
		if got != want {
			t.Errorf("the table holds %q, want %q", got, want)
		}
	}
	const spare = " spare|canary-spare|canary-spare|3"
	// The ledger's own driver knows none of Prisma's parameters.
	dsn := edited(t, s.Postgres.URL(), "schema=public&connection_limit=5&pool_timeout=10&", "")
	env := rig.Env{"LEDGER_DB": dsn, "PAYMENT_KEY": payment, "DATABASE_URL": ""}
	s.must(s.WriteEnv(env))
	s.must(s.Start(t.Context()))
	_, err := s.Image(t.Context(), "r17", "LEDGER_REV=17")
	s.must(err)
	deploy := []string{"deploy", "ledger", "--image", "r17"}

	// The webhook's secret is optional, and the environment has none: it stays where it is.
	s.told(0, deploy, "version 17", "PAYMENT_KEY: cleared", "WEBHOOK_SECRET: kept")
	stored("main||" + webhook + "|3" + spare)
	s.told(0, []string{"secrets", "ledger"}, "The payment provider's key", "environment", "database")

	env["WEBHOOK_SECRET"] = webhook
	s.must(s.WriteEnv(env))
	s.told(0, []string{"rotate", "ledger"})
	s.told(0, []string{"cleanup", "ledger", "--yes"}, "WEBHOOK_SECRET: cleared")
	stored("main||NULL|3" + spare)

	env["PAYMENT_KEY"] = "canary-of-another-form"
	s.must(s.WriteEnv(env))
	s.told(3, []string{"rotate", "ledger"}, "PAYMENT_KEY does not match the pattern ^[a-z]+-pay-")
}

// A database may be known by a name that only the containers' network has, and TLS checks that name.
func TestDatabaseOnTheNetwork(t *testing.T) {
	s := quietTenant(t, rig.Options{Postgres: common.newPostgres(t, world.PostgresOptions{TLS: true})})
	s.Template = edited(t, s.Template, "dsn: {env: DATABASE_URL}", "dsn: {file: {{.Dir}}/dsn}")
	s.must(s.WriteConfig())
	s.container(world.ContainerSpec{Cmd: []string{"tcp-forward", ":5432", net.JoinHostPort(s.Postgres.Host, strconv.Itoa(s.Postgres.Port))},
		Aliases: []string{world.TLSName, "other.test"}})
	env := goodEnv()
	env["DATABASE_URL"] = s.Postgres.URLAt(world.TLSName, 5432)
	s.must(s.WriteEnv(env))
	verified := func(host string) string {
		return edited(t, s.Postgres.URLAt(host, 5432), "sslmode=require", "sslmode=verify-full&sslrootcert="+s.Postgres.CAFile)
	}
	s.must(s.WriteSecretFile("dsn", verified(world.TLSName)))
	s.must(s.Start(t.Context()))
	s.deployed("2.0.0")

	s.must(s.Store(t.Context(), residue()))
	s.must(s.WriteSecretFile("dsn", verified("other.test")))
	s.told(3, cleanup(), s.Dir+"/dsn", "certificate")
	s.stored(residue())
	s.must(s.WriteSecretFile("dsn", verified(world.TLSName)))
	s.told(0, cleanup(), "primary-ai: cleared")
	s.stored(cleared())
}
