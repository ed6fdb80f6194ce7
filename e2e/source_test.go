//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/capakraken/fairlead/e2e/rig"
)

// sourcing is the rig's configuration with an encrypted file, a command and the daemon's own environment for sources.
var sourcing = strings.Replace(rig.Config, "    env: [{file: {{.EnvFile}}}]\n", `    env:
      - {age: {{.Dir}}/secrets.env.age, identity: {credential: app-key}}
      - {exec: [{{.Dir}}/print, prod], format: json, pass: [PRINT_AT], timeout: 3s, max_bytes: 4096}
      - {environment: [ANONYMIZATION_SEED, DATABASE_URL, PRINT_AT], override: true}
`, 1)

// sourced makes a stage whose secrets come from these sources. Its daemon does not run yet.
func sourced(t *testing.T) *stage {
	s := quietTenant(t, rig.Options{Template: sourcing, Clear: "manual"})
	s.must(os.Remove(s.EnvFile()))
	s.must(os.Mkdir(filepath.Join(s.Dir, "credentials"), 0o700))
	s.Environ = []string{"CREDENTIALS_DIRECTORY=" + filepath.Join(s.Dir, "credentials"), "ANONYMIZATION_SEED=" + seed, "DATABASE_URL=" + s.Postgres.URL(), "PRINT_AT=" + s.Dir}
	s.seal("AZURE_OPENAI_API_KEY=" + aiKey + "\n")
	s.prints(`echo '{"SMTP_PASSWORD": "` + smtpPass + `"}'`)
	return s
}

// seal encrypts an env file for a new identity, which it gives to the daemon as a credential.
func (s *stage) seal(content string) {
	s.t.Helper()
	id, err := age.GenerateX25519Identity()
	s.must(err)
	var text strings.Builder
	w, err := age.Encrypt(&text, id.Recipient())
	s.must(err)
	_, err = w.Write([]byte(content))
	s.must(errors.Join(err, w.Close()))
	s.must(os.WriteFile(filepath.Join(s.Dir, "secrets.env.age"), []byte(text.String()), 0o644))
	s.identity(id)
}

func (s *stage) identity(id *age.X25519Identity) {
	s.t.Helper()
	path := filepath.Join(s.Dir, "credentials", "app-key")
	s.must(os.WriteFile(path+".new", []byte(id.String()+"\n"), 0o400))
	s.must(os.Rename(path+".new", path))
}

// prints puts a script in the place of the command. Each of its calls is counted.
func (s *stage) prints(lines ...string) {
	s.t.Helper()
	path := filepath.Join(s.Dir, "print")
	head := "#!/bin/sh\ntest \"$1\" = prod || exit 9\necho x >> \"$PRINT_AT/calls\"\n"
	s.must(os.WriteFile(path+".new", []byte(head+strings.Join(lines, "\n")+"\n"), 0o755))
	s.must(os.Rename(path+".new", path))
}

// A rollout takes its secrets from an encrypted file, a command and the daemon's environment, survives the daemon's death while
// the command runs, and clears only what the sources still say.
func TestSources(t *testing.T) {
	s := sourced(t)
	// The first call of each of two rollouts is hung up, until the daemon is killed.
	hanging := []string{"if [ -e $PRINT_AT/hang ]; then rm $PRINT_AT/hang; echo " + smtpPass + " >&2; sleep 300 &", "echo $$ $! | tr ' ' '\\n' > $PRINT_AT/pid.new; mv $PRINT_AT/pid.new $PRINT_AT/pid; wait; fi",
		`echo '{"SMTP_PASSWORD": "` + smtpPass + `"}'`}
	s.Template = edited(t, s.Template, "timeout: 3s", "timeout: 1m")
	s.must(s.WriteConfig())
	s.prints(hanging...)
	s.must(s.Start(t.Context()))
	s.version1()
	s.hangs()
	id := s.detached("--image", s.image("2.0.0"))
	s.killedWhileItHangs()
	s.told(0, []string{"watch", id}, "succeeded")
	s.ended()
	for service, c := range s.live("web", "worker") {
		for _, want := range []string{"AZURE_OPENAI_API_KEY=" + aiKey, "SMTP_PASSWORD=" + smtpPass, "ANONYMIZATION_SEED=" + seed} {
			if !slices.Contains(c.Config.Env, want) {
				name, _, _ := strings.Cut(want, "=")
				t.Errorf("%s has not its %s", service, name)
			}
		}
	}
	s.told(0, []string{"show", id}, "env[0] age "+s.Dir+"/secrets.env.age: AZURE_OPENAI_API_KEY", "env[1] exec "+s.Dir+"/print: SMTP_PASSWORD",
		"env[2] environment: ANONYMIZATION_SEED, DATABASE_URL, PRINT_AT")
	s.told(0, []string{"secrets", rig.App}, "env[0] age "+s.Dir+"/secrets.env.age:1", "env[1] exec "+s.Dir+"/print:1", "env[2] environment")
	calls := len(s.facts("calls"))
	s.told(0, []string{"status", rig.App})
	if now := len(s.facts("calls")); now != calls {
		t.Errorf("a look at the status called the command %d times", now-calls)
	}
	s.told(0, []string{"doctor", "--config", s.ConfigFile(), "--state", s.State()}, "env[1] exec "+s.Dir+"/print", "can only be read by the daemon")

	// At the clear, every source is read again, and what they say now counts.
	s.prints(`echo '{"SMTP_PASSWORD": "` + newSMTP + `"}'`)
	s.told(7, cleanup(), "was not created with the present value of SMTP_PASSWORD")
	s.stored(residue())
	s.prints("echo "+newSMTP+" >&2", "exit 4")
	s.told(3, cleanup(), "env[1] exec "+s.Dir+"/print: its exit code is 4")
	s.stored(residue())
	s.prints(hanging...)
	s.hangs()
	id = strings.TrimSpace(s.told(0, append(cleanup(), "--detach", "--quiet")).Out)
	s.killedWhileItHangs()
	s.told(0, []string{"watch", id}, "succeeded")
	s.stored(cleared())
	s.told(0, []string{"audit", "verify", "--state", s.State()}, "the journal is whole")
	if journal := s.recorded(); !strings.Contains(journal, `"kind":"exec"`) || !strings.Contains(journal, `"keys":["SMTP_PASSWORD"]`) {
		t.Error("the journal does not say what each source gave")
	}
}

