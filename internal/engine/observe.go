package engine

import (
	"cmp"
	"context"
	"slices"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"

	"github.com/capakraken/fairlead/internal/workload"
)

// Observe returns every container that carries the app's labels, in any state, of any rollout and of any service,
// sorted by service and age. It also returns those that are to be taken over, and whose Ours is false: for a service with a
// container_name that none of ours holds, the container of exactly that name, and for one of a Compose project, what
// Compose has made for it. A container of that name that carries another app's labels is a Refused fault.
func (e *Engine) Observe(ctx context.Context, k workload.Key, services []workload.Service) ([]workload.Container, error) {
	all, err := e.list(ctx, labelled(k, ""))
	if err != nil {
		return nil, err
	}
	var out []workload.Container
	for _, c := range all {
		found, err := e.identified(ctx, c)
		if err != nil {
			return nil, err
		}
		out = append(out, found)
	}
	for _, s := range services {
		adopted, err := e.adoptable(ctx, k, s)
		if err != nil {
			return nil, err
		}
		out = append(out, adopted...)
	}
	slices.SortFunc(out, func(a, b workload.Container) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Name, b.Name))
	})
	return out, nil
}

// list returns the containers that f selects, in any state, each looked at by itself: the Engine's list lags behind.
func (e *Engine) list(ctx context.Context, f filters.Args) ([]container.InspectResponse, error) {
	return e.listed(ctx, container.ListOptions{All: true, Filters: f})
}

func (e *Engine) listed(ctx context.Context, o container.ListOptions) ([]container.InspectResponse, error) {
	rows, err := e.api.ContainerList(ctx, o)
	if err != nil {
		return nil, e.failed(err, "list containers")
	}
	out := make([]container.InspectResponse, 0, len(rows))
	for _, row := range rows {
		c, err := e.inspect(ctx, row.ID)
		if gone(err) {
			continue // removed since the list was made
		}
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// byName returns the container of exactly this name, and whether there is one.
func (e *Engine) byName(ctx context.Context, name string) (container.InspectResponse, bool, error) {
	c, err := e.inspect(ctx, name)
	if gone(err) {
		return c, false, nil
	}
	if err != nil {
		return c, false, err
	}
	// The Engine also takes the beginning of an id for a name.
	return c, nameOf(c) == name, nil
}

// inWords returns an app for people.
func inWords(k workload.Key) string {
	return "app " + k.App + " in " + k.Environment + " of the daemon " + k.Instance
}
