package engine

import (
	"context"

	"github.com/docker/docker/api/types/container"

	"github.com/capakraken/fairlead/internal/failpoint"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// The small moves that a rollout is made of. Each leaves alone what is already as it shall be.

// rename calls c name. A call that a dead daemon left behind may do it at the same moment; the Engine then refuses ours,
// since the name is c's already.
func (e *Engine) rename(ctx context.Context, c container.InspectResponse, name string) error {
	if nameOf(c) == name {
		return nil
	}
	err := e.api.ContainerRename(ctx, c.ID, name)
	if err == nil {
		return nil
	}
	if now, look := e.inspect(ctx, c.ID); look == nil && nameOf(now) == name {
		return nil
	}
	return e.failed(err, "rename container %s to %s", nameOf(c), name)
}

// setPolicy gives c the restart policy p.
func (e *Engine) setPolicy(ctx context.Context, c container.InspectResponse, p workload.RestartPolicy) error {
	p = normal(p)
	if policyOf(c.HostConfig) == p {
		return nil
	}
	policy := container.RestartPolicy{Name: container.RestartPolicyMode(p.Name), MaximumRetryCount: p.MaxRetries}
	if _, err := e.api.ContainerUpdate(ctx, c.ID, container.UpdateConfig{RestartPolicy: policy}); err != nil {
		return e.failed(err, "set the restart policy of container %s to %s", nameOf(c), p.Name)
	}
	return nil
}

// stop ends c within its own grace period and makes sure that it has ended.
func (e *Engine) stop(ctx context.Context, c container.InspectResponse) error {
	if !live(c) {
		return nil
	}
	if err := e.halt(ctx, c); err != nil {
		return err
	}
	return e.ended(ctx, c)
}

// halt asks the Engine to end c within its own grace period. A paused one is woken first: it could not hear the signal.
func (e *Engine) halt(ctx context.Context, c container.InspectResponse) error {
	if !live(c) {
		return nil
	}
	if c.State.Paused {
		if err := e.api.ContainerUnpause(ctx, c.ID); err != nil {
			return e.failed(err, "unpause container %s to stop it", nameOf(c))
		}
		failpoint.Hit(failpoint.OldWoken)
	}
	if err := e.api.ContainerStop(ctx, c.ID, container.StopOptions{}); err != nil {
		return e.failed(err, "stop container %s", nameOf(c))
	}
	return nil
}

// ended returns a fault unless c has ended by now.
func (e *Engine) ended(ctx context.Context, c container.InspectResponse) error {
	now, err := e.inspect(ctx, c.ID)
	if err != nil {
		return err
	}
	if live(now) {
		return fault.New(fault.Unavailable, "stop container %s: the Docker Engine says that it is done, and the container is %s; no other was started", nameOf(c), now.State.Status)
	}
	return nil
}

// remove deletes the stopped container c and none of its volumes. One that is gone, or on its way, is waited for.
func (e *Engine) remove(ctx context.Context, c container.InspectResponse) error {
	err := e.api.ContainerRemove(ctx, c.ID, container.RemoveOptions{})
	if err == nil || gone(err) {
		return nil
	}
	if now, look := e.inspect(ctx, c.ID); gone(look) {
		return nil
	} else if look == nil && now.State.Status == container.StateRemoving {
		return e.removed(ctx, c)
	}
	return e.failed(err, "remove container %s", nameOf(c))
}

// removed waits until somebody else's removal of c is done.
func (e *Engine) removed(ctx context.Context, c container.InspectResponse) error {
	done, failed := e.api.ContainerWait(ctx, c.ID, container.WaitConditionRemoved)
	select {
	case <-done:
		return nil
	case err := <-failed:
		if gone(err) {
			return nil
		}
		return e.failed(err, "wait for the removal of container %s", nameOf(c))
	}
}

// live reports whether c runs, or may be started by the Engine at any moment.
func live(c container.InspectResponse) bool {
	return workload.Container{Status: workload.Status(c.State.Status)}.Live()
}

// touchable returns a fault when c carries the labels of another app, or of another daemon's.
func touchable(k workload.Key, c container.InspectResponse) error {
	if who, labelled := owner(c.Config.Labels); labelled && who != k {
		return fault.New(fault.Refused, "container %s belongs to %s, so it is not touched", nameOf(c), inWords(who))
	}
	return nil
}
