//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/capakraken/fairlead/e2e/rig"
)

// hooking is the rig's configuration with three hooks. What they do, a test writes.
var hooking = strings.Replace(rig.Config, "    clear: {{.Clear}}\n", `    clear: {{.Clear}}
    hooks:
      - {before: restart, command: [{{.Dir}}/before.sh, "a b", $HOME], timeout: 3s}
      - {after: verify, command: [{{.Dir}}/after.sh], timeout: 3s, name: tell}
      - {before: clear, command: [{{.Dir}}/backup.sh]}
`, 1)

// writeHook puts a script in the place of one of the hooks.
func (s *stage) writeHook(name string, lines ...string) {
	s.t.Helper()
	path := filepath.Join(s.Dir, name)
	s.must(os.WriteFile(path+".new", []byte("#!/bin/sh\n"+strings.Join(lines, "\n")+"\n"), 0o755))
	s.must(os.Rename(path+".new", path))
}

// facts returns the lines that a hook has written to a file.
func (s *stage) facts(name string) []string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.Dir, name))
	s.must(err)
	s.silent(name, string(text))
	return strings.Split(strings.TrimRight(string(text), "\n"), "\n")
}

// Hooks are called with the rollout's facts and nothing of the daemon's. What they say is kept without the secrets.
func TestHooks(t *testing.T) {
	s := quietTenant(t, rig.Options{Template: hooking, Clear: "manual"})
	s.Environ = []string{"SMTP_PASSWORD=" + smtpPass} // what the daemon has, a hook must not see
	s.must(s.Start(t.Context()))
	s.version1()
	old := s.live("web", "worker")
	s.writeHook("before.sh", `env | sort > "`+s.Dir+`/before.facts"`, `printf '%s|' "$@"; pwd; cat "`+s.EnvFile()+`"`, "docker inspect "+old["web"].ID+" 2>&1 | grep -c canary-", "echo last word")
	s.writeHook("after.sh", `env | sort > "`+s.Dir+`/after.facts"`)
	s.writeHook("backup.sh", "echo no space left", "exit 1")
	tag := s.image("2.0.0")
	res := s.told(0, []string{"deploy", rig.App, "--image", tag, "--reason", "a better one"},
		"the hook before restart (before.sh) has ended well", "| a b|$HOME|/", "SMTP_PASSWORD=[SMTP_PASSWORD]", "AZURE_OPENAI_API_KEY=[AZURE_OPENAI_API_KEY]",
		"| last word", "the hook after verify (tell) has ended well", "succeeded")
	id := strings.TrimSuffix(strings.Fields(res.Out)[1], ":")
	image := s.Repository() + ":" + tag
	for file, want := range map[string][]string{
		"before.facts": {"FAIRLEAD_HOOK=before.sh", "FAIRLEAD_STEP=restart", "FAIRLEAD_WHEN=before", "FAIRLEAD_CALL=" + id + "-1"},
		"after.facts":  {"FAIRLEAD_HOOK=tell", "FAIRLEAD_STEP=verify", "FAIRLEAD_WHEN=after", "FAIRLEAD_CALL=" + id + "-2"},
	} {
		got := s.facts(file)
		for _, v := range append(want, "FAIRLEAD_APP="+rig.App, "FAIRLEAD_ROLLOUT="+id, "FAIRLEAD_KIND=deploy", "FAIRLEAD_INSTANCE="+s.Instance, "FAIRLEAD_IMAGE="+image,
			"FAIRLEAD_ENVIRONMENT=production", "FAIRLEAD_SERVICES=web worker", "FAIRLEAD_ACTOR=root", "FAIRLEAD_TRIGGER=manual", "FAIRLEAD_REASON=a better one", "LANG=C.UTF-8") {
			if !slices.Contains(got, v) {
				t.Errorf("%s: %s is missing in %q", file, v, got)
			}
		}
		for _, v := range got {
			name, value, _ := strings.Cut(v, "=")
			if !strings.HasPrefix(name, "FAIRLEAD_") && !slices.Contains([]string{"PATH", "LANG", "PWD", "_", "OLDPWD", "SHLVL"}, name) {
				t.Errorf("%s: the daemon's %s is there", file, name)
			}
			if name == "FAIRLEAD_DIGEST" && !strings.HasPrefix(value, "sha256:") {
				t.Errorf("%s: %s", file, v)
			}
		}
	}
	s.told(0, []string{"show", id}, "the hook before restart (before.sh) has ended well", "| last word")
	s.told(0, []string{"audit", "verify", "--state", s.State()}, "the journal is whole")
	s.failingHooks(t)
	s.failingBackup()
	journal := s.recorded()
	for _, part := range []string{`"log":"out of order`, `pass [SMTP_PASSWORD]`, `"command":["` + s.Dir + `/before.sh","a b","$HOME"]`} {
		if !strings.Contains(journal, part) {
			t.Errorf("%s is not in the journal", part)
		}
	}
}

