package engine

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"

	"github.com/capakraken/fairlead/internal/failpoint"
	"github.com/capakraken/fairlead/internal/workload"
)

// keeper begins the names under which images are kept. No host of the domain "invalid" can exist (RFC 2606), so nobody
// pulls such a name from anywhere.
const keeper = "fairlead.invalid/"

// shelf returns the repository of the names under which the app's images are kept.
func shelf(k workload.Key) string {
	return keeper + part(k.Instance) + "/" + part(k.Environment) + "/" + part(k.App)
}

// part returns a name as a part of a repository's, which cannot end with hyphens. Ours hold no dot.
func part(name string) string {
	if short := strings.TrimRight(name, "-"); short != name {
		return short + "." + strconv.Itoa(len(name)-len(short))
	}
	return name
}

// keptName returns the name under which the app's image is kept: one for each image, whatever its releases are.
func keptName(k workload.Key, i workload.Image) string {
	return shelf(k) + ":" + workload.ShortDigest(i.Identity())
}

// ours reports whether an image's name is one that keeps it.
func ours(name string) bool { return strings.HasPrefix(name, keeper) }

// Find returns the image with its id on this host: by its digest, by the name that it is kept under, or by the id that
// it had. It asks no registry. The second result tells whether it is there.
func (e *Engine) Find(ctx context.Context, k workload.Key, i workload.Image) (workload.Image, bool, error) {
	found, ok, err := e.find(ctx, k, i)
	if ok {
		i.ID = found.ID
	}
	return i, ok, err
}

func (e *Engine) find(ctx context.Context, k workload.Key, i workload.Image) (image.InspectResponse, bool, error) {
	names := []string{keptName(k, i)}
	if i.Digest != "" {
		for at, name := range e.names(i) {
			names = slices.Insert(names, at, name.Ref())
		}
	}
	if i.ID != "" {
		names = append(names, i.ID)
	}
	for _, name := range names {
		found, err := e.api.ImageInspect(ctx, name)
		switch {
		case gone(err):
		case err != nil:
			return found, false, e.failed(err, "look at image %s", i)
		case is(found, i):
			return found, true, nil
		}
	}
	return image.InspectResponse{}, false, nil
}

// is reports whether what was found under some name is the image i: names can be given to another.
func is(found image.InspectResponse, i workload.Image) bool {
	return found.ID == i.ID || i.Digest != "" && slices.ContainsFunc(found.RepoDigests, func(d string) bool { return parse(d).Digest == i.Digest })
}

// Keep gives an image that is on this host the name under which it is kept, unless it has it. It returns the name that
// it gave.
func (e *Engine) Keep(ctx context.Context, k workload.Key, i workload.Image) (string, error) {
	name := keptName(k, i)
	found, err := e.api.ImageInspect(ctx, name)
	switch {
	case err == nil && found.ID == i.ID:
		return "", nil
	case err != nil && !gone(err):
		return "", e.failed(err, "look at image %s", name)
	}
	if err := e.api.ImageTag(ctx, i.ID, name); err != nil {
		return "", e.failed(err, "keep the image %s as %s", i, name)
	}
	failpoint.Hit(failpoint.KeepNamed)
	return name, nil
}

