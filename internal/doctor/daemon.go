package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/fault"
)

// startRemedy starts a daemon.
const startRemedy = "systemctl enable --now fairlead"

// socket says whether the daemon answers, and who may ask it.
func (e *examination) socket(ctx context.Context) []Finding {
	info, err := os.Lstat(e.Socket)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []Finding{warning("there is no socket: the daemon does not run", startRemedy)}
	case err != nil:
		return []Finding{barred("the socket")}
	case info.Mode().Type() != fs.ModeSocket:
		return []Finding{problem("is no socket, so the daemon cannot start", "mv "+e.Socket+" "+e.Socket+".away")}
	}
	d, err := e.Ask(ctx)
	switch kind := fault.KindOf(err); {
	case err == nil:
	case kind == fault.Forbidden:
		return []Finding{warning("the daemon answers, and does not let this user look", "run it as root: sudo fairlead doctor")}
	case e.Self != 0 && info.Mode().Perm()&0o002 == 0 && e.Self != e.UID:
		return []Finding{barred("the daemon")}
	default:
		return []Finding{problem("the socket is there, and the daemon does not answer on it", "systemctl restart fairlead; its last words: journalctl -u fairlead -n 50")}
	}
	e.mu.Lock()
	e.daemon, e.answers = d, true
	e.mu.Unlock()
	out := []Finding{e.sameVersion(d), e.accepting(d), e.access(info)}
	for _, app := range slices.Sorted(maps.Keys(d.Locked)) {
		out = append(out, warning("app "+app+" is locked: "+d.Locked[app], "fairlead status "+app+", and once it is mended: fairlead unlock "+app+" --reason WHY"))
	}
	return out
}

// sameVersion compares the daemon with this program.
func (e *examination) sameVersion(d Daemon) Finding {
	if d.Version != e.Version {
		return warning(fmt.Sprintf("the daemon that runs is of version %s, this program of version %s", d.Version, e.Version), "systemctl restart fairlead")
	}
	if e.Unsound == nil && d.Instance != e.Config.Instance {
		return warning(fmt.Sprintf("the daemon that runs calls itself %q, and the configuration says %q", d.Instance, e.Config.Instance),
			"systemctl restart fairlead, or give the configuration that it runs with: --config FILE")
	}
	return ok("the daemon answers, version " + d.Version)
}

func (e *examination) accepting(d Daemon) Finding {
	if d.Refusing != "" {
		return problem("the daemon accepts no rollout: "+d.Refusing, "mend that; it goes on by itself, or after: systemctl restart fairlead")
	}
	return ok("the daemon accepts rollouts")
}

// groupOf returns the name of a file's group, or its number where it has none.
func groupOf(info fs.FileInfo) string {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "of the socket"
	}
	id := strconv.FormatUint(uint64(stat.Gid), 10)
	if g, err := user.LookupGroupId(id); err == nil {
		return g.Name
	}
	return id
}

// access says who may do what, and whether they can connect.
func (e *examination) access(socket fs.FileInfo) Finding {
	mode, group := socket.Mode().Perm(), groupOf(socket)
	if e.Unsound != nil {
		return ok(fmt.Sprintf("the socket has mode %04o", uint32(mode)))
	}
	var who, outside []string
	for _, role := range []struct {
		name string
		who  config.Principals
	}{{"viewers", e.Config.Access.Viewers}, {"operators", e.Config.Access.Operators}, {"admins", e.Config.Access.Admins}} {
		if names := slices.Concat(role.who.Users, role.who.Groups); len(names) > 0 {
			who = append(who, role.name+": "+strings.Join(names, ", "))
		}
		outside = append(outside, role.who.Users...)
		for _, name := range role.who.Groups {
			if name != group {
				outside = append(outside, name)
			}
		}
	}
	switch {
	case len(who) == 0:
		return ok("root alone may use it, and the daemon's own user and group may connect")
	case mode&0o006 == 0 && len(outside) > 0:
		found := "access names who may use it (" + strings.Join(who, "; ") + "), and only members of the group " + group + " can connect"
		if e.UID != 0 { // under systemd, whose socket keeps what its unit says
			return warning(found, "let each of them be in it as well: usermod --append --groups "+group+" USER")
		}
		return warning(found, "systemctl restart fairlead")
	}
	return ok("besides root may use it: " + strings.Join(who, "; "))
}
