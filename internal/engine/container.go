package engine

import (
	"cmp"
	"context"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/container"

	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// Inspect returns the container with this id. One that is gone is a NotFound fault.
func (e *Engine) Inspect(ctx context.Context, id string) (workload.Container, error) {
	c, err := e.inspect(ctx, id)
	if err != nil {
		return workload.Container{}, err
	}
	return e.identified(ctx, c)
}

// Environment returns the environment that the container was created with, the image's own variables included.
func (e *Engine) Environment(ctx context.Context, id string) (secret.Env, error) {
	c, err := e.inspect(ctx, id)
	if err != nil {
		return nil, err
	}
	return environment(c), nil
}

func (e *Engine) inspect(ctx context.Context, id string) (container.InspectResponse, error) {
	c, err := e.api.ContainerInspect(ctx, id)
	if err != nil {
		return c, e.failed(err, "look at container %s", short(id))
	}
	return c, nil
}

// environment returns the variables of c. Their values are secret, wherever they came from.
func environment(c container.InspectResponse) secret.Env {
	vars := make([]secret.Var, 0, len(c.Config.Env))
	for _, entry := range c.Config.Env {
		name, value, _ := strings.Cut(entry, "=")
		vars = append(vars, secret.Var{Name: name, Value: secret.NewValue(value), Origin: secret.Origin{Source: "container " + nameOf(c)}})
	}
	return secret.NewEnv(vars...)
}

// identified returns c in our terms. A container that does not carry our label with its digest is identified by what
// the Engine knows of its image.
func (e *Engine) identified(ctx context.Context, c container.InspectResponse) (workload.Container, error) {
	out := described(c)
	if out.Image.Digest != "" {
		return out, nil
	}
	img, err := e.api.ImageInspect(ctx, c.Image)
	if gone(err) {
		return out, nil // removed by force: the container runs on, and nobody can tell its digest
	}
	if err != nil {
		return out, e.failed(err, "look at the image of container %s", out.Name)
	}
	out.Image = named(out.Image, img.RepoTags, img.RepoDigests)
	return out, nil
}

// described returns what c alone tells, in our terms.
func described(c container.InspectResponse) workload.Container {
	l := c.Config.Labels
	_, ours := owner(l)
	out := workload.Container{
		ID:            c.ID,
		Name:          nameOf(c),
		Service:       l[LabelService],
		Ours:          ours,
		Role:          l[LabelRole],
		Rollout:       l[LabelRollout],
		Release:       l[LabelRelease],
		Project:       cmp.Or(l[composeProject], l[LabelProject]),
		Image:         imageOf(c.Config.Image, c.Image, l),
		Definitions:   secret.Fingerprint(l[LabelDefinitions]),
		Env:           secret.Fingerprint(l[LabelEnv]),
		Status:        workload.Status(c.State.Status),
		Health:        health(c.State.Health),
		ExitCode:      c.State.ExitCode,
		OOMKilled:     c.State.OOMKilled,
		Restarts:      c.RestartCount,
		CreatedAt:     timestamp(c.Created),
		StartedAt:     timestamp(c.State.StartedAt),
		RestartPolicy: policyOf(c.HostConfig),
		AutoRemove:    c.HostConfig.AutoRemove,
		Networks:      slices.Sorted(maps.Keys(c.NetworkSettings.Networks)),
		Addresses:     addresses(c),
	}
	return out
}

// imageOf returns the image that a container was made from: as our labels tell it, or else as its creator called it.
func imageOf(called, id string, labels map[string]string) workload.Image {
	if repository := labels[LabelRepository]; repository != "" {
		return workload.Image{Repository: repository, Tag: labels[LabelTag], Digest: labels[LabelDigest], ID: id}
	}
	if strings.HasPrefix(strings.TrimPrefix(id, "sha256:"), called) {
		return workload.Image{ID: id} // it was called by its id, or by the beginning of it
	}
	img := parse(called)
	img.ID = id
	return img
}

// parse returns the parts of an image reference, and no repository for one that is an id.
func parse(ref string) workload.Image {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil || strings.HasPrefix(ref, "sha256:") { // the parser refuses a bare id of 64 digits by itself
		return workload.Image{}
	}
	img := workload.Image{Repository: reference.FamiliarName(named)}
	if t, ok := named.(reference.Tagged); ok {
		img.Tag = t.Tag()
	}
	if d, ok := named.(reference.Digested); ok {
		img.Digest = d.Digest().String()
	}
	return img
}

// named fills in what the Engine's own list of names tells of img.
func named(img workload.Image, tags, digests []string) workload.Image {
	tags, digests = slices.DeleteFunc(slices.Clone(tags), ours), slices.DeleteFunc(slices.Sorted(slices.Values(digests)), ours)
	if img.Repository == "" {
		if names := slices.Concat(tags, digests); len(names) > 0 {
			first := parse(names[0])
			img.Repository, img.Tag = first.Repository, first.Tag
		}
	}
	for _, d := range digests {
		if one := parse(d); img.Digest == "" && sameRepository(one.Repository, img.Repository) {
			img.Digest = one.Digest
		}
	}
	return img
}

// sameRepository compares two repositories' names, of which one may leave out Docker Hub's host.
func sameRepository(a, b string) bool {
	x, errX := reference.ParseNormalizedNamed(a)
	y, errY := reference.ParseNormalizedNamed(b)
	return errX == nil && errY == nil && x.Name() == y.Name()
}

func health(h *container.Health) workload.Health {
	if h == nil || h.Status == "" {
		return workload.NoHealth
	}
	return workload.Health(h.Status)
}

func policyOf(h *container.HostConfig) workload.RestartPolicy {
	return normal(workload.RestartPolicy{Name: string(h.RestartPolicy.Name), MaxRetries: h.RestartPolicy.MaximumRetryCount})
}

// normal writes the absent policy as the Engine's word for it.
func normal(p workload.RestartPolicy) workload.RestartPolicy {
	p.Name = cmp.Or(p.Name, "no")
	return p
}

// addresses returns where a process on this host reaches c.
func addresses(c container.InspectResponse) []netip.Addr {
	if c.HostConfig.NetworkMode.IsHost() {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	}
	var out []netip.Addr
	for _, name := range slices.Sorted(maps.Keys(c.NetworkSettings.Networks)) {
		n := c.NetworkSettings.Networks[name]
		for _, text := range []string{n.IPAddress, n.GlobalIPv6Address} {
			if a, err := netip.ParseAddr(text); err == nil {
				out = append(out, a)
			}
		}
	}
	return out
}

// timestamp reads the Engine's time; its zero time, and what cannot be read, is the zero Time.
func timestamp(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}
	}
	return t
}

func nameOf(c container.InspectResponse) string { return strings.TrimPrefix(c.Name, "/") }

// short returns an id as the docker command shows it; a name stays whole.
func short(id string) string {
	if len(id) == 64 {
		return id[:12]
	}
	return id
}
