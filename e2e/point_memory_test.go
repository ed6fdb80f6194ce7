//go:build e2e && full

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/capakraken/fairlead/e2e/rig"
)

// adopting has the daemon die when it has taken over what runs, with a journal that was lost in between.
func adopting(k *killing, s strike) {
	k.t.Helper()
	before := k.live(k.Services...)
	k.sound() // as long as there is a journal to tell
	k.must(k.Stop())
	k.must(os.RemoveAll(k.records()))
	k.arm(s)
	k.must(k.Launch())
	k.dies(k.t.Context())
	k.again(s)
	k.run(0, "status")
	k.untouched(before)
	k.sound()
	k.carried(goodDeploy)
}

// losing has the daemon die when it has asked for a person, since the journal was lost in the middle of a rollout.
func losing(k *killing, s strike) {
	k.t.Helper()
	k.inMiddle(func() {
		k.must(os.RemoveAll(k.records()))
		k.arm(s)
		k.must(k.Launch())
		k.dies(k.t.Context())
		k.again(s)
	})
	k.healed()
}

// abandoning has the daemon die when it has given up a rollout that the host has left behind: the journal is a copy from
// the rollout's middle.
func abandoning(k *killing, s strike) {
	k.t.Helper()
	copied := filepath.Join(k.Dir, "copied")
	k.inMiddle(func() {
		k.must(os.CopyFS(copied, os.DirFS(k.records())))
		k.must(k.Start(k.t.Context()))
	})
	k.run(0, "deploy", rig.App, "--image", k.tag(""))
	k.sound() // as long as the journal tells
	k.must(k.Stop())
	k.must(os.RemoveAll(k.records()))
	k.must(os.Rename(copied, k.records()))
	k.arm(s)
	k.must(k.Launch())
	k.dies(k.t.Context())
	k.again(s)
	k.healed()
}

// records returns the directory of the journal.
func (k *killing) records() string { return filepath.Join(k.State(), "journal") }

// inMiddle begins a rollout, kills the daemon when the new containers run and nothing is proved, and has something done
// that starts the next one. It returns when the command has ended.
func (k *killing) inMiddle(do func()) {
	k.t.Helper()
	journal, err := k.Tail()
	k.must(err)
	told := k.begun(k.t.Context(), k.prepared(slowDeploy))
	k.must((&follower{journal: journal}).until(k.t.Context(), moment{record: "begun", verb: "verify"}.is))
	k.must(k.Kill())
	do()
	<-told
}

// healed expects an app that waits for a person, and does as that person would.
func (k *killing) healed() {
	k.t.Helper()
	k.eventually("the app is locked", func() error {
		res, err := k.Run(context.Background(), "rotate", rig.App)
		if err == nil && res.Code != 6 {
			err = fmt.Errorf("not locked: %s", res)
		}
		return err
	})
	k.neverTwo()
	all, err := k.Containers(k.t.Context())
	k.must(err)
	for _, c := range all {
		if c.State.Status != "running" {
			k.removed(c.ID)
		}
	}
	k.run(0, "unlock", rig.App, "--reason", "what runs is right")
	k.run(0, "deploy", rig.App, "--image", k.tag(""))
	k.live(k.Services...)
	k.sound()
}
