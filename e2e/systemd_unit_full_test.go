//go:build e2e && full

package e2e

import (
	"strings"
	"testing"
)

// The unit as it is shipped: everything that a rollout needs works under its hardening, the socket lets in who may come, the
// log is in the journal with its fields, and a reload, a hang and a stop are what they should be.
func TestUnit(t *testing.T) {
	s := newHome(t)
	s.started()
	if out := s.run(0, "fairlead residue capakraken"); !strings.Contains(out, "no legacy value is left") {
		t.Errorf("the database is not reached: %s", out)
	}

	t.Run("socket", func(t *testing.T) {
		if got := strings.TrimSpace(s.run(0, "stat -c '%a %U %G' /run/fairlead/fairlead.sock")); got != "660 fairlead fairlead" {
			t.Errorf("the socket is %s", got)
		}
		s.run(0, "runuser -u oona -- fairlead status capakraken")
		if res := s.try("runuser -u stranger -- fairlead status capakraken"); res.Code == 0 {
			t.Errorf("a stranger is let in: %s", res)
		}
		s.run(0, "systemctl stop fairlead && test -S /run/fairlead/fairlead.sock")
		// Whoever comes starts the daemon, waits for it, and is answered.
		s.run(0, "runuser -u oona -- fairlead status capakraken && systemctl is-active fairlead")
	})

	t.Run("log", func(t *testing.T) {
		out := s.run(0, "journalctl -u fairlead -o json FAIRLEAD_APP=capakraken FAIRLEAD_STEP=restart")
		for _, want := range []string{`"PRIORITY":"6"`, `"FAIRLEAD_ROLLOUT":"`, `"MESSAGE":"action done`} {
			if !strings.Contains(out, want) {
				t.Errorf("%s is not in the journal: %s", want, out)
			}
		}
		if all := s.run(0, "journalctl -u fairlead --no-pager"); strings.Contains(all, "canary") {
			t.Error("a secret is in the journal")
		}
	})

	t.Run("process", func(t *testing.T) {
		pid := s.property("fairlead", "MainPID")
		if out := s.run(0, "grep -h 'Max core' /proc/"+pid+"/limits; stat -c %U /proc/"+pid+"/environ"); strings.Join(strings.Fields(out), " ") != "Max core file size 0 0 bytes root" {
			t.Errorf("a core can be dumped, or the process be read by its own user: %s", out)
		}
	})

	t.Run("reload", func(t *testing.T) {
		pid := s.property("fairlead", "MainPID")
		good := s.config("url: http://{container}:3000/api/runtime-status", "{env: DATABASE_URL}")
		s.write(homeConfig, strings.Replace(good, "groups: [fairlead]", "grops: [fairlead]", 1))
		s.run(0, "systemctl reload fairlead")
		s.eventually("the refusal is shown", func() string {
			if got := s.property("fairlead", "StatusText"); !strings.Contains(got, "is refused, and the old one kept") || !strings.Contains(got, "grops") {
				return got
			}
			return ""
		})
		s.run(0, "systemctl is-active fairlead && runuser -u oona -- fairlead status capakraken")
		s.write(homeConfig, strings.Replace(good, "operators: {groups: [fairlead]}", "viewers: {users: [oona]}", 1)+second)
		s.run(0, "systemctl reload fairlead")
		s.eventually("the new app is there", func() string {
			res := s.try("fairlead status second")
			if res.Code != 0 {
				return res.String()
			}
			return ""
		})
		if res := s.try("runuser -u oona -- fairlead lock capakraken --reason x"); res.Code == 0 {
			t.Errorf("the old access counts: %s", res)
		}
		s.write(homeConfig, strings.Replace(good, "instance: home", "instance: other", 1))
		s.run(0, "systemctl reload fairlead")
		s.eventually("what needs a restart is said", func() string {
			if got := s.property("fairlead", "StatusText"); !strings.Contains(got, "a restart is needed for the new instance") {
				return got
			}
			return ""
		})
		s.write(homeConfig, good)
		s.run(0, "systemctl reload fairlead")
		if now := s.property("fairlead", "MainPID"); now != pid {
			t.Errorf("the process is another one: %s, was %s", now, pid)
		}
	})

	t.Run("watchdog", func(t *testing.T) {
		s.image("1.0.2", "slow-start=20s")
		s.run(0, "fairlead deploy capakraken --image 1.0.2 --detach")
		s.eventually("the rollout verifies", func() string {
			got := s.property("fairlead", "StatusText")
			if !strings.Contains(got, "capakraken: deploy") || !strings.Contains(got, "verify") {
				return got
			}
			return ""
		})
		pid := s.property("fairlead", "MainPID")
		s.run(0, "mkdir -p /run/systemd/system/fairlead.service.d && printf '[Service]\\nWatchdogSec=4s\\n' >/run/systemd/system/fairlead.service.d/w.conf && systemctl daemon-reload && kill -STOP "+pid)
		s.eventually("another daemon runs", func() string {
			if now := s.property("fairlead", "MainPID"); now == pid || now == "0" {
				return "the process is " + now
			}
			return ""
		})
		s.eventually("the rollout has succeeded", func() string {
			if got := s.rollouts()[0]; got != "deploy succeeded" {
				return got
			}
			return ""
		})
		if n := s.property("fairlead", "NRestarts"); n != "1" {
			t.Errorf("it was restarted %s times", n)
		}
		if cores := s.try("find / -xdev -name 'core*' -newer /run/systemd/system/fairlead.service.d/w.conf -type f"); strings.Contains(cores.Out, "core.") {
			t.Errorf("a core was dumped: %s", cores)
		}
		if s.property("fairlead", "Result") != "success" {
			t.Error("it does not run well")
		}
	})

	t.Run("env file", func(t *testing.T) {
		s.run(0, "chown root:root "+homeEnv+" && chmod 0600 "+homeEnv)
		out := s.run(3, "fairlead rotate capakraken")
		if fix := "chgrp fairlead " + homeEnv + " && chmod 0640 " + homeEnv; !strings.Contains(out, fix) {
			t.Errorf("the one command that mends it is not named: %s", out)
		} else {
			s.run(0, fix+" && fairlead rotate capakraken")
		}
	})

	t.Run("credential", func(t *testing.T) {
		s.write(homeConfig, s.config("url: http://{container}:3000/api/runtime-status", "{credential: dsn}"))
		s.run(1, "systemctl restart fairlead")
		if out := s.run(0, "journalctl -u fairlead -n 20 --no-pager; systemctl show -p ExecMainStatus fairlead"); !strings.Contains(out, "the credential dsn is missing") || !strings.Contains(out, "ExecMainStatus=3") {
			t.Errorf("a missing credential: %s", out)
		}
		s.run(0, "mkdir -p /etc/systemd/system/fairlead.service.d && printf '[Service]\\nLoadCredential=dsn:/etc/fairlead/dsn\\n' >/etc/systemd/system/fairlead.service.d/dsn.conf && : >/etc/fairlead/dsn && systemctl daemon-reload")
		s.run(1, "systemctl restart fairlead")
		if out := s.run(0, "journalctl -u fairlead -n 20 --no-pager"); !strings.Contains(out, "the credential dsn is empty") {
			t.Errorf("an empty credential: %s", out)
		}
		s.must(s.Write("/etc/fairlead/dsn", []byte(s.env["DATABASE_URL"]+"\n"), 0o600))
		s.run(0, "systemctl restart fairlead && fairlead residue capakraken")
	})
}

