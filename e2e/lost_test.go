//go:build e2e

package e2e

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
)

// The state directory is lost, or is an older copy, while nothing is under way: what runs is recognised by its labels and
// not touched, and is the current release from there on.
func TestLostWhileIdle(t *testing.T) {
	k := settled(t, newScore(t), rig.Options{})
	t.Run("deleted", func(t *testing.T) {
		k := k.here(t)
		k.forgets(func() { k.must(os.RemoveAll(k.State())) })
		k.told(0, []string{"audit", "log", "--limit", "0"}, "app.adopted", "the journal knows nothing of "+k.Container("web"))
		k.carried(drill{kind: "rotate", outcome: "succeeded"})
		k.carried(drill{kind: "deploy", outcome: "succeeded"})
		if res := k.run(0, "status", rig.App); strings.Contains(res.Out, "adopted") {
			t.Errorf("what was rolled out is called adopted: %s", res)
		}
	})
	t.Run("restored from yesterday", func(t *testing.T) {
		k := k.here(t)
		yesterday := k.copied()
		k.run(0, "deploy", rig.App, "--image", k.tag(""))
		k.forgets(func() { k.restoredFrom(yesterday) })
		before := k.live(k.Services...)
		k.run(0, "deploy", rig.App, "--image", k.digest(before["web"])) // what runs: with the key still there, that is known
		k.untouched(before)
		k.carried(drill{kind: "rotate", outcome: "succeeded"})
	})
	t.Run("cut at a sound record", func(t *testing.T) {
		k := k.here(t)
		k.run(0, "deploy", rig.App, "--image", k.tag(""))
		k.forgets(func() { k.cutBefore("rollout.requested") })
		k.carried(drill{kind: "deploy", outcome: "succeeded"})
	})
	t.Run("the key is lost", func(t *testing.T) {
		k := k.here(t)
		before := k.live(k.Services...)
		k.must(k.Stop())
		k.must(os.Remove(filepath.Join(k.State(), "host.key")))
		k.must(k.Start(t.Context()))
		k.told(0, []string{"audit", "log"}, "rekeyed=true")
		if res := k.told(0, []string{"secrets", rig.App}); strings.Contains(res.Out, "pending") {
			t.Errorf("a rotation is said to be due: %s", res)
		}
		k.untouched(before)
		k.carried(drill{kind: "rotate", outcome: "succeeded"})
	})
}

// here returns the same for a subtest.
func (k *killing) here(t *testing.T) *killing {
	k.stage = k.in(t)
	return k
}

// forgets has the daemon stop, has something done to its state, and starts it again. The app runs on without a break, and
// the daemon says what it has found.
func (k *killing) forgets(lose func()) {
	k.t.Helper()
	before := k.live(k.Services...)
	release := before["web"].Config.Labels["fairlead.release"]
	k.sound() // as long as the journal can tell
	k.must(k.Stop())
	lose()
	k.must(k.Start(k.t.Context()))
	k.told(0, []string{"status", rig.App}, "adopted", release)
	k.untouched(before)
	k.neverTwo()
}

// copied returns the path of a copy of the state as it is now.
func (k *killing) copied() string {
	k.t.Helper()
	path := filepath.Join(k.t.TempDir(), "copy")
	k.must(os.CopyFS(path, os.DirFS(k.State())))
	return path
}

// restoredFrom puts a copy in the place of the state.
func (k *killing) restoredFrom(path string) {
	k.t.Helper()
	k.must(os.RemoveAll(k.State()))
	k.must(os.CopyFS(k.State(), os.DirFS(path)))
	for _, dir := range []string{k.State(), filepath.Join(k.State(), "journal")} {
		k.must(os.Chmod(dir, 0o700))
	}
}

// cutBefore cuts the journal's last segment off before the last record that holds a text.
func (k *killing) cutBefore(text string) {
	k.t.Helper()
	segments, err := filepath.Glob(filepath.Join(k.State(), "journal", "*.jsonl"))
	k.must(err)
	path := slices.Max(segments)
	content := string(k.content(path))
	record := strings.LastIndex(content, `"`+text+`"`)
	if record < 0 {
		k.t.Fatalf("no record holds %q", text)
	}
	k.must(os.Truncate(path, int64(strings.LastIndex(content[:record], "\n")+1)))
}

// half is a rollout in whose middle the state is lost.
type half struct {
	drill
	at      moment
	settled bool // nothing of it shows any more, or nothing shows yet
}

// halves are some of them; the rest takes long.
func halves() []half {
	there := drill{kind: "deploy", misbehave: "slow-start=700ms"}
	back := drill{kind: "deploy", misbehave: "worker:crash"}
	const ms = time.Millisecond
	return []half{
		{there, moment{"begun", "replace", "web", 150 * ms}, false},
		{there, moment{"begun", "verify", "", 0}, false},
		{there, moment{"done", "promote", "web", 0}, false},
		{back, moment{"begun", "restore", "web", 100 * ms}, false},
	}
}

// The state directory is deleted in the middle of a rollout: whatever that has come to, no second container is started,
// the app is locked, and somebody is told what was found. After the unlock the next deploy goes through.
func TestLostInTheMiddle(t *testing.T) {
	k := settled(t, newScore(t), rig.Options{})
	for _, h := range halves() {
		t.Run(h.at.String(), func(t *testing.T) { k.here(t).lostIn(h) })
	}
}

