package engine

import (
	"context"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"

	"github.com/capakraken/fairlead/internal/failpoint"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// Prepare makes the rollout's one-off container, on its networks, and does not start it. It returns the one that an
// earlier call has made. One that was started is a Conflict: nothing is made in its place.
func (e *Engine) Prepare(ctx context.Context, r workload.Replacement) (string, error) {
	all, err := e.list(ctx, oneOff(r.Key))
	if err != nil {
		return "", err
	}
	for _, c := range all {
		if c.Config.Labels[LabelRollout] != r.Rollout && live(c) {
			return "", fault.New(fault.Conflict, "container %s runs the pre_start of another rollout; nothing was changed; wait for its end or stop it, then roll out again", nameOf(c))
		}
	}
	d, err := define(r)
	if err != nil {
		return "", err
	}
	c, there := made(r.Rollout, all)
	if !there {
		if c, err = e.create(ctx, r, d); err != nil {
			return "", err
		}
	}
	if begun(c) {
		return "", fault.New(fault.Conflict, "container %s was started already, and not by what is recorded; it is not started again", nameOf(c))
	}
	if err := e.connect(ctx, c, d); err != nil {
		return "", err
	}
	failpoint.Hit(failpoint.OneOffMade)
	return c.ID, e.sameEnv(c, r.Unit)
}

// Launch starts the one-off container, once: one that was started before is left as it is.
func (e *Engine) Launch(ctx context.Context, k workload.Key, id string) error {
	c, err := e.inspect(ctx, id)
	if err != nil {
		return err
	}
	if who, _ := owner(c.Config.Labels); who != k || c.Config.Labels[LabelRole] != workload.PreStart {
		return fault.New(fault.Internal, "container %s is no one-off container of this app", nameOf(c))
	}
	if begun(c) {
		return nil
	}
	failpoint.Hit(failpoint.OneOffStarting)
	err = e.api.ContainerStart(ctx, id, container.StartOptions{})
	failpoint.Hit(failpoint.OneOffStarted)
	return e.failed(err, "start container %s", nameOf(c))
}

// Discard stops the rollout's one-off container, if it still runs, and removes it, and none of its volumes. None is no
// fault.
func (e *Engine) Discard(ctx context.Context, k workload.Key, rollout string) error {
	all, err := e.list(ctx, oneOff(k))
	if err != nil {
		return err
	}
	c, there := made(rollout, all)
	if !there {
		return nil
	}
	if err := e.stop(ctx, c); err != nil {
		return err
	}
	failpoint.Hit(failpoint.OneOffStopped)
	err = e.remove(ctx, c)
	failpoint.Hit(failpoint.OneOffRemoved)
	return err
}

// oneOff returns the filter for the app's one-off containers.
func oneOff(k workload.Key) filters.Args {
	f := labelled(k, "")
	f.Add("label", LabelRole+"="+workload.PreStart)
	return f
}
