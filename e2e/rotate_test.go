//go:build e2e

package e2e

import (
	"slices"
	"testing"

	"github.com/capakraken/fairlead/e2e/rig"
)

// A rotation gives the running image new secrets, or none at all; the database is left alone either way.
func TestRotation(t *testing.T) {
	s := newTenant(t, rig.Options{Clear: "manual"})
	s.version1()
	s.image("2.0.0")
	s.told(0, []string{"deploy", rig.App, "--image", s.Repository() + ":2.0.0"})
	before, row := s.live("web", "worker"), s.row()

	env := goodEnv()
	env["SMTP_PASSWORD"] = newSMTP
	env["REFAPP_MISBEHAVE"] = "crash"
	s.must(s.WriteEnv(env))
	s.told(0, []string{"secrets", rig.App}, "SMTP_PASSWORD", "yes, not running yet", "fairlead rotate capakraken")
	s.told(7, cleanup(), "was not created with the present value of SMTP_PASSWORD", "next: rotate first")
	s.told(4, []string{"rotate", rig.App}, "exit code 3", "what ran before runs again")
	for service, c := range s.restored(before) {
		if !slices.Contains(c.Config.Env, "SMTP_PASSWORD="+smtpPass) {
			t.Errorf("%s does not have its old password", service)
		}
	}

	delete(env, "REFAPP_MISBEHAVE")
	s.must(s.WriteEnv(env))
	s.told(0, []string{"rotate", rig.App, "--reason", "quarterly"}, "(quarterly)", "succeeded")
	for service, c := range s.live("web", "worker") {
		if c.ID == before[service].ID || c.Config.Image != before[service].Config.Image {
			t.Errorf("%s: want another container of the same image: %+v", service, c)
		}
		if !slices.Contains(c.Config.Env, "SMTP_PASSWORD="+newSMTP) {
			t.Errorf("%s does not have the new password", service)
		}
	}
	if s.row() != row {
		t.Error("the database was changed")
	}
	// What the database holds is now an older password, and no cleanup takes it for the same.
	s.told(7, cleanup(), "smtp: kept", "primary-ai: cleared")
}

// row is all that the legacy table holds.
func (s *stage) row() string {
	s.t.Helper()
	text, err := s.Postgres.Text(s.t.Context(), `SELECT string_agg(t::text, E'\n') FROM "SystemSettings" t`)
	s.must(err)
	return text
}
