//go:build e2e

package e2e

import (
	"maps"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
)

// absent stands for the behaviour of an image that is not in the registry.
const absent = "absent"

// secretless is a deploy that finds a required secret missing.
func secretless() drill {
	d := drill{kind: "deploy", outcome: "refused"}
	d.staged = func(k *killing) {
		env := maps.Clone(k.env)
		delete(env, "SMTP_PASSWORD")
		k.must(k.WriteEnv(env))
	}
	d.judge = func(k *killing, before map[string]rig.Container, _ rig.Record) {
		k.must(k.WriteEnv(k.env))
		k.untouched(before)
		k.stored(k.residue())
	}
	return d
}

// hopeless is a deploy that fails, and whose old container of web is lost together with the environment that it had: it
// cannot be put back, and a person is needed. That person deploys another release.
func hopeless() drill {
	d := drill{kind: "deploy", misbehave: "worker:crash", outcome: "halted", kills: []moment{{record: "begun", verb: "restore", service: "worker"}}}
	d.judge = func(k *killing, before map[string]rig.Container, _ rig.Record) {
		if now := k.live("worker")["worker"]; now.ID != before["worker"].ID {
			k.t.Errorf("worker is not what it was: %+v", now)
		}
		k.stored(k.residue())
		k.run(6, "rotate", rig.App)
		k.run(0, "unlock", rig.App, "--reason", "another release comes")
		k.run(0, "deploy", rig.App, "--image", k.tag(""))
		k.live(k.Services...)
	}
	return d
}

// loseHope takes away what a revert needs.
func (k *killing) loseHope() {
	k.t.Helper()
	k.loseOld()
	env := maps.Clone(k.env)
	env["EXTRA"] = "made since, at " + time.Now().Format(time.RFC3339Nano) // or a second loss would change nothing
	k.must(k.WriteEnv(env))
}