// recorded returns the whole journal as it is on the disk.
func (s *stage) recorded() string {
	s.t.Helper()
	segments, err := filepath.Glob(filepath.Join(s.State(), "journal", "*.jsonl"))
	s.must(err)
	var all strings.Builder
	for _, path := range segments {
		all.Write(s.content(path))
	}
	return all.String()
}

// failingHooks has each hook fail, in every way in which one can.
func (s *stage) failingHooks(t *testing.T) {
	tag := s.image("3.0.0")
	deploy := []string{"deploy", rig.App, "--image", tag}
	for _, tt := range []struct {
		name          string
		before, after []string
		code          int
		texts         []string
	}{
		{"before restart", []string{"echo out of order >&2", "exit 7"}, nil, 3,
			[]string{"the hook before restart (before.sh) has failed: its exit code is 7; no container was touched", "| out of order", "refused", "nothing was changed"}},
		{"after verify", nil, []string{"echo pass " + smtpPass, "exit 1"}, 4,
			[]string{"the hook after verify (tell) has failed: its exit code is 1; what ran before is put back", "| pass [SMTP_PASSWORD]", "rolled back"}},
		{"too long", []string{"echo $$ > " + s.Dir + "/pid", "sleep 300 &", "echo $! >> " + s.Dir + "/pid", "echo waiting", "wait"}, nil, 3,
			[]string{"the hook before restart (before.sh) has failed: it did not end before its deadline, and was ended; no container was touched", "| waiting"}},
		{"too long, and stubborn", nil, []string{"trap '' TERM", "while :; do sleep 300; done"}, 4, []string{"the hook after verify (tell) has failed: it did not end before its deadline"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := s.in(t)
			before := s.live("web", "worker")
			s.writeHook("before.sh", append(tt.before, "exit 0")...)
			s.writeHook("after.sh", append(tt.after, "exit 0")...)
			s.told(tt.code, deploy, tt.texts...)
			if tt.code == 3 {
				s.untouched(before)
			}
			s.restored(before)
		})
	}
	s.ended()
	s.writeHook("before.sh", "exit 0")
	s.must(os.Chmod(filepath.Join(s.Dir, "before.sh"), 0o775))
	s.must(os.Remove(filepath.Join(s.Dir, "after.sh")))
	before := s.live("web", "worker")
	s.told(3, deploy, "the hook before restart (before.sh): ", "may be written by more than its owner (mode 0775)", "the hook after verify (tell): ", "does not exist", "validate")
	s.untouched(before)
}

// failingBackup has the hook before clear fail, which keeps the values where they are, and then not.
func (s *stage) failingBackup() {
	s.writeHook("after.sh", "exit 0")
	s.told(7, cleanup(), "the hook before clear (backup.sh) has failed: its exit code is 1; the legacy values are left where they are", "| no space left", "nothing was cleared")
	s.stored(residue())
	s.writeHook("backup.sh", "exit 0")
	s.told(0, cleanup(), "the hook before clear (backup.sh) has ended well", "primary-ai: cleared")
	s.stored(cleared())
}

// ended expects the processes that a hook has written down to be gone.
func (s *stage) ended() {
	s.t.Helper()
	for _, text := range s.facts("pid") {
		pid, err := strconv.Atoi(text)
		s.must(err)
		s.eventually("the hook's processes have ended", func() error {
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			if err == nil && !strings.Contains(string(status), "State:\tZ") {
				return fmt.Errorf("process %d runs", pid)
			}
			return nil
		})
	}
}

// The daemon dies while a hook runs: the hook is called again, and what the first call has left is ended before.
func TestHookIsCalledAgainAfterADeath(t *testing.T) {
	s := quietTenant(t, rig.Options{Template: strings.ReplaceAll(hooking, "timeout: 3s", "timeout: 1m"), Clear: "manual"})
	s.writeHook("before.sh", `echo "$FAIRLEAD_CALL" >> `+s.Dir+"/calls", "[ -e "+s.Dir+"/pid ] && exit 0", "sleep 300 &",
		"echo $$ $! | tr ' ' '\\n' > "+s.Dir+"/pid.new; mv "+s.Dir+"/pid.new "+s.Dir+"/pid", "wait")
	s.writeHook("after.sh", "exit 0")
	s.writeHook("backup.sh", "exit 0")
	s.must(s.Start(t.Context()))
	s.version1()
	id := s.detached("--image", s.image("2.0.0"))
	s.eventually("the hook runs", func() error { _, err := os.Stat(filepath.Join(s.Dir, "pid")); return err })
	s.must(s.Kill())
	child, err := strconv.Atoi(s.facts("pid")[1])
	s.must(err)
	if err := syscall.Kill(child, 0); err != nil {
		t.Errorf("the hook's child is gone already, so this test shows nothing: %v", err)
	}
	s.must(s.Start(t.Context()))
	s.told(0, []string{"watch", id}, "the hook before restart (before.sh) has ended well", "succeeded")
	s.ended()
	if got := s.facts("calls"); len(got) != 2 || got[0] != id+"-1" || got[1] != got[0] {
		t.Errorf("the calls were %q", got)
	}
	s.live("web", "worker")
}
