//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
)

// migrating is the rig's configuration with a migration of the database before the old containers stop.
var migrating = strings.Replace(rig.Config, "clear: {{.Clear}}", "clear: {{.Clear}}\n    pre_start: {service: web, command: [migrate], timeout: 15s}", 1)

// migrations returns how often the database was migrated to a version.
func (s *stage) migrations(version string) int {
	s.t.Helper()
	text, err := s.Postgres.Text(s.t.Context(), countMigrations+"'"+version+"'")
	s.must(err)
	n, err := strconv.Atoi(text)
	s.must(err)
	return n
}

const countMigrations = `SELECT count(*)::text FROM "Migrations" WHERE "version" = `

// migrates waits until a migration to a version has begun.
func (s *stage) migrates(version string) {
	s.t.Helper()
	s.eventually("the migration has begun", func() error {
		if n, err := s.Postgres.Text(s.t.Context(), countMigrations+"'"+version+"'"); err != nil || n == "0" {
			return fmt.Errorf("%s are noted, %w", n, err)
		}
		return nil
	})
}

// oneOffs returns the one-off containers of the app that are there.
func (s *stage) oneOffs() []rig.Container {
	s.t.Helper()
	all, err := s.Containers(s.t.Context())
	s.must(err)
	return slices.DeleteFunc(all, func(c rig.Container) bool { return c.Config.Labels["fairlead.role"] != "pre_start" })
}

// runsOneOff waits until the one-off container runs, and returns it.
func (s *stage) runsOneOff() (found rig.Container) {
	s.t.Helper()
	s.eventually("the one-off container runs", func() error {
		for _, found = range s.oneOffs() {
			if found.State.Status == "running" {
				return nil
			}
		}
		return errors.New("there is none")
	})
	return found
}

// turnedBack expects how a rollout ends, in the words of whoever watches it, and that nothing of the migration is left but what
// it did, once, while the old containers were left alone.
func (s *stage) turnedBack(before map[string]rig.Container, version string, runs int, res rig.Result, words ...string) {
	s.t.Helper()
	for _, w := range words {
		if !strings.Contains(res.Out+res.Err, w) {
			s.t.Errorf("%q is not in %s", w, res)
		}
	}
	s.untouched(before)
	if n := s.migrations(version); n != runs {
		s.t.Errorf("%d migrations to %s", n, version)
	}
	if left := s.oneOffs(); len(left) > 0 {
		s.t.Errorf("the one-off container is left over: %+v", left)
	}
}

// A migration runs once before the old containers stop, in a container of the new image and environment that nobody takes
// for the service. Whatever becomes of it, they are left alone, and it is said that the schema may have changed.
func TestPreStart(t *testing.T) {
	s := newTenant(t, rig.Options{Template: migrating, Clear: "manual"})
	s.version1()
	first := s.live("web", "worker")
	s.told(0, []string{"deploy", rig.App, "--image", s.image("2.0.0", "")}, "pre_start has ended well", "succeeded")
	before := s.live("web", "worker")
	if n := s.migrations("2.0.0"); n != 1 || len(s.oneOffs()) > 0 {
		t.Errorf("%d migrations, and left over is %+v", n, s.oneOffs())
	}
	for service, c := range before {
		if c.ID == first[service].ID {
			t.Errorf("%s was not replaced", service)
		}
	}
	s.told(0, []string{"rotate", rig.App}, "succeeded")
	if n := s.migrations("2.0.0"); n != 1 {
		t.Errorf("a rotation has migrated: %d", n)
	}
	before = s.live("web", "worker")

	res := s.run(4, "deploy", rig.App, "--image", s.image("2.1.0", "migrate:crash"))
	s.turnedBack(before, "2.1.0", 1, res, "the pre_start has failed: its exit code is 3", "fatal: crashing at start, on demand", "the schema is that of 2.1.0",
		"rolled back", "the old containers were not touched: restart failed", "warning: the pre_start may have changed the database's schema")
	res = s.run(4, "deploy", rig.App, "--image", s.image("2.2.0", "migrate:leak-log"))
	s.turnedBack(before, "2.2.0", 1, res, "its exit code is 1", "bad credential SMTP_PASSWORD=")
	s.silent("the command's output", res.Out+res.Err)

	id := s.detached("--image", s.image("2.3.0", "migrate:slow-start=1m"))
	runs := s.runsOneOff()
	if p := runs.HostConfig.RestartPolicy.Name; p != "no" || runs.Config.Labels["fairlead.service"] != "" {
		t.Errorf("the one-off container has the policy %q and the labels %v", p, runs.Config.Labels)
	}
	s.migrates("2.3.0")
	s.told(0, []string{"cancel", id, "--reason", "too slow"})
	s.turnedBack(before, "2.3.0", 1, s.run(4, "watch", id), "too slow", "may have changed")
	res = s.run(4, "deploy", rig.App, "--image", s.image("2.4.0", "migrate:slow-start=1m"))
	s.turnedBack(before, "2.4.0", 1, res, "did not end before its deadline")

	// A migration that runs while the daemon is dead is waited for by the next one, and one that has ended has ended.
	for version, dead := range map[string]time.Duration{"2.5.0": 0, "2.6.0": 4 * time.Second} {
		id := s.detached("--image", s.image(version, "migrate:slow-start=3s"))
		s.runsOneOff()
		s.must(s.Kill())
		s.must(elapsed(t.Context(), dead))
		s.must(s.Start(t.Context()))
		s.told(0, []string{"watch", id}, "pre_start has ended well", "succeeded")
		if n := s.migrations(version); n != 1 || len(s.oneOffs()) > 0 {
			t.Errorf("%d migrations to %s, and left over is %+v", n, version, s.oneOffs())
		}
	}

	// Nothing goes back past a migration without being asked.
	now := s.status()
	s.told(2, []string{"rollback", rig.App}, "pre_start", "--yes")
	s.told(0, []string{"rollback", rig.App, "--yes"}, "succeeded")
	if after := s.status(); after.Current.ID == now.Current.ID {
		t.Error("it did not go back")
	}
	if n := s.migrations("2.5.0") + s.migrations("2.6.0"); n != 2 {
		t.Errorf("the rollback has migrated: %d", n)
	}
}

// A one-off container that somebody removes while no daemon runs is not made again: it may have run.
func TestPreStartRemoved(t *testing.T) {
	s := newTenant(t, rig.Options{Template: migrating, Clear: "manual"})
	s.version1()
	before := s.live("web", "worker")
	id := s.detached("--image", s.image("2.0.0", "migrate:slow-start=1m"))
	runs := s.runsOneOff()
	s.migrates("2.0.0")
	s.must(s.Kill())
	s.must(s.World.Existing(runs.ID).Remove(t.Context()))
	s.must(s.Start(t.Context()))
	s.turnedBack(before, "2.0.0", 1, s.run(4, "watch", id), "removed by somebody", "not run again")
}
