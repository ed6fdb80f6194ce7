//go:build e2e && full

package e2e

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func read(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

const changeUnit = "fairlead-change@capakraken.service"

// runs waits until the change unit has run since this invocation, and has ended with a code.
func (s *home) ran(before, code string) {
	s.t.Helper()
	s.eventually("the change is dealt with", func() string {
		out := s.run(0, "systemctl show -p InvocationID,ActiveState,ExecMainStatus,Result "+changeUnit)
		if strings.Contains(out, "InvocationID="+before+"\n") || !strings.Contains(out, "ActiveState=inactive") && !strings.Contains(out, "ActiveState=failed") {
			return out
		}
		if !strings.Contains(out, "ExecMainStatus="+code+"\n") {
			s.t.Fatalf("it ended otherwise than with %s: %s", code, out)
		}
		return ""
	})
}

// A change of the env file is checked, or gives one rotation; one that means nothing gives none, and one that is wrong is
// refused with nothing touched and a unit that failed.
func TestChange(t *testing.T) {
	s := newHome(t)
	s.started()
	s.run(0, `mkdir -p /etc/systemd/system/fairlead-change@.service.d
		printf '[Unit]\nOnFailure=tell@%%n.service\n' >/etc/systemd/system/fairlead-change@.service.d/tell.conf
		printf '[Service]\nType=oneshot\nExecStart=/bin/sh -c "echo %%i >>/run/told"\n' >/etc/systemd/system/tell@.service`)
	change := func(code string, what func()) {
		t.Helper()
		before := s.property(changeUnit, "InvocationID")
		what()
		s.ran(before, code)
	}

	s.run(0, "fairlead systemd enable capakraken --schedule 'Mon..Fri 03:00'")
	s.eventually("what was there is looked at", func() string { // the timer's time since the boot may have come
		if out := s.property(changeUnit, "ActiveState"); out == "activating" {
			return out
		}
		return ""
	})
	if out := s.run(0, "systemctl list-timers --no-pager"); strings.Count(out, "03:00:00") != 2 {
		t.Errorf("the timers: %s", out)
	}
	first := s.container()
	change("0", func() { s.env["SMTP_PASSWORD"] = "canary-smtp-2"; s.writeEnv("checked only") })
	good := s.env["AZURE_OPENAI_API_KEY"]
	change("3", func() { s.env["AZURE_OPENAI_API_KEY"] = "short"; s.writeEnv("wrong") })
	if got := s.property(changeUnit, "ActiveState"); got != "failed" {
		t.Errorf("the unit is %s", got)
	}
	s.eventually("OnFailure= tells", func() string { return s.missing("/run/told", changeUnit) })
	if got := s.rollouts(); !slices.Equal(got, []string{"deploy succeeded"}) || s.container() != first {
		t.Fatalf("checking has begun a rollout: %q", got)
	}

	change("0", func() { s.env["AZURE_OPENAI_API_KEY"] = good; s.writeEnv("right again") })
	s.run(0, "fairlead systemd enable capakraken --on-change=rotate")
	rotated := func(n int) {
		t.Helper()
		want := append(slices.Repeat([]string{"rotate succeeded"}, n), "deploy succeeded")
		if got := s.rollouts(); !slices.Equal(got, want) {
			t.Fatalf("the rollouts are %q, want %q", got, want)
		}
	}
	s.eventually("the change of before is taken up", func() string {
		if got := s.rollouts()[0] + " " + s.property(changeUnit, "ActiveState"); got != "rotate succeeded inactive" {
			s.try("systemctl start --no-block " + changeUnit) // where the timer's time has not come yet
			return got
		}
		return ""
	})
	rotated(1)
	second := s.container()

	t.Run("comment", func(t *testing.T) {
		change("0", func() { s.writeEnv("only a comment") })
		rotated(1)
		if s.container() != second {
			t.Error("the container is another one")
		}
	})
	t.Run("burst", func(t *testing.T) {
		before := s.property(changeUnit, "InvocationID")
		for _, v := range []string{"a", "b", "c", "d"} {
			s.env["SMTP_PASSWORD"] = "canary-smtp-" + v
			s.writeEnv("one of several writes")
			s.run(0, "sed -i 's/one of/of the/' "+homeEnv+" && chgrp fairlead "+homeEnv+" && chmod 0640 "+homeEnv)
		}
		s.ran(before, "0")
		rotated(2)
		if got := strings.TrimSpace(s.run(0, "docker inspect -f '{{range .Config.Env}}{{println .}}{{end}}' capakraken-web | grep SMTP")); got != "SMTP_PASSWORD=canary-smtp-d" {
			t.Errorf("the container has %s", got)
		}
	})
	t.Run("during a rollout", func(t *testing.T) {
		before := s.property(changeUnit, "InvocationID")
		s.env["SMTP_PASSWORD"] = "canary-smtp-e"
		s.writeEnv("first")
		s.eventually("a rotation is under way", func() string {
			if got := s.rollouts(); len(got) == 3 || got[0] != "rotate " {
				return strings.Join(got, ", ")
			}
			return ""
		})
		s.env["SMTP_PASSWORD"] = "canary-smtp-f"
		s.writeEnv("second")
		s.ran(before, "0")
		if got := strings.TrimSpace(s.run(0, "docker inspect -f '{{range .Config.Env}}{{println .}}{{end}}' capakraken-web | grep SMTP")); got != "SMTP_PASSWORD=canary-smtp-f" {
			t.Errorf("the container has %s", got)
		}
	})
	t.Run("wrong", func(t *testing.T) {
		was := s.container()
		change("3", func() { s.env["AZURE_OPENAI_API_KEY"] = "short"; s.writeEnv("wrong") })
		if got := s.rollouts()[0]; got != "rotate refused" || s.container() != was || s.property(changeUnit, "ActiveState") != "failed" {
			t.Errorf("the rollout is %s, the unit %s", got, s.property(changeUnit, "ActiveState"))
		}
		change("0", func() { s.env["AZURE_OPENAI_API_KEY"] = good; s.writeEnv("right again") })
	})
	t.Run("directory swap", func(t *testing.T) {
		// The directory is a link from now on, as where secrets are written anew as a whole: the link is swapped.
		s.run(0, "mv /etc/capakraken /etc/capakraken.1 && ln -s capakraken.1 /etc/capakraken && systemctl restart fairlead-change@capakraken.path")
		change("0", func() {
			s.run(0, "cp -a /etc/capakraken.1 /etc/capakraken.2 && sed -i s/canary-smtp-f/canary-smtp-g/ /etc/capakraken.2/.env.production && ln -s capakraken.2 /etc/capakraken.new && mv -T /etc/capakraken.new /etc/capakraken")
		})
		if got := strings.TrimSpace(s.run(0, "docker inspect -f '{{range .Config.Env}}{{println .}}{{end}}' capakraken-web | grep SMTP")); got != "SMTP_PASSWORD=canary-smtp-g" {
			t.Errorf("the container has %s", got)
		}
	})
	t.Run("disable", func(t *testing.T) {
		s.run(0, "fairlead systemd status capakraken && fairlead systemd disable capakraken")
		if out := s.run(0, "ls /etc/systemd/system; systemctl is-active fairlead-change@capakraken.path || true"); strings.Contains(out, "capakraken") || !strings.Contains(out, "inactive") {
			t.Errorf("left behind: %s", out)
		}
	})
}

// missing returns why a file of the host does not hold a text.
func (s *home) missing(name, text string) string {
	content, err := s.Read(name)
	if err != nil {
		return err.Error()
	}
	if !strings.Contains(string(content), text) {
		return string(content)
	}
	return ""
}

// The timers' services end with the exit codes of their commands.
func TestTimers(t *testing.T) {
	s := newHome(t)
	s.started()
	s.run(0, "systemctl start fairlead-residue@capakraken.service fairlead-audit.service")
	s.run(0, `runuser -u postgres -- psql -q app -c 'UPDATE "SystemSettings" SET "smtpPassword" = $$legacy$$'`)
	s.run(1, "systemctl start fairlead-residue@capakraken.service")
	if got := s.property("fairlead-residue@capakraken", "ExecMainStatus"); got != "7" {
		t.Errorf("residue ends its unit with %s", got)
	}
	s.run(0, "f=$(ls /var/lib/fairlead/journal/*.jsonl /var/lib/fairlead/journal/* 2>/dev/null | head -1); sed -i '2s/time/tame/' $f")
	s.run(1, "systemctl start fairlead-audit.service")
	if got := s.property("fairlead-audit", "ExecMainStatus"); got != "7" {
		t.Errorf("a journal that was altered ends its unit with %s", got)
	}
}
