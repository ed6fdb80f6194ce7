//go:build e2e

package e2e

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/e2e/rig"
)

// failing is a release that must be rolled back, and what the operator must be told of it.
type failing struct {
	misbehave string
	says      []string
}

// An app that ends is turned back at once, with its exit code and its last words.
func TestEnds(t *testing.T) {
	rolledBack(t, "20s", map[string]failing{
		"a crash":                {"crash", []string{"exit code 3", "crashing at start, on demand"}},
		"a crash of one service": {"worker:crash", []string{"service worker", "exit code 3", "crashing at start, on demand"}},
		"a late crash":           {"slow-start=2s,crash", []string{"exit code 3", "starting slowly"}},
		"a leak in the log":      {"leak-log", []string{"exit code 1", "bad credential AZURE_OPENAI_API_KEY=[AZURE_OPENAI_API_KEY]"}},
	})
}

// An app that gives a secret away, or does not take each from the environment, is turned back as soon as that is sure.
func TestWrongSources(t *testing.T) {
	rolledBack(t, "20s", map[string]failing{
		"a leak in the status":     {"leak", []string{"AZURE_OPENAI_API_KEY", "SMTP_PASSWORD"}},
		"a secret left out":        {"one-secret-missing", []string{"no service names the source of primary-ai"}},
		"the database":             {"source-database", []string{"primary-ai", `"database"`}},
		"services that contradict": {"worker:source-database=smtp", []string{"worker takes smtp", `"database"`}},
	})
}

// An app that never comes up is turned back when the time is up, with what was last seen of it.
func TestFailsInTime(t *testing.T) {
	rolledBack(t, "5s", map[string]failing{
		"never healthy": {"web:never-healthy", []string{"service web did not prove itself in time", "not healthy yet"}},
		"flapping":      {"web:flapping", []string{"service web did not prove itself in time"}},
		"too slow":      {"web:slow-start=1m", []string{"service web did not prove itself in time"}},
	})
}

// So is one whose status is nothing that can be trusted.
func TestFailsToAnswer(t *testing.T) {
	rolledBack(t, "5s", map[string]failing{
		"hanging":    {"web:hang", []string{"service web did not prove itself in time"}},
		"not JSON":   {"web:wrong-json", []string{"service web", "JSON"}},
		"an error":   {"web:http-500", []string{"service web", "500"}},
		"a redirect": {"web:redirect", []string{"service web", "redirect"}},
		"too much":   {"web:huge", []string{"service web", "1 MiB"}},
	})
}

// rolledBack deploys failing releases over a good one.
func rolledBack(t *testing.T, verify string, cases map[string]failing) {
	s := newTenant(t, rig.Options{Verify: verify})
	s.version1()
	s.must(s.WriteEnv(goodEnv()))
	before := s.deployedWithResidue("2.0.0")
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		t.Run(name, func(t *testing.T) {
			s, c := s.in(t), cases[name]
			tag := s.image("3.0-"+strings.NewReplacer(" ", "-", ",", "").Replace(name), c.misbehave)
			s.told(4, []string{"deploy", rig.App, "--image", tag}, append(c.says, "rolled back", "what ran before runs again")...)
			s.restored(before)
			s.stored(residue())
		})
	}
}

// deployedWithResidue deploys a good release and puts residue into the database again.
func (s *stage) deployedWithResidue(tag string) map[string]rig.Container {
	s.t.Helper()
	running := s.deployed(tag)
	s.must(s.Store(s.t.Context(), residue()))
	return running
}

// What is slow, or will not stop, still gets through.
func TestGetsThrough(t *testing.T) {
	s := newTenant(t, rig.Options{})
	before := s.deployed("2.0.0")
	for _, release := range []struct{ tag, misbehave string }{{"2.1.0", "slow-start=2s"}, {"2.2.0", "ignore-sigterm"}, {"2.3.0", ""}} {
		s.told(0, []string{"deploy", rig.App, "--image", s.image(release.tag, release.misbehave)})
		after := s.live("web", "worker")
		for service := range after {
			if after[service].ID == before[service].ID {
				t.Errorf("%s: %s was not replaced", release.tag, service)
			}
		}
		before = after
	}
}

// Before the very first release nothing runs, and after one that fails nothing runs again.
func TestFirstRelease(t *testing.T) {
	s := newTenant(t, rig.Options{Verify: "5s"})
	s.version1()
	s.must(s.Remove(t.Context())) // what is left is a database with residue

	s.told(4, []string{"deploy", rig.App, "--image", s.image("1.9.0", "crash")}, "web: nothing runs", "nothing runs, as before", "exit code 3")
	s.nothingLeft()
	s.stored(residue())

	s.told(0, []string{"deploy", rig.App, "--image", s.image("2.0.0")}, "nothing ran before", "primary-ai: cleared")
	s.live("web", "worker")
	s.stored(cleared())
}
