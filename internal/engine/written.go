package engine

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
)

// passingPaths are directories that hold nothing which anybody would miss.
var passingPaths = []string{"/tmp", "/run", "/var/run", "/var/tmp", "/var/cache", "/var/log", "/root", "/dev", "/proc", "/sys", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/mtab"}

// Written returns paths that the container has written to beside its mounts, sorted, the outermost of those that are new,
// and at most so many. Directories that hold nothing lasting, such as /tmp, are left out.
func (e *Engine) Written(ctx context.Context, id string, most int) ([]string, error) {
	c, err := e.inspect(ctx, id)
	if err != nil {
		return nil, err
	}
	changes, err := e.api.ContainerDiff(ctx, id)
	if err != nil {
		return nil, e.failed(err, "look at what container %s has written", nameOf(c))
	}
	return lasting(changes, destinations(anatomyOf(c)), most), nil
}

// lasting picks the paths from an Engine's list of changes. A directory in which something has changed is listed as
// changed itself, and says nothing.
func lasting(changes []container.FilesystemChange, mounts []string, most int) []string {
	skipped := slices.Concat(passingPaths, mounts)
	var paths []string
	for _, c := range changes {
		if c.Kind != container.ChangeDelete && !slices.ContainsFunc(skipped, func(s string) bool { return within(c.Path, s) || within(s, c.Path) }) {
			paths = append(paths, path.Clean(c.Path))
		}
	}
	slices.Sort(paths)
	var out []string
	for i, p := range paths {
		if i+1 < len(paths) && within(paths[i+1], p) && !isNew(changes, p) {
			continue // only a directory on the way
		}
		if n := len(out); n > 0 && within(p, out[n-1]) {
			continue
		}
		if out = append(out, p); len(out) == most {
			break
		}
	}
	return out
}

func isNew(changes []container.FilesystemChange, p string) bool {
	return slices.ContainsFunc(changes, func(c container.FilesystemChange) bool { return c.Path == p && c.Kind == container.ChangeAdd })
}

// within reports whether p is dir or lies below it.
func within(p, dir string) bool {
	return p == dir || strings.HasPrefix(p, strings.TrimSuffix(dir, "/")+"/")
}
