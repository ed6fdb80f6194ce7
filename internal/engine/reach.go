package engine

import (
	"context"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// Reach asks the registry for one manifest of the image's repository, with the configured login. It fetches nothing. That
// there is no image of this tag is an answer as well: a NotFound fault.
func (e *Engine) Reach(ctx context.Context, img workload.Image) error {
	auth, err := e.credentials(img.Repository)
	if err != nil {
		return err
	}
	img.Digest = "" // the tag has to be looked up, and so the registry asked
	if _, err := e.api.DistributionInspect(ctx, img.Ref(), auth.Reveal()); err != nil {
		failure := e.registryFailed(err, "ask the registry for", img)
		if strings.Contains(fault.Text(failure), "(404)") {
			return fault.Hide(err, fault.NotFound, "the registry has no image %s", img)
		}
		return failure
	}
	return nil
}

// Missing returns those of the volumes that the Engine does not have.
func (e *Engine) Missing(ctx context.Context, volumes []string) ([]string, error) {
	var out []string
	for _, name := range volumes {
		_, err := e.api.VolumeInspect(ctx, name)
		if gone(err) {
			out = append(out, name)
			continue
		}
		if err != nil {
			return nil, e.failed(err, "look at volume %s", name)
		}
	}
	return out, nil
}

// Owned returns every container that carries the labels of a daemon of ours, whichever that is.
func (e *Engine) Owned(ctx context.Context) ([]workload.Owned, error) {
	rows, err := e.api.ContainerList(ctx, container.ListOptions{All: true, Filters: filters.NewArgs(filters.Arg("label", LabelInstance))})
	if err != nil {
		return nil, e.failed(err, "list containers")
	}
	var out []workload.Owned
	for _, row := range rows {
		who, _ := owner(row.Labels)
		owned := workload.Owned{Key: who, Container: short(row.ID), Live: row.State == container.StateRunning}
		if len(row.Names) > 0 {
			owned.Container = strings.TrimPrefix(row.Names[0], "/")
		}
		out = append(out, owned)
	}
	return out, nil
}
