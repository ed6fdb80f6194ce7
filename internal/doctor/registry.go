package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// logins says how the file with the registries' credentials is kept.
func (e *examination) logins(context.Context) []Finding {
	path := e.Config.Registry.ConfigFile
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && path == config.DefaultRegistryConfig:
		return []Finding{ok("is not there: registries are asked without a login")}
	case errors.Is(err, fs.ErrNotExist):
		return []Finding{problem("does not exist, so that no image can be pulled", "docker --config DIR login REGISTRY, and install -m 0600 DIR/config.json "+path)}
	case err != nil:
		return []Finding{barred("the file with the registries' logins")}
	case info.Mode().Perm()&0o007 != 0:
		return []Finding{problem(fmt.Sprintf("holds logins, and has mode %04o", uint32(info.Mode().Perm())), "chmod 0600 "+path)}
	case info.Mode().Perm()&0o020 != 0:
		return []Finding{warning(fmt.Sprintf("can be written by its group (mode %04o)", uint32(info.Mode().Perm())), "chmod g-w "+path)}
	case !e.trusts(info):
		return []Finding{problem("belongs to somebody else than root and the daemon's user", "chown root: "+path)}
	}
	return []Finding{ok(fmt.Sprintf("mode %04o", uint32(info.Mode().Perm())))}
}

// trusts tells whether a file or directory belongs to root or to the daemon's user.
func (e *examination) trusts(info fs.FileInfo) bool {
	s, known := info.Sys().(*syscall.Stat_t)
	return known && (s.Uid == 0 || int(s.Uid) == e.UID)
}

// knows tells whether a file's group is root's or the daemon's own, in which nobody else is.
func (e *examination) knows(info fs.FileInfo) bool {
	s, known := info.Sys().(*syscall.Stat_t)
	return known && (s.Gid == 0 || int(s.Gid) == e.GID)
}

// guess is the tag that is asked for where none is known to exist.
const guess = "latest"

// registry says whether the app's repository can be asked, with the login that there is. The tag of what runs is asked
// for, so that a pull of it would go through.
func (e *examination) registry(ctx context.Context, app config.App, found func() ([]workload.Container, error)) []Finding {
	image := e.known(app, found)
	err := e.Engine.Reach(ctx, image)
	switch kind := fault.KindOf(err); {
	case err == nil:
		return []Finding{ok("the registry has " + image.String() + ", and gives it to us")}
	case kind == fault.NotFound && image.Tag == guess:
		return []Finding{ok("the registry answers, and accepts us")}
	case kind == fault.NotFound:
		return []Finding{warning("the registry answers, and has no image "+image.String()+" any more, though that runs", "push it again, so that it can be pulled once the host has lost it")}
	}
	return failed(err, "mend the logins in "+e.Config.Registry.ConfigFile+", or the way to the registry")
}

// mirror says the same of a mirror of the app's registry. A rollout can do without.
func (e *examination) mirror(ctx context.Context, app config.App, repository string, found func() ([]workload.Container, error)) []Finding {
	image := e.known(app, found)
	image.Repository = repository
	err := e.Engine.Reach(ctx, image)
	switch {
	case err == nil:
		return []Finding{ok("the mirror has " + image.String() + ", and gives it to us")}
	case fault.KindOf(err) == fault.NotFound:
		return []Finding{ok("the mirror answers, and accepts us")}
	}
	return []Finding{warning(fault.Text(err), "mend the way to the mirror, or take it out of registry.mirrors: until then each pull tries it in vain")}
}

// known returns an image of the app that its registry should have: what runs, or a guess.
func (e *examination) known(app config.App, found func() ([]workload.Container, error)) workload.Image {
	image := workload.Image{Repository: app.Repository, Tag: guess}
	containers, _ := found() // that it failed is said elsewhere
	for _, c := range containers {
		if c.Live() && c.Image.Tag != "" && c.Image.Repository == app.Repository {
			image.Tag = c.Image.Tag
		}
	}
	return image
}
