//go:build e2e && full

package e2e

import (
	"strings"
	"testing"
)

// prop returns a property of a unit.
func (s *site) prop(unit, name string) string {
	s.t.Helper()
	return strings.TrimSpace(s.sh(0, "systemctl show --value --property="+name+" "+unit))
}

// rollouts returns how many rollouts there were.
func (s *site) rollouts() int {
	s.t.Helper()
	return strings.Count(s.sh(0, "fairlead rollouts"), "\n") - 1
}

// container returns the id of the app's container.
func (s *site) container() string {
	s.t.Helper()
	return strings.TrimSpace(s.sh(0, "docker ps --quiet --no-trunc --filter name=^shop-web$"))
}

// has waits until the app's container has this value of a variable.
func (s *site) has(line string) {
	s.t.Helper()
	s.eventually("the container has the new value", "docker inspect --format '{{json .Config.Env}}' shop-web | grep -q '"+line+"'")
}

// looked waits until the change unit has run again since a moment of its own clock.
func (s *site) looked(since string) {
	s.t.Helper()
	s.eventually("the change was looked at", `[ "$(systemctl show --value -p ExecMainExitTimestampMonotonic fairlead-change@shop.service)" -gt `+since+
		` ] && [ "$(systemctl show --value -p SubState fairlead-change@shop.service)" != start ]`)
}

func (s *site) lastLook() string {
	s.t.Helper()
	return s.prop("fairlead-change@shop.service", "ExecMainExitTimestampMonotonic")
}

// An env file that is edited as an editor does brings its values into effect: once for several writes, never for a comment, and
// not at all where it is refused, which is seen in the unit. What nothing told of is found by the timer.
func TestHostRotatesOnChange(t *testing.T) {
	t.Parallel()
	s := installed(t)
	s.image("2.0.0")
	s.sh(0, "fairlead deploy shop --image 2.0.0", "succeeded")
	s.sh(0, "fairlead systemd enable shop --on-change=rotate", "shop is rotated")

	first := s.container()
	for _, value := range []string{"half", "nearly", newSMTP} {
		s.env("AZURE_OPENAI_API_KEY="+aiKey, "SMTP_PASSWORD="+value)
	}
	s.has("SMTP_PASSWORD=" + newSMTP)
	s.eventually("the rotation has ended", "fairlead rollouts | grep rotate | grep -q succeeded")
	s.eventually("the unit has ended", "systemctl is-active fairlead-change@shop.service | grep -qx inactive")
	if n := s.rollouts(); n != 2 || s.container() == first {
		t.Errorf("several writes gave %d rollouts, want the deploy and one rotation", n)
	}

	since, second := s.lastLook(), s.container()
	s.env("# a comment", "AZURE_OPENAI_API_KEY="+aiKey, "SMTP_PASSWORD="+newSMTP)
	s.looked(since)
	if n := s.rollouts(); n != 2 || s.container() != second {
		t.Errorf("a comment gave a rollout: %d", n)
	}
	if got := s.prop("fairlead-change@shop.service", "Result"); got != "success" {
		t.Errorf("a comment ends the unit with %q", got)
	}

	since = s.lastLook()
	s.env("AZURE_OPENAI_API_KEY=", "SMTP_PASSWORD="+newSMTP)
	s.looked(since)
	s.eventually("the unit has failed", "systemctl is-failed fairlead-change@shop.service")
	if got := s.prop("fairlead-change@shop.service", "ExecMainStatus"); got != "3" || s.container() != second {
		t.Errorf("a refused file ends the unit with %s, and the container was %s", got, second)
	}

	s.sh(0, "fairlead systemd enable shop --on-change=rotate --schedule='*:*:0/3' && systemctl stop fairlead-change@shop.path")
	s.env("AZURE_OPENAI_API_KEY="+aiKey, "SMTP_PASSWORD=found-by-the-timer")
	s.has("SMTP_PASSWORD=found-by-the-timer")
	s.runs("2.0.0")
}

