//go:build e2e

package e2e

import (
	"cmp"
	"slices"
	"time"
)

// begun returns the moments at which actions begin.
func begun(actions []moment) []moment {
	all := slices.Clone(actions)
	for i := range all {
		all[i].record = "begun"
	}
	return all
}

// over returns the moments at which actions have ended.
func over(actions []moment) []moment {
	all := slices.Clone(actions)
	for i, a := range all {
		all[i].record = cmp.Or(a.record, "done")
	}
	return all
}

// in returns moments in the middle of an action.
func in(verb, service string, after ...time.Duration) []moment {
	var all []moment
	for _, d := range after {
		all = append(all, moment{"begun", verb, service, d})
	}
	return all
}

// on is an action for one service, or for all where none is named.
func on(verb, service string) moment { return moment{verb: verb, service: service} }

// path is a drill, and all that its rollout does.
type path struct {
	drill
	actions []moment // those that are to fail have the record failed
	middles []moment // of what takes long
}

// paths returns one for every kind of rollout, there and back.
func paths() map[string]path {
	const ms = time.Millisecond
	failing := moment{"failed", "verify", "", 0}
	return map[string]path{
		"deploy": {
			drill{kind: "deploy", outcome: "succeeded"},
			[]moment{on("validate", ""), on("pull", ""), on("replace", "web"), on("replace", "worker"), on("verify", ""),
				on("promote", "web"), on("promote", "worker"), on("retire", "web"), on("retire", "worker"), on("clear", "")},
			slices.Concat(in("pull", "", 20*ms), in("replace", "web", 40*ms, 150*ms, 300*ms), in("verify", "", 50*ms), in("clear", "", 10*ms, 25*ms)),
		},
		"deploy of a broken image": {
			drill{kind: "deploy", misbehave: "worker:crash", outcome: "rolled_back"},
			[]moment{on("validate", ""), on("pull", ""), on("replace", "web"), on("replace", "worker"), failing,
				on("restore", "worker"), on("restore", "web"), on("hold", "")},
			slices.Concat(in("replace", "worker", 100*ms), in("restore", "web", 100*ms, 300*ms), in("hold", "", 30*ms)),
		},
		"rotate": {
			drill{kind: "rotate", outcome: "succeeded"},
			[]moment{on("validate", ""), on("replace", "web"), on("replace", "worker"), on("verify", ""),
				on("promote", "web"), on("promote", "worker"), on("retire", "web"), on("retire", "worker")},
			in("replace", "worker", 40*ms, 200*ms),
		},
		"cleanup": {
			drill{kind: "cleanup", outcome: "succeeded"},
			[]moment{on("validate", ""), on("verify", ""), on("clear", "")},
			in("clear", "", 10*ms, 25*ms),
		},
	}
}