// LetGo takes the name away under which an image was kept. An image that was fetched by us goes as well, unless a
// container uses it or it has a name of somebody else's. One that was not fetched by us is never removed, so it keeps our
// name where that is its last. Nothing is forced. It returns the names that it removed, and why the image must stay for
// now, where that may change. It may be called again.
func (e *Engine) LetGo(ctx context.Context, k workload.Key, i workload.Image, fetched bool) (removed []string, left string, err error) {
	found, ok, err := e.find(ctx, k, i)
	if err != nil || !ok {
		return nil, "", err
	}
	name := keptName(k, i)
	names := slices.Concat(found.RepoTags, found.RepoDigests)
	rest := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return strings.HasPrefix(n, shelf(k)+":") || strings.HasPrefix(n, shelf(k)+"@") })
	if len(rest) == 0 {
		if !fetched {
			return nil, "", nil
		}
		if left, err = e.used(ctx, found.ID, i); left != "" || err != nil {
			return nil, left, err
		}
	}
	if slices.Contains(found.RepoTags, name) {
		if left, err = e.unname(ctx, name, i); left != "" || err != nil {
			return nil, left, err
		}
		removed = append(removed, name)
		failpoint.Hit(failpoint.KeepUnnamed)
	}
	foreign := func(n string) bool {
		return !slices.ContainsFunc(e.names(i), func(name workload.Image) bool { return holdsDigest([]string{n}, name) })
	}
	if !fetched || len(rest) == 0 || slices.ContainsFunc(rest, foreign) {
		return removed, "", nil
	}
	if left, err = e.used(ctx, found.ID, i); left != "" || err != nil {
		return removed, left, err
	}
	for _, name := range e.names(i) {
		if !holdsDigest(rest, name) {
			continue
		}
		if left, err = e.unname(ctx, name.Ref(), i); left != "" || err != nil {
			return removed, left, err
		}
		failpoint.Hit(failpoint.KeepRemoved)
		removed = append(removed, name.Ref())
	}
	return removed, "", nil
}

// unname removes a name of an image, and the image with its last name. It returns why the Engine keeps it, where a
// container or another image needs it.
func (e *Engine) unname(ctx context.Context, name string, i workload.Image) (left string, err error) {
	_, err = e.api.ImageRemove(ctx, name, image.RemoveOptions{PruneChildren: true})
	switch {
	case err == nil, gone(err):
		return "", nil
	case errdefs.IsConflict(err):
		return "the image " + i.String() + " stays, since the Docker Engine says that it is needed", nil
	}
	return "", e.failed(err, "remove the image %s", name)
}

// used says which container uses an image, also one that does not run; nothing where none does.
func (e *Engine) used(ctx context.Context, id string, i workload.Image) (string, error) {
	all, err := e.api.ContainerList(ctx, container.ListOptions{All: true})
	if err != nil {
		return "", e.failed(err, "list containers")
	}
	for _, c := range all {
		if c.ImageID == id {
			return "the image " + i.String() + " stays, since container " + strings.TrimPrefix(strings.Join(c.Names, ", "), "/") + " uses it", nil
		}
	}
	return "", nil
}

// Kept returns the images that are kept for an app, each as the beginning of its digest or id, and their bytes together.
// Layers that several of them share are counted for each.
func (e *Engine) Kept(ctx context.Context, k workload.Key) ([]string, int64, error) {
	all, err := e.api.ImageList(ctx, image.ListOptions{Filters: filters.NewArgs(filters.Arg("reference", shelf(k)+":*"))})
	if err != nil {
		return nil, 0, e.failed(err, "list images")
	}
	var out []string
	var bytes int64
	for _, i := range all {
		bytes += i.Size
		for _, name := range i.RepoTags {
			if tag, ok := strings.CutPrefix(name, shelf(k)+":"); ok {
				out = append(out, tag)
			}
		}
	}
	slices.Sort(out)
	return out, bytes, nil
}

// fill completes a definition with what depends on this Engine, just before a container is made of it. An image that has
// no name of its own registry on this host is used by that of a mirror, or by its id. Without logging options of its own, a container's log must not
// grow without end: where the Engine writes it to a file, the file is rotated. What the Engine's own configuration says of
// the rotation cannot be seen from here.
func (e *Engine) fill(ctx context.Context, d *definition, r workload.Replacement) error {
	if i := r.Release.Image; i.Digest != "" && i.ID != "" {
		for _, name := range append(e.names(i), workload.Image{ID: i.ID}) {
			if _, err := e.api.ImageInspect(ctx, name.Ref()); !gone(err) {
				d.config.Image = name.Ref()
				break
			}
		}
	}
	if r.Unit.Service.Logging != nil {
		return nil
	}
	info, err := e.api.Info(ctx)
	if err != nil {
		return e.failed(err, "ask the Docker Engine for its logging driver")
	}
	if info.LoggingDriver == "json-file" {
		d.host.LogConfig = container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "10m", "max-file": "3"}}
	}
	return nil
}
