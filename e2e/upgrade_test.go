//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
)

// predecessor is the fairlead that begins the rollouts.
type predecessor struct{ path, version string }

// older returns it: the binary that FAIRLEAD_E2E_OLDER names, which may be one of an older release, or else one that is
// built from the same source. What the two versions have in common is the journal.
func older(t *testing.T) predecessor {
	t.Helper()
	if path := os.Getenv("FAIRLEAD_E2E_OLDER"); path != "" {
		text, err := exec.CommandContext(t.Context(), path, "version").Output()
		if err != nil {
			t.Fatal(err)
		}
		return predecessor{path, strings.TrimPrefix(strings.TrimSpace(string(text)), "fairlead ")}
	}
	const version = "0.9.0-older"
	path, err := rig.BuildVersion(t.Context(), t.TempDir(), version)
	if err != nil {
		t.Fatal(err)
	}
	return predecessor{path, version}
}

// upgraded is a rollout that one version begins and another one ends.
type upgraded struct {
	drill
	at moment // the older version is ended
}

// upgrades returns rollouts that are handed over in every step, on the way there and on the way back.
func upgrades() []upgraded {
	there, back := drill{kind: "deploy", outcome: "succeeded"}, drill{kind: "deploy", misbehave: "worker:crash", outcome: "rolled_back"}
	const ms = time.Millisecond
	all := []upgraded{
		{there, moment{"begun", "validate", "", 0}},
		{there, moment{"begun", "pull", "", 0}},
		{there, moment{"begun", "replace", "web", 100 * ms}},
		{there, moment{"begun", "replace", "worker", 100 * ms}},
		{there, moment{"begun", "verify", "", 0}},
		{there, moment{"begun", "promote", "web", 0}},
		{there, moment{"begun", "retire", "web", 0}},
		{there, moment{"begun", "clear", "", 0}},
		{back, moment{"begun", "restore", "web", 100 * ms}},
		{back, moment{"begun", "hold", "", 0}},
	}
	slow := "slow-start=700ms"
	all[4].misbehave = slow // or there is no middle of it
	return all
}

// A newer version takes over in the middle of any step, from one that was stopped and from one that died. It ends each
// rollout as the older one would have ended it, and the audit log says who did what.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	score := newScore(t)
	old := older(t)
	for name, end := range map[string]func(*killing) error{
		"stopped": func(k *killing) error { return k.Stop() },
		"killed":  func(k *killing) error { return k.Kill() },
	} {
		t.Run(name, func(t *testing.T) {
			k := settled(t, score, rig.Options{})
			newer, handed := k.Binary, 0
			for _, u := range upgrades() {
				t.Run(u.at.String(), func(t *testing.T) {
					here := *k
					here.stage = k.in(t)
					here.must(here.Stop())
					here.runs(old.path)
					here.handedOver(u, func() {
						here.must(end(&here))
						here.runs(newer)
					})
					here.bothTold(old.version)
					k.tags = here.tags
					if here.ender() != old.version {
						handed++
					}
				})
			}
			// What was begun last may be through before it can be interrupted.
			if all := len(upgrades()); handed < all-2 {
				t.Errorf("only %d of %d rollouts were ended by the newer version", handed, all)
			}
		})
	}
}

// runs has the daemon start from another binary.
func (k *killing) runs(binary string) {
	k.t.Helper()
	k.Binary = binary
	k.must(k.Start(k.t.Context()))
}

// handedOver begins a rollout, replaces the daemon in its middle, and holds what came of it against all that was promised.
func (k *killing) handedOver(u upgraded, replace func()) {
	k.t.Helper()
	k.meanwhile(u.drill, func(ctx context.Context, f *follower) {
		k.must(f.until(ctx, u.at.is))
		k.must(elapsed(ctx, u.at.after))
		replace()
		k.score.add(&k.score.kills, 1)
	})
}

// bothTold expects the audit log to say that the older version took the last rollout on, and that the newer one came then.
func (k *killing) bothTold(older string) {
	k.t.Helper()
	text := k.told(0, []string{"audit", "log", "--limit", "0"}, "version="+older, "version=dev").Out
	before, after := text[:strings.LastIndex(text, " rollout.requested ")], text[strings.LastIndex(text, " rollout.requested "):]
	if !strings.HasSuffix(before[:strings.LastIndex(before, "\n")], "version="+older) || strings.Count(after, "version=dev") != 1 || strings.Contains(after, "version="+older) {
		k.t.Errorf("the audit log does not say that the newer version came in the middle:\n%s", text)
	}
}

// ender returns the version that ended the last rollout.
func (k *killing) ender() (version string) {
	k.t.Helper()
	now := ""
	for line := range strings.Lines(k.told(0, []string{"audit", "log", "--limit", "0", "--output", "json"}).Out) {
		var r struct {
			Type string
			Data struct{ Version string }
		}
		k.must(json.Unmarshal([]byte(line), &r))
		switch r.Type {
		case "daemon.started":
			now = r.Data.Version
		case "rollout.ended":
			version = now
		}
	}
	return version
}