// second is an app that a reload adds.
const second = `  second:
    environment: production
    image: 127.0.0.1:5000/second
    env: [{file: /etc/capakraken/.env.production}]
    services: {web: {}}
    verify: {web: {exec: [status]}}
    secrets: [{name: smtp, env: SMTP_PASSWORD, required: true}]
`

// Sealed off from every network, the daemon rolls out an app whose status is a command's and whose database is on a unix
// socket.
func TestSealedUnit(t *testing.T) {
	s := newHome(t)
	s.must(s.Write("/etc/fairlead/dsn", []byte("postgres://app:secret-of-app@/app?host=/var/run/postgresql\n"), 0o600))
	s.run(0, "mkdir -p /etc/systemd/system/fairlead.service.d && printf '[Service]\\nLoadCredential=dsn:/etc/fairlead/dsn\\n' >/etc/systemd/system/fairlead.service.d/dsn.conf")
	s.must(s.Write("/etc/systemd/system/fairlead.service.d/sealed.conf", read(t, "../systemd/fairlead.service.d/sealed.conf.example"), 0o644))
	s.write(homeConfig, strings.Replace(s.config("exec: [/refapp, status]", "{credential: dsn}"), "command: [web]", "command: [worker]", 1))
	s.started()
	s.run(0, "fairlead residue capakraken && fairlead rotate capakraken")
	s.run(0, "runuser -u oona -- fairlead status capakraken")
	if got := s.property("fairlead", "NRestarts"); got != "0" {
		t.Errorf("the daemon was restarted %s times", got)
	}
	if links := s.run(0, "nsenter -n -t "+s.property("fairlead", "MainPID")+" ip -o link | wc -l"); strings.TrimSpace(links) != "1" {
		t.Errorf("the daemon sees %s links", links)
	}
}
