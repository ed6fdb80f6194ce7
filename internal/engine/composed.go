package engine

import (
	"context"
	"maps"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// The labels by which Compose knows the containers of a project, in both of its generations. 'docker compose ps', 'logs'
// and 'down' look for the first four; version 2 passes over a container without a hash of its configuration, and 'up' of
// version 1.29 breaks off at one that does not say which Compose made it.
const (
	composeProject = "com.docker.compose.project"
	composeService = "com.docker.compose.service"
	composeNumber  = "com.docker.compose.container-number"
	composeOneOff  = "com.docker.compose.oneoff"
	composeHash    = "com.docker.compose.config-hash"
	composeVersion = "com.docker.compose.version"
	composeDir     = "com.docker.compose.project.working_dir"
	composeFiles   = "com.docker.compose.project.config_files"
)

// composeLabels returns the labels that make a container one of its service's Compose project; none where it has none.
// The hash is not one that Compose would compute, so 'docker compose up' makes the container anew, as it does with any
// whose definition has changed.
func composeLabels(s workload.Service, release workload.Release) map[string]string {
	if s.Project == nil {
		return nil
	}
	return map[string]string{
		composeProject: s.Project.Name,
		composeService: s.Name,
		composeNumber:  "1",
		composeOneOff:  "False",
		composeHash:    "fairlead-" + release.ID,
		composeVersion: "2.0.0",
		composeDir:     s.Project.Dir,
		composeFiles:   strings.Join(s.Project.Files, ","),
	}
}

// composed returns the containers that Compose has made for the service, in any state: those of its project that carry
// none of our labels.
func (e *Engine) composed(ctx context.Context, s workload.Service) ([]container.InspectResponse, error) {
	if s.Project == nil {
		return nil, nil
	}
	all, err := e.list(ctx, filters.NewArgs(filters.Arg("label", composeProject+"="+s.Project.Name), filters.Arg("label", composeService+"="+s.Name)))
	if err != nil {
		return nil, err
	}
	var out []container.InspectResponse
	for _, c := range all {
		if madeByCompose(c, s) {
			out = append(out, c)
		}
	}
	return out, nil
}

// madeByCompose reports whether Compose made c for the service, and not for a single command.
func madeByCompose(c container.InspectResponse, s workload.Service) bool {
	l := c.Config.Labels
	_, labelled := owner(l)
	return s.Project != nil && !labelled && l[composeProject] == s.Project.Name && l[composeService] == s.Name && !strings.EqualFold(l[composeOneOff], "true")
}

// takenOver returns the containers that Compose has made for the service of the rollout's own container, if there is one
// among all.
func (e *Engine) takenOver(ctx context.Context, rollout, service string, all []container.InspectResponse) ([]container.InspectResponse, error) {
	fresh, ok := made(rollout, all)
	project := ""
	if ok {
		project = fresh.Config.Labels[composeProject]
	}
	if project == "" {
		return nil, nil
	}
	return e.composed(ctx, workload.Service{Name: service, Project: &workload.Project{Name: project}})
}

// all returns the containers that may run for the service: those that carry our labels, and those that Compose made.
func (e *Engine) all(ctx context.Context, k workload.Key, s workload.Service) ([]container.InspectResponse, error) {
	ours, err := e.list(ctx, labelled(k, s.Name))
	if err != nil {
		return nil, err
	}
	theirs, err := e.composed(ctx, s)
	return append(ours, theirs...), err
}

// adoptable returns the containers without our labels that are to be taken over for s: the one that holds its
// container_name, and those that Compose made for it.
func (e *Engine) adoptable(ctx context.Context, k workload.Key, s workload.Service) ([]workload.Container, error) {
	found := map[string]container.InspectResponse{}
	named, err := e.byFinalName(ctx, k, s)
	if err != nil {
		return nil, err
	}
	maps.Copy(found, named)
	theirs, err := e.composed(ctx, s)
	if err != nil {
		return nil, err
	}
	for _, c := range theirs {
		found[c.ID] = c
	}
	var out []workload.Container
	for _, c := range found {
		one, err := e.identified(ctx, c)
		if err != nil {
			return nil, err
		}
		one.Service = s.Name
		out = append(out, one)
	}
	return out, nil
}

// byFinalName returns the container without our labels that holds the container_name of s, by its id.
func (e *Engine) byFinalName(ctx context.Context, k workload.Key, s workload.Service) (map[string]container.InspectResponse, error) {
	if s.ContainerName == "" {
		return nil, nil
	}
	c, ok, err := e.byName(ctx, s.ContainerName)
	if err != nil || !ok {
		return nil, err
	}
	switch who, labelled := owner(c.Config.Labels); {
	case labelled && who == k:
		return nil, nil // already among ours
	case labelled:
		return nil, fault.New(fault.Refused, "container %s belongs to %s, so service %s of %s cannot take that name over; change its container_name; nothing was changed", s.ContainerName, inWords(who), s.Name, k.App)
	}
	return map[string]container.InspectResponse{c.ID: c}, nil
}
