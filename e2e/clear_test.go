//go:build e2e

package e2e

import (
	"maps"
	"testing"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/e2e/world"
)

// cleanup is what an operator types where nobody can be asked.
func cleanup() []string { return []string{"cleanup", rig.App, "--yes"} }

// Where clear is manual a deploy only says what is left, and a cleanup takes it away without touching a container.
func TestCleanup(t *testing.T) {
	s := newTenant(t, rig.Options{Clear: "manual"})
	s.version1()
	s.told(0, []string{"deploy", rig.App, "--image", s.image("2.0.0")},
		"warning: legacy values remain in the database (primary-ai, smtp, anonymization-seed)", "run 'fairlead cleanup capakraken'")
	before := s.live("web", "worker")
	s.stored(residue())

	s.told(2, []string{"cleanup", rig.App}, "give --yes if you mean it")
	s.stored(residue())
	s.told(0, cleanup(), "primary-ai: cleared", "smtp: cleared", "anonymization-seed: cleared", "empty already: dall-e, gemini")
	s.stored(cleared())
	s.told(0, cleanup(), "there was nothing to clear", "succeeded")
	s.untouched(before)
}

// A value that is not the environment's stays, unless the configuration says otherwise.
func TestMismatch(t *testing.T) {
	s := newTenant(t, rig.Options{})
	s.version1()
	other := residue()
	other["smtpPassword"] = "canary-an-older-password"
	s.must(s.Store(t.Context(), other))

	s.told(0, []string{"deploy", rig.App, "--image", s.image("2.0.0")}, "warning: smtp: the legacy value in column \"smtpPassword\" was kept", "primary-ai: cleared")
	before := s.live("web", "worker")
	left := cleared()
	left["smtpPassword"] = other["smtpPassword"]
	s.stored(left)
	s.told(7, cleanup(), "1 legacy value remains: smtp", "on_mismatch")
	s.stored(left)

	t.Run("refuse", func(t *testing.T) {
		s := s.in(t)
		mismatch := maps.Clone(residue())
		mismatch["anonymizationSeed"] = "canary-another-seed"
		s.must(s.Store(t.Context(), mismatch))
		s.told(7, cleanup(), "anonymization-seed", "on_mismatch is refuse", "find out which one is right")
		s.stored(mismatch)
		s.must(s.Store(t.Context(), left))
	})
	t.Run("no value in the environment", func(t *testing.T) {
		s := s.in(t)
		s.must(s.Store(t.Context(), map[string]string{"geminiApiKey": "canary-only-in-the-database"}))
		s.told(7, cleanup(), "gemini: kept", "the database holds the only one")
		s.stored(map[string]string{"geminiApiKey": "canary-only-in-the-database"})
		s.must(s.Store(t.Context(), map[string]string{"geminiApiKey": ""}))
	})
	t.Run("clear", func(t *testing.T) {
		s := s.in(t)
		s.reconfigured("legacy: {column: smtpPassword}", "legacy: {column: smtpPassword}, on_mismatch: clear")
		s.told(0, cleanup(), "smtp: cleared")
		s.stored(cleared())
	})
	s.untouched(before)
}

// Nothing is cleared while somebody else may still read it.
func TestOtherConsumers(t *testing.T) {
	s := newTenant(t, rig.Options{Clear: "manual"})
	s.version1()
	s.told(0, []string{"deploy", rig.App, "--image", s.image("2.0.0")})
	image := s.Repository() + ":" + s.image("2.0.0")
	c := s.container(world.ContainerSpec{Name: s.Container("cron"), Image: image, Cmd: []string{"worker"}})

	s.told(7, cleanup(), "container "+c.Name+" shares the image", "not_consumers")
	s.stored(residue())
	s.reconfigured("clear: {{.Clear}}", "clear: {{.Clear}}\n    not_consumers: [{{.Container \"cron\"}}]")
	s.told(0, cleanup(), "primary-ai: cleared")
	s.stored(cleared())
}

// An app that stopped taking a secret from the environment since its deploy keeps its residue.
func TestCleanupWantsProof(t *testing.T) {
	s := newTenant(t, rig.Options{Clear: "manual", Verify: "5s"})
	s.version1()
	before := s.live("web", "worker")
	s.told(3, cleanup(), "nothing was changed")
	s.stored(residue())
	s.untouched(before)
}

// A rotation, and a deploy of an app without a legacy catalog, do without the database; everything else refuses in time.
func TestDatabaseIsDown(t *testing.T) {
	postgres := common.newPostgres(t, world.PostgresOptions{})
	s := quietTenant(t, rig.Options{Postgres: postgres, Clear: "manual"})
	// The app must not need its database either.
	s.Template = edited(t, s.Template, "dsn: {env: DATABASE_URL}", "dsn: {file: {{.Dir}}/dsn}")
	s.must(s.WriteConfig())
	s.must(s.WriteSecretFile("dsn", postgres.URL()))
	env := goodEnv()
	env["DATABASE_URL"] = ""
	s.must(s.WriteEnv(env))
	s.must(s.Start(t.Context()))
	before := s.deployed("2.0.0")

	s.must(postgres.Stop())
	next := s.image("2.1.0")
	s.told(3, []string{"deploy", rig.App, "--image", next}, s.Dir+"/dsn", "nothing was changed")
	s.told(3, cleanup(), s.Dir+"/dsn", "nothing was changed")
	s.untouched(before)
	env["SMTP_PASSWORD"] = newSMTP
	s.must(s.WriteEnv(env))
	s.told(0, []string{"rotate", rig.App}, "succeeded")
	if same(before, s.live("web", "worker")) {
		t.Error("nothing was replaced")
	}
}
