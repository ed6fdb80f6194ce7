package engine

import (
	"context"

	"github.com/docker/docker/api/types/container"

	"github.com/capakraken/fairlead/internal/failpoint"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// Restore stops and removes the rollout's container of the service, and none of its volumes, and then puts old back as
// the baseline found it: its name, its restart policy, and running, paused or stopped. A nil old means that nothing was
// there before. An old container that is gone is a NotFound fault; the rollout's own is removed all the same. Beside a live
// container that is neither, nothing is done. It may be called again, also when Replace never came to anything.
func (e *Engine) Restore(ctx context.Context, k workload.Key, rollout string, service string, old *workload.Container) error {
	all, err := e.list(ctx, labelled(k, service))
	if err != nil {
		return err
	}
	theirs, err := e.takenOver(ctx, rollout, service, all)
	if err != nil {
		return err
	}
	if err := unhindered(rollout, service, old, append(theirs, all...)); err != nil {
		return err
	}
	if err := e.discard(ctx, rollout, all); err != nil {
		return err
	}
	if old == nil {
		return nil
	}
	c, err := e.inspect(ctx, old.ID)
	if gone(err) {
		return fault.New(fault.NotFound, "the old container %s of service %s is gone, so it cannot be started again; nothing of the service runs", old.Name, service)
	}
	if err != nil {
		return err
	}
	if err := touchable(k, c); err != nil {
		return err
	}
	if err := e.rename(ctx, c, old.Name); err != nil {
		return err
	}
	failpoint.Hit(failpoint.RestoreRenamed)
	c.Name = "/" + old.Name // what is said of it from here on
	if err := e.setPolicy(ctx, c, old.RestartPolicy); err != nil {
		return err
	}
	failpoint.Hit(failpoint.RestoreArmed)
	return e.revive(ctx, c, old.Status)
}

// discard removes the rollout's container, if there is one among all.
func (e *Engine) discard(ctx context.Context, rollout string, all []container.InspectResponse) error {
	c, ok := made(rollout, all)
	if !ok {
		return nil
	}
	failpoint.Hit(failpoint.RestoreBegun)
	if err := e.stop(ctx, c); err != nil {
		return err
	}
	failpoint.Hit(failpoint.RestoreStopped)
	if err := e.remove(ctx, c); err != nil {
		return err
	}
	failpoint.Hit(failpoint.RestoreRemoved)
	return nil
}

// revive starts c if it was live, and pauses it if it was paused. One that was stopped is left as it is.
func (e *Engine) revive(ctx context.Context, c container.InspectResponse, was workload.Status) error {
	if !(workload.Container{Status: was}).Live() {
		return nil
	}
	if !live(c) {
		if err := e.api.ContainerStart(ctx, c.ID, container.StartOptions{}); err != nil {
			return e.failed(err, "start the old container %s again", nameOf(c))
		}
		failpoint.Hit(failpoint.RestoreStarted)
	}
	if was != workload.Paused || c.State.Paused {
		return nil
	}
	if err := e.api.ContainerPause(ctx, c.ID); err != nil {
		return e.failed(err, "pause the old container %s again, as it was before", nameOf(c))
	}
	failpoint.Hit(failpoint.RestorePaused)
	return nil
}
