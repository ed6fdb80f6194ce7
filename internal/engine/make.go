package engine

import (
	"context"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"github.com/capakraken/fairlead/internal/failpoint"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// landing is how long the Engine may take to make a container after nobody waits for it any more.
const landing = 5 * time.Second

// create makes the rollout's container under its temporary name, or returns the one that an earlier call has made: a
// daemon that was killed meanwhile comes back before the Engine's list shows it. The Engine would miss a network at the
// start only, with the old container stopped, so they are looked for here.
func (e *Engine) create(ctx context.Context, r workload.Replacement, d definition) (container.InspectResponse, error) {
	name := workload.NewName(r.Unit.Service.FinalName(r.Key), r.Rollout)
	if r.OneOff {
		name = workload.PreStartName(r.Unit.Service.FinalName(r.Key), r.Rollout)
	}
	c, taken, err := e.byName(ctx, name)
	switch {
	case err != nil:
		return c, err
	case taken:
		return c, stranger(c, r)
	}
	missing, err := e.checkNetworks(ctx, r.Key, r.Unit.Service)
	if err == nil {
		err = fault.Many(fault.Refused, "container "+name+" was not created, and no other was touched", missing)
	}
	if err != nil {
		return c, err
	}
	id, err := e.make(ctx, d, name)
	switch {
	case errdefs.IsConflict(err):
		return e.landed(ctx, r, name, err)
	case err != nil:
		return c, e.failed(err, "create container %s", name)
	}
	return e.inspect(ctx, id)
}

// make has the Engine make a container. Once asked, the Engine makes it whether somebody waits or not, so a ctx that ends
// is not obeyed at once: whoever then takes back what was done could not see it yet.
func (e *Engine) make(ctx context.Context, d definition, name string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	patient, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(landing, cancel) })()
	failpoint.Hit(failpoint.ReplaceCreating)
	made, err := e.api.ContainerCreate(patient, d.config, d.host, d.first(), nil, name)
	failpoint.Hit(failpoint.ReplaceCreated)
	return made.ID, err
}

// landed waits for a container whose name the Engine holds already while nobody can look at it yet: it is still being
// made for a daemon that was killed. Should it not come, conflict is the fault.
func (e *Engine) landed(ctx context.Context, r workload.Replacement, name string, conflict error) (container.InspectResponse, error) {
	waiting, cancel := context.WithTimeout(ctx, landing)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if c, taken, err := e.byName(waiting, name); err == nil && taken {
			return c, stranger(c, r)
		}
		select {
		case <-waiting.Done():
			return container.InspectResponse{}, e.failed(conflict, "create container %s", name)
		case <-tick.C:
		}
	}
}

// stranger returns a fault unless c, which has the temporary name of the rollout's container, is that container.
func stranger(c container.InspectResponse, r workload.Replacement) error {
	labels := c.Config.Labels
	who, labelled := owner(labels)
	if labelled && who == r.Key && labels[LabelRollout] == r.Rollout &&
		(labels[LabelService] == r.Unit.Service.Name || r.OneOff && labels[LabelRole] == workload.PreStart) {
		return nil
	}
	return fault.New(fault.Conflict, "a container called %s exists that this rollout did not make; no container was touched; remove it, then roll out again", nameOf(c))
}
