//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/internal/failpoint"
)

// The rollouts in which the daemon comes by its points.
var (
	goodDeploy = drill{kind: "deploy", outcome: "succeeded"}
	badDeploy  = drill{kind: "deploy", misbehave: "worker:crash", outcome: "rolled_back"}
	slowDeploy = drill{kind: "deploy", misbehave: "slow-start=1200ms", outcome: "succeeded"}
	slowCancel = drill{kind: "deploy", misbehave: "slow-start=1200ms", outcome: "rolled_back"}
	lostDeploy = drill{kind: "deploy"}
)

// apart are the points that the daemon comes by on a stage of their own.
var apart = []failpoint.Point{failpoint.ReplaceConnected, failpoint.KeyWritten, failpoint.SegmentCreated, failpoint.SegmentNamed,
	failpoint.AdoptNoted, failpoint.LossNoted, failpoint.AbandonNoted, failpoint.KeepUnnamed, failpoint.KeepRemoved,
	failpoint.OneOffMade, failpoint.OneOffStarting, failpoint.OneOffStarted, failpoint.OneOffStopped, failpoint.OneOffRemoved}

// strikes returns one for every other point.
func strikes() []strike {
	const ms = time.Millisecond
	inReplace := moment{"begun", "replace", "web", 100 * ms}
	inVerify := moment{"begun", "verify", "", 0}
	plays := map[failpoint.Point]func(*killing, strike){}
	for _, p := range failpoint.Points() {
		plays[p] = rolling(goodDeploy)
	}
	in := func(play func(*killing, strike), points ...failpoint.Point) {
		for _, p := range points {
			plays[p] = play
		}
	}
	in(waking(goodDeploy, inReplace, nil), failpoint.StateHeld, failpoint.JournalOpened, failpoint.StateFolded, failpoint.SocketBound,
		failpoint.StartNoted, failpoint.HostSeen, failpoint.ResumeNoted, failpoint.DaemonReady, failpoint.TailSettled)
	in(waking(goodDeploy, inReplace, (*killing).torn), failpoint.TearCut)
	in(leaving(slowDeploy, inVerify), failpoint.StopAsked, failpoint.SuspendNoted, failpoint.StopWaited, failpoint.StopNoted,
		failpoint.DaemonStopped, failpoint.SnapshotWritten, failpoint.SnapshotRenamed, failpoint.SnapshotSaved)
	in(rolling(badDeploy), failpoint.WordsKept, failpoint.RestoreBegun, failpoint.RestoreStopped, failpoint.RestoreRemoved,
		failpoint.RestoreRenamed, failpoint.RestoreArmed, failpoint.RestoreStarted, failpoint.RestoreLooked, failpoint.HoldHeld)
	in(rolling(lostDeploy), failpoint.RequestAdmitted, failpoint.RoomReserved)
	in(asking(slowDeploy, inVerify, "cancel", "%s"), failpoint.CancelAdmitted)
	in(asking(slowCancel, inVerify, "cancel", "%s"), failpoint.CancelNoted)
	in((*killing).unlocked, failpoint.LockAdmitted)
	in((*killing).locked, failpoint.LockNoted)
	in(rolling(onPaused(goodDeploy)), failpoint.OldWoken)
	in(rolling(onPaused(badDeploy)), failpoint.RestorePaused)
	in(waking(remade(), moment{"begun", "restore", "worker", 0}, (*killing).loseOld), failpoint.RemakeStarted)
	for _, p := range apart {
		delete(plays, p)
	}
	// A daemon that starts writes a record or two of its own.
	nth := map[failpoint.Point]int{failpoint.AppendBegun: 4, failpoint.Written: 6, failpoint.AppendSynced: 4}
	var all []strike
	for _, p := range failpoint.Points() {
		if play, ok := plays[p]; ok {
			all = append(all, strike{p, nth[p], play})
		}
	}
	return all
}

// torn leaves the beginning of a record at the journal's end, as a power cut does.
func (k *killing) torn() {
	k.t.Helper()
	segments, err := filepath.Glob(filepath.Join(k.State(), "journal", "*.jsonl"))
	k.must(err)
	f, err := os.OpenFile(segments[len(segments)-1], os.O_WRONLY|os.O_APPEND, 0)
	k.must(err)
	_, err = f.WriteString(`{"v":1,"seq":`)
	k.must(err)
	k.must(f.Close())
}

// unlocked has the daemon die before a lock is recorded, and then before an unlock is: nothing has happened.
func (k *killing) unlocked(s strike) {
	k.t.Helper()
	k.rearmed(s)
	k.run(8, "lock", rig.App, "--reason", "freeze")
	k.again(s)
	k.run(0, "lock", rig.App, "--reason", "freeze")
	k.rearmed(s)
	k.run(8, "unlock", rig.App, "--reason", "over")
	k.again(s)
	k.run(6, "rotate", rig.App)
	k.run(0, "unlock", rig.App, "--reason", "over")
	k.carried(goodDeploy)
}

// locked has the daemon die when a lock is recorded, and then when an unlock is: they hold, though nobody was told.
func (k *killing) locked(s strike) {
	k.t.Helper()
	k.rearmed(s)
	k.run(8, "lock", rig.App, "--reason", "freeze")
	k.again(s)
	k.says(k.run(6, "rotate", rig.App), "freeze")
	k.rearmed(s)
	k.run(8, "unlock", rig.App, "--reason", "over")
	k.again(s)
	k.carried(goodDeploy)
}

// onPaused returns a drill that finds its containers paused, and puts them back so.
func onPaused(d drill) drill {
	all := func(k *killing, what string) {
		for _, c := range k.live(k.Services...) {
			k.must(k.World.Engine.Call(k.t.Context(), "POST", "/containers/"+c.ID+"/"+what, nil, nil, nil))
		}
	}
	d.staged = func(k *killing) { all(k, "pause") }
	if d.outcome != "rolled_back" {
		return d
	}
	d.judge = func(k *killing, before map[string]rig.Container, ended rig.Record) {
		for _, c := range before {
			var now rig.Container
			k.must(k.World.Engine.Call(k.t.Context(), "GET", "/containers/"+c.ID+"/json", nil, nil, &now))
			if now.State.Status != "paused" || now.Name != c.Name || now.HostConfig != c.HostConfig {
				k.t.Errorf("%s is not what it was: %+v", c.Name, now)
			}
			k.must(k.World.Engine.Call(k.t.Context(), "POST", "/containers/"+c.ID+"/unpause", nil, nil, nil))
		}
		k.live(k.Services...)
		k.stored(k.residue())
	}
	return d
}

// remade is a drill in which the old container of web is lost while it is kept, and made again.
func remade() drill {
	d := badDeploy
	d.judge = func(k *killing, before map[string]rig.Container, _ rig.Record) {
		for service, now := range k.live(k.Services...) {
			was := before[service]
			if now.Config.Image != was.Config.Image || now.Config.Labels["fairlead.release"] != was.Config.Labels["fairlead.release"] || now.HostConfig != was.HostConfig {
				k.t.Errorf("%s is not what it was: %+v, before %+v", service, now, was)
			}
		}
		k.stored(k.residue())
	}
	return d
}

// loseOld removes the old container of web that the rollout keeps.
func (k *killing) loseOld() {
	k.t.Helper()
	all, err := k.Containers(k.t.Context())
	k.must(err)
	lost := 0
	for _, c := range all {
		if c.Config.Labels["fairlead.service"] == "web" && c.State.Status == "exited" {
			k.removed(c.ID)
			lost++
		}
	}
	if lost != 1 {
		k.t.Fatalf("%d old containers of web were lost, want one", lost)
	}
}
