//go:build e2e

package e2e

import (
	"maps"
	"slices"
	"testing"

	"github.com/capakraken/fairlead/e2e/rig"
)

// The main job: an old version that keeps its secrets in the database becomes a new one that takes them from the host,
// and the database is cleared.
func TestMigration(t *testing.T) {
	s := newTenant(t, rig.Options{})
	s.version1()
	tag := s.image("2.0.0")

	s.told(0, []string{"deploy", rig.App, "--image", tag}, "succeeded", "validate", "pull", "restart", "verify", "clear", "primary-ai")
	for service, c := range s.live("web", "worker") {
		if c.HostConfig.RestartPolicy.Name != "unless-stopped" {
			t.Errorf("%s has the restart policy %q", service, c.HostConfig.RestartPolicy.Name)
		}
		if !slices.Contains(c.Config.Env, "SMTP_PASSWORD="+smtpPass) {
			t.Errorf("%s was not created with the secret", service)
		}
	}
	s.stored(cleared())
	s.told(0, []string{"secrets", rig.App}, "AZURE_OPENAI_API_KEY", "environment")
	s.told(0, []string{"residue", rig.App}, "smtp")
	s.told(0, []string{"audit", "verify", "--state", s.State()}, "the journal is whole")

	t.Run("the same release again touches nothing", func(t *testing.T) {
		s := s.in(t)
		before := s.live("web", "worker")
		s.told(0, []string{"deploy", rig.App, "--image", tag})
		if after := s.live("web", "worker"); !same(before, after) {
			t.Error("a container was replaced")
		}
	})
	t.Run("unless it is forced", func(t *testing.T) {
		s := s.in(t)
		before := s.live("web", "worker")
		s.told(0, []string{"deploy", rig.App, "--image", tag, "--force"})
		if after := s.live("web", "worker"); before["web"].ID == after["web"].ID || before["worker"].ID == after["worker"].ID {
			t.Error("a container was kept")
		}
	})
	t.Run("a rotation needs no database", func(t *testing.T) {
		s := s.in(t)
		before := s.live("web", "worker")
		env := goodEnv()
		env["SMTP_PASSWORD"] = newSMTP
		s.must(s.WriteEnv(env))
		s.told(0, []string{"rotate", rig.App}, "succeeded")
		after := s.live("web", "worker")
		for _, service := range []string{"web", "worker"} {
			if before[service].ID == after[service].ID || before[service].Config.Labels["fairlead.env"] == after[service].Config.Labels["fairlead.env"] {
				t.Errorf("%s was not recreated with the new environment", service)
			}
			if !slices.Contains(after[service].Config.Env, "SMTP_PASSWORD="+newSMTP) {
				t.Errorf("%s does not have the new value", service)
			}
			if after[service].Config.Image != before[service].Config.Image {
				t.Errorf("%s runs another image", service)
			}
		}
	})
}

// An app that still names the database as a source is rolled back, and the very first migration is no exception.
func TestSourceDatabaseIsRolledBack(t *testing.T) {
	s := newTenant(t, rig.Options{})
	s.version1()
	before := s.live("web", "worker")

	s.told(4, []string{"deploy", rig.App, "--image", s.image("2.0.0", "source-database")}, "rolled back", "primary-ai", `"database"`)
	after := s.live("web", "worker")
	if !same(before, after) {
		t.Error("the old containers are not the ones that run")
	}
	for service, c := range after {
		if c.HostConfig.RestartPolicy.Name != "always" {
			t.Errorf("%s has the restart policy %q, not its own", service, c.HostConfig.RestartPolicy.Name)
		}
	}
	s.stored(residue())
}

// same tells whether the same containers run.
func same(a, b map[string]rig.Container) bool {
	ids := func(m map[string]rig.Container) []string {
		var out []string
		for _, service := range slices.Sorted(maps.Keys(m)) {
			out = append(out, m[service].ID)
		}
		return out
	}
	return slices.Equal(ids(a), ids(b))
}
