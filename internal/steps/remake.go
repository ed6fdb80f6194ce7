package steps

import (
	"context"
	"slices"

	"github.com/capakraken/fairlead/internal/failpoint"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/workload"
)

// isGone tells whether the old container itself is gone, and not something else that it needs.
func (j job) isGone(ctx context.Context, b rollout.Baseline) bool {
	if b.Container == nil {
		return false
	}
	_, err := j.Containers.Inspect(ctx, b.Container.ID)
	return fault.KindOf(err) == fault.NotFound
}

// remake makes an old container again that somebody removed while it was kept, from its image and its journalled
// definition, and returns its id. Of its environment only the fingerprint is known, so today's is used only if it is
// the same. It is labelled as what it replaces, so that a second call finds it.
func (j job) remake(ctx context.Context, b rollout.Baseline) (string, error) {
	old, previous := b.Container, j.state.Request.Previous
	lost := func(why string) error {
		return fault.New(fault.Halted, "service %s: the old container %s was removed by somebody, and cannot be made again: %s; nothing of this service runs; deploy a release by hand",
			b.Service, old.Name, why)
	}
	switch {
	case !old.Live():
		return "", lost("it did not run before")
	case !old.Ours || previous == nil || previous.Release.ID != old.Release:
		return "", lost("the journal does not know how it was made")
	}
	i := slices.IndexFunc(previous.Services, func(s workload.Service) bool { return s.Name == b.Service })
	if i < 0 {
		return "", lost("the journal does not know its definition")
	}
	p, _ := j.provision(ctx, j.app) // what is wrong with it shows in the fingerprint
	unit, err := unitOf(p.units, b.Service)
	if j.rekeyed() {
		return "", lost("the host's key for fingerprints was lost or replaced, so its environment cannot be compared with today's")
	}
	if err != nil || p.env != old.Env {
		return "", lost("its environment is not today's")
	}
	unit.Service = previous.Services[i]
	made, err := j.Runtime.Replace(ctx, workload.Replacement{Key: j.key, Rollout: old.Rollout, Release: previous.Release, Unit: unit, For: j.state.Request.ID})
	if err != nil {
		return "", err
	}
	failpoint.Hit(failpoint.RemakeStarted)
	return made.NewID, j.Runtime.Promote(ctx, j.key, old.Rollout, unit.Service)
}
