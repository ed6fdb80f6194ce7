package engine

import (
	"cmp"
	"slices"

	"github.com/docker/docker/api/types/container"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// A container is started only when no other of its service lives, and never for a rollout that a later one has followed:
// a journal that was lost in part, or restored from a copy, knows nothing of what came after.

// alone returns a fault when a container lives that is neither the old one nor the rollout's own, so that to start another
// beside it would make two, or when a later rollout has made one.
func alone(r workload.Replacement, all []container.InspectResponse) error {
	if r.Old != nil && r.Old.AutoRemove {
		return fault.New(fault.Refused, "container %s was started with --rm, so stopping it would delete it, and it could not be restored; nothing was changed; start it again without --rm", r.Old.Name)
	}
	for _, c := range all {
		by := c.Config.Labels[LabelRollout]
		switch mine, old := by == r.Rollout, r.Old != nil && c.ID == r.Old.ID; {
		case mine && old:
			return fault.New(fault.Internal, "container %s is this rollout's own and cannot be what it replaces", nameOf(c))
		case mine || old:
		case by > cmp.Or(r.For, r.Rollout):
			return overtaken(c)
		case live(c) && by == "":
			return fault.New(fault.Conflict, "container %s of service %s is running as well, and Fairlead did not make it ('docker compose up', perhaps); it was not touched, and no new container was started; stop it, then roll out again", nameOf(c), r.Unit.Service.Name)
		case live(c):
			return fault.New(fault.Conflict, "container %s of service %s is running as well, left by rollout %s; it was not touched, and no new container was started; stop it, then roll out again", nameOf(c), r.Unit.Service.Name, by)
		}
	}
	return nil
}

// unhindered returns a fault when old cannot be put back, since another container lives than it and the rollout's own, or
// since a later rollout has made one. An old container that is gone may have been made again for the rollout that made it.
func unhindered(rollout, service string, old *workload.Container, all []container.InspectResponse) error {
	there := func(id string) bool {
		return slices.ContainsFunc(all, func(c container.InspectResponse) bool { return c.ID == id })
	}
	for _, c := range all {
		by := c.Config.Labels[LabelRollout]
		switch {
		case by == rollout, old != nil && (c.ID == old.ID || by == old.Rollout && !there(old.ID)):
		case by > rollout:
			return overtaken(c)
		case live(c) && by == "":
			return fault.New(fault.Conflict, "container %s of service %s is running as well, and Fairlead did not make it ('docker compose up', perhaps); nothing was touched, and no other was started; stop it, or stop this rollout's", nameOf(c), service)
		case live(c):
			return fault.New(fault.Conflict, "container %s of service %s is running as well, made by rollout %s; nothing was touched, and no other was started; find out which one is right, and stop this one if it is not", nameOf(c), service, by)
		}
	}
	return nil
}

// overtaken says that a later rollout has made c.
func overtaken(c container.InspectResponse) error {
	return fault.New(fault.Conflict, "container %s was made by rollout %s, which came later than this one: the journal must have been lost in part, or restored from a copy; nothing was touched",
		nameOf(c), c.Config.Labels[LabelRollout])
}