// lostIn loses the state in the middle of a rollout, and goes on as a person would.
func (k *killing) lostIn(h half) {
	k.t.Helper()
	k.cutShort(h, func() { k.must(os.RemoveAll(k.State())) })
	if h.settled || k.showsNothing() {
		k.told(0, []string{"status", rig.App}, "adopted")
		k.carried(drill{kind: "rotate", outcome: "succeeded"})
		return
	}
	k.lockedAsLost()
	k.told(0, []string{"status", rig.App}, "lost", "next: see that one container of each service runs")
	k.takenOver()
}

// showsNothing tells whether the host shows nothing of a rollout that was cut short: on a slow machine it may not have come
// to anything by then, or to its end.
func (k *killing) showsNothing() bool {
	k.t.Helper()
	all, err := k.Containers(k.t.Context())
	k.must(err)
	for _, c := range all {
		if c.State.Status != "running" || strings.Contains(c.Name, ".new-") || c.Config.Labels["fairlead.rollout"] != all[0].Config.Labels["fairlead.rollout"] {
			return false
		}
	}
	return len(all) == len(k.Services)
}

// cutShort begins a rollout, kills the daemon at a moment, has something done to its state and starts the next one. What
// is on the host stays exactly as the daemon has left it.
func (k *killing) cutShort(h half, lose func()) {
	k.t.Helper()
	args := k.prepared(h.drill)
	k.sound()
	journal, err := k.Tail()
	k.must(err)
	told := k.begun(k.t.Context(), args)
	k.must((&follower{journal: journal}).until(k.t.Context(), h.at.is))
	k.must(elapsed(k.t.Context(), h.at.after))
	k.must(k.Kill())
	lose()
	var found []rig.Container
	k.eventually("the Engine is through with what it was told", func() (err error) {
		last := found
		if found, err = k.Containers(k.t.Context()); err == nil && !slices.EqualFunc(last, found, alike) {
			err = errStillThere
		}
		return err
	})
	k.must(k.Start(k.t.Context()))
	<-told
	now, err := k.Containers(k.t.Context())
	k.must(err)
	if !slices.EqualFunc(found, now, alike) {
		k.t.Errorf("the containers were touched: %+v, before %+v", now, found)
	}
	k.neverTwo()
}

// alike tells whether a container is as it was.
func alike(a, b rig.Container) bool {
	return a.ID == b.ID && a.Name == b.Name && a.State == b.State && a.HostConfig == b.HostConfig
}

// lockedAsLost expects that nothing can be rolled out, and that it is said why and what to do.
func (k *killing) lockedAsLost() {
	k.t.Helper()
	k.told(6, []string{"rotate", rig.App}, "journal", "nothing was touched", "fairlead unlock "+rig.App+" --reason")
}

// takenOver unlocks the app and deploys. Whatever the deploy leaves it has named, with what to do about it.
func (k *killing) takenOver() {
	k.t.Helper()
	k.told(0, []string{"unlock", rig.App, "--reason", "looked at"}, "is unlocked", "current from here on", "found: web: ")
	res := k.told(0, []string{"deploy", rig.App, "--image", k.tag("")})
	all, err := k.Containers(k.t.Context())
	k.must(err)
	for _, c := range all {
		if c.State.Status == "running" {
			continue
		}
		name := strings.TrimPrefix(c.Name, "/")
		k.says(res, "the stopped container "+name+" is left over", "docker rm "+name)
		k.removed(c.ID)
	}
	k.live(k.Services...)
	k.sound()
}

// A state that was restored with a rollout in its middle: that is not gone on with. Where a later release runs, or this
// one has come to its end since, nothing is touched.
func TestRestoredInTheMiddle(t *testing.T) {
	k := settled(t, newScore(t), rig.Options{})
	verify := half{drill{kind: "deploy", misbehave: "slow-start=700ms"}, moment{"begun", "verify", "", 0}, false}
	pull := half{drill{kind: "deploy"}, moment{"begun", "pull", "", 0}, false}
	for _, c := range []struct {
		name    string
		half    half
		another bool // release was deployed since
		lock    bool
	}{
		{"and a later release runs", verify, true, true},
		{"and it has ended since", verify, false, true},
		{"before anything was touched, and a later release runs", pull, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := k.here(t)
			var middle string
			k.cutAndEnded(c.half, func() { middle = k.copied() })
			if c.another {
				k.run(0, "deploy", rig.App, "--image", k.tag(""))
			}
			k.sound()
			before := k.live(k.Services...)
			k.must(k.Stop())
			k.restoredFrom(middle)
			k.must(k.Start(t.Context()))
			release := before["web"].Config.Labels["fairlead.release"]
			if c.lock {
				k.eventually("the rollout has ended", func() error {
					if res, err := k.Run(t.Context(), "status", rig.App); err != nil || !strings.Contains(res.Out, "halted") {
						return errStillThere
					}
					return nil
				})
				k.lockedAsLost()
				k.told(0, []string{"unlock", rig.App, "--reason", "looked at"}, "current from here on: release "+release)
			}
			k.told(0, []string{"status", rig.App}, release, "adopted")
			k.told(0, []string{"audit", "log"}, "rollout.abandoned", "the host has gone on without this journal")
			k.untouched(before)
			k.neverTwo()
			k.carried(drill{kind: "rotate", outcome: "succeeded"})
		})
	}
}

// cutAndEnded kills the daemon in the middle of a rollout, has its state looked at, and lets the next one end the rollout.
func (k *killing) cutAndEnded(h half, look func()) {
	k.t.Helper()
	h.outcome = "succeeded"
	k.meanwhile(h.drill, func(ctx context.Context, f *follower) {
		k.must(f.until(ctx, h.at.is))
		k.must(k.Kill())
		look()
		k.must(k.Start(ctx))
	})
}
