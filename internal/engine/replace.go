package engine

import (
	"context"

	"github.com/docker/docker/api/types/container"

	"github.com/capakraken/fairlead/internal/failpoint"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// Replace makes the rollout's container of one service, stops the old one, which is kept under another name, and starts
// the new one. It begins by looking, so after a death it is called again and goes on where it was. The new container
// is never started while the old one, or any other of the service, is live. One that was started before and has ended
// is left as it is.
func (e *Engine) Replace(ctx context.Context, r workload.Replacement) (workload.Replaced, error) {
	service, final := r.Unit.Service.Name, r.Unit.Service.FinalName(r.Key)
	out := workload.Replaced{Service: service}
	all, err := e.all(ctx, r.Key, r.Unit.Service)
	if err != nil {
		return out, err
	}
	if err := alone(r, all); err != nil {
		return out, err
	}
	fresh, err := e.prepared(ctx, r, all)
	if err != nil {
		return out, err
	}
	failpoint.Hit(failpoint.ReplacePrepared)
	out.NewID, out.NewName = fresh.ID, nameOf(fresh)
	if r.Old != nil && !begun(fresh) {
		if out.Differences, err = e.against(ctx, r, fresh); err != nil {
			return out, err
		}
	}
	if r.Old != nil {
		out.OldID, out.OldName = r.Old.ID, workload.OldName(final, r.Rollout)
		if err := e.setAside(ctx, r, out.OldName, begun(fresh)); err != nil {
			return out, err
		}
	}
	if begun(fresh) {
		return out, nil
	}
	return out, e.start(ctx, out)
}

// start starts the new container and says, should that fail, where the old one is.
func (e *Engine) start(ctx context.Context, r workload.Replaced) error {
	failpoint.Hit(failpoint.ReplaceStarting)
	err := e.api.ContainerStart(ctx, r.NewID, container.StartOptions{})
	failpoint.Hit(failpoint.ReplaceStarted)
	if r.OldID == "" {
		return e.failed(err, "start container %s", r.NewName)
	}
	return e.failed(err, "start container %s (the old one is stopped, and kept as %s)", r.NewName, r.OldName)
}

// prepared returns the rollout's container, made if it is not among all: on its networks, and with the environment that
// r asks for.
func (e *Engine) prepared(ctx context.Context, r workload.Replacement, all []container.InspectResponse) (container.InspectResponse, error) {
	service, err := e.carrying(ctx, r)
	if err != nil {
		return container.InspectResponse{}, err
	}
	r.Unit.Service = service
	d, err := define(r)
	if err != nil {
		return container.InspectResponse{}, err
	}
	fresh, ok := made(r.Rollout, all)
	if !ok {
		if err := e.fill(ctx, &d, r); err != nil {
			return fresh, err
		}
		if fresh, err = e.create(ctx, r, d); err != nil {
			return fresh, err
		}
	}
	if begun(fresh) {
		return fresh, nil
	}
	if err := e.connect(ctx, fresh, d); err != nil {
		return fresh, err
	}
	return fresh, e.sameEnv(fresh, r.Unit)
}

// connect joins c to those of its networks that it is not on yet.
func (e *Engine) connect(ctx context.Context, c container.InspectResponse, d definition) error {
	for _, n := range d.networks {
		if _, on := c.NetworkSettings.Networks[n.name]; on {
			continue
		}
		if err := e.api.NetworkConnect(ctx, n.name, c.ID, n.endpoint); err != nil {
			return e.failed(err, "connect container %s to network %s", nameOf(c), n.name)
		}
		failpoint.Hit(failpoint.ReplaceConnected)
	}
	return nil
}

// sameEnv returns a fault when the container was not created with the environment that u asks for: its source was
// edited between the creation and a restart of this daemon.
func (e *Engine) sameEnv(c container.InspectResponse, u workload.Unit) error {
	held := environment(c)
	var asked secret.Env
	for _, v := range u.Env {
		if in, ok := held.Lookup(v.Name); ok {
			asked = asked.With(in)
		}
	}
	if e.key.OfEnv(asked) != e.key.OfEnv(u.Env) {
		return fault.New(fault.Conflict, "container %s was created with another environment than the sources give now, so they were edited during the rollout; it was not started; roll out again", nameOf(c))
	}
	return nil
}

// setAside stops the old container and keeps it under name, with the restart policy no, so that no restart of the
// Engine brings it back beside the new one. Once the new one was started, an old one that is gone is no fault.
func (e *Engine) setAside(ctx context.Context, r workload.Replacement, name string, begun bool) error {
	old, err := e.inspect(ctx, r.Old.ID)
	if gone(err) {
		if begun {
			return nil
		}
		return fault.New(fault.NotFound, "the container %s, which service %s was to be replaced from, is gone; somebody removed it during the rollout, so nothing could be restored; the new one was not started", r.Old.Name, r.Unit.Service.Name)
	}
	if err != nil {
		return err
	}
	if err := touchable(r.Key, old); err != nil {
		return err
	}
	if err := e.rename(ctx, old, name); err != nil {
		return err
	}
	failpoint.Hit(failpoint.OldRenamed)
	if err := e.halt(ctx, old); err != nil {
		return err
	}
	failpoint.Hit(failpoint.OldStopped)
	// Only now: the Engine lets the runtime of a running container know of a policy, which takes its time. Whether it has
	// come back by its old policy is looked at last.
	if err := e.setPolicy(ctx, old, workload.RestartPolicy{Name: "no"}); err != nil {
		return err
	}
	failpoint.Hit(failpoint.OldDisarmed)
	return e.ended(ctx, old)
}

// begun reports whether c was ever started.
func begun(c container.InspectResponse) bool { return c.State.Status != container.StateCreated }