// hangs has the next call of the command hang.
func (s *stage) hangs() {
	s.t.Helper()
	_ = os.Remove(filepath.Join(s.Dir, "pid"))
	s.must(os.WriteFile(filepath.Join(s.Dir, "hang"), nil, 0o600))
}

// killedWhileItHangs kills the daemon while the command runs, and starts it again. The command dies with it.
func (s *stage) killedWhileItHangs() {
	s.t.Helper()
	s.eventually("the command hangs", func() error { _, err := os.Stat(filepath.Join(s.Dir, "pid")); return err })
	s.must(s.Kill())
	pid, err := strconv.Atoi(s.facts("pid")[0])
	s.must(err)
	s.eventually("the command has died with the daemon", func() error {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err == nil && !strings.Contains(string(status), "State:\tZ") {
			return errors.New("it runs")
		}
		return nil
	})
	s.must(s.Start(s.t.Context()))
}

// A source that fails refuses the rollout in words of its own, and nothing is touched.
func TestFailingSources(t *testing.T) {
	s := sourced(t)
	s.must(s.Start(t.Context()))
	s.version1()
	s.told(0, []string{"deploy", rig.App, "--image", s.image("2.0.0")}, "succeeded")
	before := s.live("web", "worker")
	good := `echo '{"SMTP_PASSWORD": "` + smtpPass + `"}'`
	loud := "echo " + smtpPass + " >&2; echo " + smtpPass + ";"
	print := "env[1] exec " + s.Dir + "/print"
	for name, tt := range map[string]struct {
		script string
		texts  []string
	}{
		"exit code":    {loud + "exit 3", []string{print + ": its exit code is 3 (what it said is not shown"}},
		"killed":       {loud + "kill -9 $$", []string{print + ": it was ended by the signal SIGKILL"}},
		"timeout":      {loud + "sleep 300 & echo $! > $PRINT_AT/pid; trap '' TERM; wait; wait", []string{print + ": did not end within 3s, and was ended"}},
		"too much":     {"while :; do " + loud + " done", []string{print + ": gives more than the 4096 bytes that are read"}},
		"nothing":      {"echo " + smtpPass + " >&2", []string{print + ": gives nothing"}},
		"not JSON":     {loud, []string{print + ":1: is not one JSON object"}},
		"nested":       {`echo '{"data": {"SMTP_PASSWORD": "` + smtpPass + `"}}'`, []string{print + ":1: data is an object or a list"}},
		"set twice":    {`echo '{"SMTP_PASSWORD": "` + smtpPass + `", "AZURE_OPENAI_API_KEY": "` + aiKey + `"}'`, []string{print + ":1: AZURE_OPENAI_API_KEY is also set in env[0] age " + s.Dir + "/secrets.env.age:1", "override: true"}},
		"not required": {`echo '{"OTHER": "` + smtpPass + `"}'`, []string{"SMTP_PASSWORD is missing (SMTP password, required)"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := s.in(t)
			s.prints(tt.script)
			s.told(3, []string{"rotate", rig.App}, append(tt.texts, "nothing was changed")...)
			s.untouched(before)
		})
	}
	s.ended()
	s.prints(good)
	t.Run("the wrong identity", func(t *testing.T) {
		s := s.in(t)
		id, err := age.GenerateX25519Identity()
		s.must(err)
		s.identity(id)
		s.told(3, []string{"rotate", rig.App}, "env[0] age "+s.Dir+"/secrets.env.age: is not encrypted to the credential app-key", "nothing was changed")
		s.must(os.Remove(filepath.Join(s.Dir, "credentials", "app-key")))
		s.told(3, []string{"rotate", rig.App}, "the daemon has no credential app-key")
		s.untouched(before)
	})
	t.Run("a line that others read otherwise", func(t *testing.T) {
		s := s.in(t)
		s.seal("AZURE_OPENAI_API_KEY=" + aiKey + "\nOTHER='$(canary-run)'\nTHIRD=canary#x\n")
		s.told(3, []string{"rotate", rig.App}, "env[0] age "+s.Dir+"/secrets.env.age:3: the value of THIRD holds a #", "nothing was changed")
		s.untouched(before)
	})
	t.Run("a program that others may write", func(t *testing.T) {
		s := s.in(t)
		s.seal("AZURE_OPENAI_API_KEY=" + aiKey + "\n")
		s.must(os.Chmod(filepath.Join(s.Dir, "print"), 0o777))
		s.told(3, []string{"rotate", rig.App}, print+": "+s.Dir+"/print: may be written by more than its owner (mode 0777)")
		s.untouched(before)
	})
	s.prints(good)
	s.told(0, []string{"rotate", rig.App}, "succeeded")
}