// A daemon that does not get on is killed by systemd and started anew, and goes on with the rollout that it was in.
func TestHostWatchdog(t *testing.T) {
	t.Parallel()
	s := installed(t)
	s.image("2.0.0")
	s.sh(0, "fairlead deploy shop --image 2.0.0", "succeeded")
	id := s.begun("2.1.0")
	pid := s.prop("fairlead.service", "MainPID")
	s.sh(0, "kill -STOP "+pid)
	s.eventually("systemd has started it anew", `p=$(systemctl show --value -p MainPID fairlead.service); [ "$p" != `+pid+` ] && [ "$p" != 0 ]`)
	if n := s.prop("fairlead.service", "NRestarts"); n != "1" {
		t.Errorf("it was started anew %s times", n)
	}
	s.sh(0, "journalctl --unit fairlead --no-pager", "Watchdog timeout")
	s.sh(0, "! find / -xdev -name 'core*' -newer /etc/shop/.env.production -type f | grep .")
	s.ends(id, "2.1.0")
}

// A reload takes up a new configuration, and keeps the old one where the new one is refused. The first who connects starts the
// daemon.
func TestHostReloadAndSocket(t *testing.T) {
	t.Parallel()
	s := installed(t)
	s.image("2.0.0")
	s.sh(0, "fairlead deploy shop --image 2.0.0", "succeeded")
	pid := s.prop("fairlead.service", "MainPID")
	s.sh(0, "sed 's/^  shop:/  other:/; s/shop-web/other-web/; s/3000:3000/3001:3000/' /etc/fairlead/fairlead.yaml | sed -n '/^  other:/,$p' >>/etc/fairlead/fairlead.yaml; fairlead config check /etc/fairlead/fairlead.yaml; systemctl reload fairlead")
	s.eventually("the new app is known", "fairlead status other")
	s.sh(0, "cp /etc/fairlead/fairlead.yaml /var/tmp/good; echo 'aps: {}' >>/etc/fairlead/fairlead.yaml; systemctl reload fairlead || true")
	s.eventually("the journal says why it is refused", "journalctl --unit fairlead | grep -q aps")
	s.sh(0, "fairlead status other; cat /var/tmp/good >/etc/fairlead/fairlead.yaml")
	if now := s.prop("fairlead.service", "MainPID"); now != pid {
		t.Errorf("a reload started the daemon anew: %s, was %s", now, pid)
	}

	s.sh(0, "systemctl stop fairlead.service")
	s.sh(0, "fairlead status shop", "2.0.0")
	s.sh(0, "systemctl is-active fairlead.service")
	s.sh(0, "stat -c '%G %a' /run/fairlead/fairlead.sock", "fairlead 660")
	s.sh(8, "runuser -u nobody -- fairlead status")
	s.sh(0, "systemctl stop fairlead.socket fairlead.service")
	s.sh(8, "fairlead status")
}

// A rollout goes on through an upgrade of the package.
func TestHostUpgradeInTheMiddle(t *testing.T) {
	t.Parallel()
	s := installed(t)
	s.image("2.0.0")
	s.sh(0, "fairlead deploy shop --image 2.0.0", "succeeded")
	s.deliver(newPackage) // builds it, which may take its time
	id := s.begun("2.1.0")
	s.sh(0, "apt-get install -y "+delivered)
	s.sh(0, "fairlead version", newPackage)
	s.ends(id, "2.1.0")
	s.sh(0, "fairlead watch "+id, "daemon    stopped", "daemon    started  the rollout goes on")
	if got := s.rollouts(); got != 2 {
		t.Errorf("there are %d rollouts", got)
	}
}

// A host that reboots, or loses its power, in the middle of a rollout ends the containers as well. One that is being proved has
// then ended, so the rollout is turned back when the host is up again: what ran before runs, by itself, and once.
func TestHostGoesDownInTheMiddle(t *testing.T) {
	for name, down := range map[string]func(s *site){
		"reboot":        func(s *site) { s.must(s.Reboot(s.t.Context())) },
		"loss of power": func(s *site) { s.must(s.Crash()); s.must(s.Start(s.t.Context())) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := installed(t)
			s.image("2.0.0")
			s.sh(0, "fairlead deploy shop --image 2.0.0", "succeeded")
			id := s.begun("2.1.0")
			down(s)
			s.sh(4, "fairlead watch "+id, "daemon    started  the rollout goes on", "what ran before runs again")
			s.runs("2.0.0")

			down(s) // with nothing under way
			s.runs("2.0.0")
			s.sh(0, "fairlead deploy shop --image 2.1.0", "succeeded")
			s.runs("2.1.0")
		})
	}
}
