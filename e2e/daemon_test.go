//go:build e2e

package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/capakraken/fairlead/e2e/rig"
)

// One daemon holds a state directory and a socket, and none is started on what it cannot trust.
func TestDaemonStarts(t *testing.T) {
	s := newTenant(t, rig.Options{})
	start := func(state, socket string) []string {
		return []string{"daemon", "--config", s.ConfigFile(), "--state", state, "--socket", socket}
	}
	another := filepath.Join(s.Dir, "another")

	s.told(6, start(s.State(), another+".sock"), s.State(), "another fairlead daemon holds this state directory")
	s.told(6, start(another, another+".sock"), s.Instance, "give one of them another instance")

	namesake := s.Instance
	s.Instance += "-too" // the configuration of a second daemon
	s.must(s.WriteConfig())
	s.told(3, start(another, s.Socket()), "somebody answers on "+s.Socket(), "it was left alone")
	s.must(os.WriteFile(another+".txt", nil, 0o600))
	s.told(3, start(another, another+".txt"), another+".txt is there and is no socket")
	s.Instance = namesake
	s.must(s.WriteConfig())
	s.told(0, []string{"status"}) // the first one serves on

	t.Run("a socket that was left over is replaced", func(t *testing.T) {
		s := s.in(t)
		s.must(s.Kill())
		if _, err := os.Lstat(s.Socket()); err != nil {
			t.Fatal(err)
		}
		s.told(8, []string{"status"}, s.Socket())
		s.must(s.Start(t.Context()))
		s.told(0, []string{"status"})
	})
	t.Run("a stop takes the socket away", func(t *testing.T) {
		s := s.in(t)
		s.must(s.Stop())
		s.told(8, []string{"deploy", rig.App, "--image", "2.0.0"}, s.Socket())
	})
	t.Run("the configuration is refused with all its faults", func(t *testing.T) {
		s := s.in(t)
		good := s.Template
		for _, c := range []struct{ changes, says []string }{
			{[]string{"environment: production", "environment: Production!", "clear: {{.Clear}}", "clear: sometimes\n    cleer: manual"},
				[]string{":5: apps.capakraken.environment", ":35: apps.capakraken.clear", ":36: apps.capakraken.cleer"}},
			{[]string{"command: [web]", "comand: [web]\n        privileged: true"},
				[]string{":11: apps.capakraken.services.web.comand", ":12: apps.capakraken.services.web.privileged"}},
		} {
			s.Template = edited(t, good, c.changes...)
			s.must(s.WriteConfig())
			s.told(3, start(s.State(), s.Socket()), c.says...)
			s.told(3, []string{"config", "check", s.ConfigFile()}, c.says...)
		}
		s.Template = good
		s.must(s.WriteConfig())
		s.told(0, []string{"config", "check", s.ConfigFile()}, "ok")
	})
}

// A journal that was tampered with is not built upon.
func TestDamagedJournal(t *testing.T) {
	s := newTenant(t, rig.Options{})
	s.deployed("2.0.0")
	s.must(s.Stop())
	s.told(0, []string{"audit", "verify", "--state", s.State()}, "the journal is whole")

	files, err := filepath.Glob(filepath.Join(s.State(), "journal", "*"))
	s.must(err)
	segment := slices.MaxFunc(files, func(a, b string) int { return len(s.content(a)) - len(s.content(b)) })
	text := s.content(segment)
	s.must(os.WriteFile(segment, bytes.Replace(text, []byte(`"root"`), []byte(`"ruth"`), 1), 0o600))

	s.told(7, []string{"audit", "verify", "--state", s.State()}, filepath.Base(segment)+":")
	res, err := s.Run(t.Context(), "daemon", "--config", s.ConfigFile(), "--state", s.State(), "--socket", s.Socket())
	s.must(err)
	if res.Code == 0 {
		t.Error("a daemon started on a damaged journal")
	}
	s.says(res, filepath.Base(segment)+":")
	s.live("web", "worker") // the app does not depend on the daemon
}

func (s *stage) content(path string) []byte {
	s.t.Helper()
	text, err := os.ReadFile(path)
	s.must(err)
	return text
}

// A stop in the middle of a rollout is clean, and the next start goes on.
func TestStopInTheMiddle(t *testing.T) {
	s := newTenant(t, rig.Options{Verify: "60s"})
	s.version1()
	before := s.live("web", "worker")
	id := s.detached("--image", s.image("2.0.0", "slow-start=3s"))
	s.reaches(id, "verify")
	s.must(s.Stop())

	s.must(s.Start(t.Context()))
	s.told(0, []string{"watch", id}, "daemon    stopped", "daemon    started", "primary-ai: cleared", "succeeded")
	if same(before, s.live("web", "worker")) {
		t.Error("the old release still runs")
	}
	s.stored(cleared())
}

// Who may do what is decided by who connects.
func TestRoles(t *testing.T) {
	s := quietTenant(t, rig.Options{})
	s.Template = edited(t, s.Template, "apps:\n", "access: {viewers: {users: [\"65532\"]}, operators: {users: [\"65531\"]}}\napps:\n")
	s.must(s.WriteConfig())
	s.must(s.Start(t.Context()))
	before := s.deployed("2.0.0")
	for _, dir := range []string{s.Dir, filepath.Dir(s.Binary)} {
		s.must(os.Chmod(dir, 0o711))
	}
	deploy := []string{"deploy", rig.App, "--image", "2.0.0"}

	// Whoever is on the host may connect, since others than root are named; the role decides what for.
	const viewer, operator, stranger = 65532, 65531, 65533
	for _, c := range []struct {
		name     string
		uid, gid uint32
		args     []string
		code     int
		says     []string
	}{
		{"a stranger may not look", stranger, stranger, []string{"status"}, 1, []string{"uid 65533", "no role"}},
		{"a viewer may look", viewer, viewer, []string{"status"}, 0, []string{rig.App}},
		{"but not deploy", viewer, viewer, deploy, 1, []string{"viewer", "operator"}},
		{"an operator may deploy", operator, operator, deploy, 0, []string{"succeeded"}},
		{"and lock", operator, operator, []string{"lock", rig.App, "--reason", "freeze"}, 0, nil},
		{"a viewer may read the audit", viewer, viewer, []string{"audit", "log"}, 0, []string{"65531"}},
		{"but not ask for the database", viewer, viewer, []string{"residue", rig.App}, 1, []string{"operator"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.in(t)
			cmd := s.Command(t.Context(), c.args...)
			cmd.Dir = "/"
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: c.uid, Gid: c.gid}}
			res, err := s.Finish(t.Context(), cmd)
			s.must(err)
			if res.Code != c.code {
				t.Errorf("want exit %d: %s", c.code, res)
			}
			s.says(res, c.says...)
		})
	}
	s.untouched(before)
}
