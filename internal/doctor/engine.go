package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/capakraken/fairlead/internal/fault"
)

// dockerEngine says whether the Engine answers and is new enough.
func (e *examination) dockerEngine(ctx context.Context) []Finding {
	about, err := e.Engine.About(ctx)
	switch {
	case err == nil:
	case !e.admitted() && e.Self != e.UID:
		return []Finding{barred("the Docker Engine")}
	case !e.admitted():
		return failed(err, "let the daemon's user in, who is root with that: usermod -aG docker USER")
	case fault.KindOf(err) == fault.Refused:
		return failed(err, "upgrade Docker to 20.10 or later")
	default:
		return failed(err, "systemctl status docker")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.engine = true
	return []Finding{ok(fmt.Sprintf("Docker Engine %s at %s answers, API %s", about.Version, about.Host, about.API)).of(about.Host)}
}

// admitted tells whether this user may use the Engine's socket, where there is one.
func (e *examination) admitted() bool {
	path, local := strings.CutPrefix(e.host(), "unix://")
	return !local || !errors.Is(unix.Access(path, unix.R_OK|unix.W_OK), unix.EACCES)
}

// dockerSocket says who may use the Engine: they are root on this host.
func (e *examination) dockerSocket(context.Context) []Finding {
	path, local := strings.CutPrefix(e.host(), "unix://")
	if !local {
		return []Finding{warning("the Engine is asked over the network, and who may do that cannot be seen from here; whoever may is root there",
			"have it listen on a unix socket, or only with TLS and client certificates").of(e.host())}
	}
	info, err := os.Stat(path)
	if err != nil {
		return []Finding{barred(path).of(path)}
	}
	if info.Mode().Perm()&0o002 != 0 {
		return []Finding{problem("everybody on this host may use it, and so is root", "chmod o-rw "+path).of(path)}
	}
	return []Finding{ok(fmt.Sprintf("mode %04o", uint32(info.Mode().Perm()))).of(path)}
}

// host returns where the Engine listens.
func (e *examination) host() string {
	switch {
	case e.Config.Engine.Host != "":
		return e.Config.Engine.Host
	case os.Getenv("DOCKER_HOST") != "":
		return os.Getenv("DOCKER_HOST")
	}
	return "unix:///var/run/docker.sock"
}
