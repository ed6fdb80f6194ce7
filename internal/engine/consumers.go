package engine

import (
	"context"
	"slices"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"

	"github.com/capakraken/fairlead/internal/workload"
)

// Consumers returns the running containers outside the app that may read the same legacy values: those whose image is
// of the repository, by whatever name it was started, and those of the Compose projects. A container that the app is to
// take over by its name is among them as long as it runs.
func (e *Engine) Consumers(ctx context.Context, k workload.Key, repository string, composeProjects []string) ([]workload.Container, error) {
	running, err := e.listed(ctx, container.ListOptions{})
	if err != nil {
		return nil, err
	}
	images, err := e.imagesOf(ctx, repository)
	if err != nil {
		return nil, err
	}
	var out []workload.Container
	for _, c := range running {
		if who, _ := owner(c.Config.Labels); who == k {
			continue
		}
		project := c.Config.Labels[composeProject]
		if !e.shares(c, repository, images) && (project == "" || !slices.Contains(composeProjects, project)) {
			continue
		}
		one, err := e.identified(ctx, c)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

// shares reports whether c was made from an image of the repository, or of a mirror's copy: as it was called at the
// creation, as our label has it, or by the image's id, which stays when its names move on.
func (e *Engine) shares(c container.InspectResponse, repository string, images []string) bool {
	return e.ofRepository(parse(c.Config.Image).Repository, repository) ||
		e.ofRepository(c.Config.Labels[LabelRepository], repository) ||
		slices.Contains(images, c.Image)
}

// imagesOf returns the ids of the host's images that have a name in the repository.
func (e *Engine) imagesOf(ctx context.Context, repository string) ([]string, error) {
	all, err := e.api.ImageList(ctx, image.ListOptions{All: true})
	if err != nil {
		return nil, e.failed(err, "list images")
	}
	var ids []string
	for _, img := range all {
		names := slices.Concat(img.RepoTags, img.RepoDigests)
		if slices.ContainsFunc(names, func(n string) bool { return e.ofRepository(parse(n).Repository, repository) }) {
			ids = append(ids, img.ID)
		}
	}
	return ids, nil
}
