package engine

import (
	"context"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"

	"github.com/capakraken/fairlead/internal/failpoint"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// Promote gives the rollout's container of the service its final name and its configured restart policy. The container
// must be running. It may be called again.
func (e *Engine) Promote(ctx context.Context, k workload.Key, rollout string, s workload.Service) error {
	c, ok, err := e.own(ctx, k, rollout, s.Name)
	if err != nil {
		return err
	}
	if !ok {
		return fault.New(fault.NotFound, "the new container of service %s is gone; somebody removed it after it was verified", s.Name)
	}
	if c.State.Status != container.StateRunning {
		return fault.New(fault.Conflict, "container %s is %s and was to be running; it keeps its temporary name and is not restarted", nameOf(c), c.State.Status)
	}
	failpoint.Hit(failpoint.PromoteBegun)
	if err := e.rename(ctx, c, s.FinalName(k)); err != nil {
		return err
	}
	failpoint.Hit(failpoint.PromoteRenamed)
	if err := e.setPolicy(ctx, c, s.Restart); err != nil {
		return err
	}
	failpoint.Hit(failpoint.PromoteArmed)
	return nil
}

// Retire removes the old container that a rollout kept, and none of its volumes. One that somebody started again is
// stopped first: two containers of one service must not go on. It refuses one that is the rollout's own, that lives under
// another name than it was kept under, or that Fairlead neither made nor set aside. One that is gone is no fault.
func (e *Engine) Retire(ctx context.Context, k workload.Key, rollout string, old workload.Container) error {
	c, err := e.inspect(ctx, old.ID)
	if gone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := touchable(k, c); err != nil {
		return err
	}
	_, ours := owner(c.Config.Labels)
	switch kept := strings.HasSuffix(nameOf(c), workload.OldName("", rollout)); {
	case ours && c.Config.Labels[LabelRollout] == rollout:
		return fault.New(fault.Internal, "container %s is the rollout's new one, so it is not removed", nameOf(c))
	case !ours && !kept:
		return fault.New(fault.Refused, "container %s was not made by Fairlead and was not set aside by this rollout, so it is not removed", nameOf(c))
	case live(c) && !kept:
		return fault.New(fault.Conflict, "container %s was to be removed and is %s; somebody started it again; it was not touched; stop and remove it by hand once you know why", nameOf(c), c.State.Status)
	}
	failpoint.Hit(failpoint.RetireBegun)
	if err := e.stop(ctx, c); err != nil {
		return err
	}
	failpoint.Hit(failpoint.RetireStopped)
	if err := e.remove(ctx, c); err != nil {
		return err
	}
	failpoint.Hit(failpoint.RetireRemoved)
	return nil
}

// own returns the rollout's container of the service, and whether there is one.
func (e *Engine) own(ctx context.Context, k workload.Key, rollout, service string) (container.InspectResponse, bool, error) {
	all, err := e.list(ctx, labelled(k, service))
	if err != nil {
		return container.InspectResponse{}, false, err
	}
	c, ok := made(rollout, all)
	return c, ok, nil
}

// made returns the one of all that the rollout made, and whether there is one.
func made(rollout string, all []container.InspectResponse) (container.InspectResponse, bool) {
	i := slices.IndexFunc(all, func(c container.InspectResponse) bool { return c.Config.Labels[LabelRollout] == rollout })
	if i < 0 {
		return container.InspectResponse{}, false
	}
	return all[i], true
}
