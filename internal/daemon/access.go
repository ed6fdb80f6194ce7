package daemon

import (
	"os/user"
	"strconv"

	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/server"
)

// resolveAccess makes numbers of the configured user and group names, once: who may do what must not change because a
// directory service answers differently while the daemon runs. A name that does not exist is a fault, since a missing
// role would show only when it is needed.
func resolveAccess(a config.Access) (server.Access, error) {
	var problems []fault.Problem
	resolve := func(field string, p config.Principals) server.Principals {
		var out server.Principals
		for _, name := range p.Users {
			if u, err := user.Lookup(name); err == nil {
				out.UIDs = append(out.UIDs, number(u.Uid))
			} else {
				problems = append(problems, fault.Problem{Where: field + ".users", What: "no user " + strconv.Quote(name) + " on this host"})
			}
		}
		for _, name := range p.Groups {
			if g, err := user.LookupGroup(name); err == nil {
				out.GIDs = append(out.GIDs, number(g.Gid))
			} else {
				problems = append(problems, fault.Problem{Where: field + ".groups", What: "no group " + strconv.Quote(name) + " on this host"})
			}
		}
		return out
	}
	access := server.Access{
		Viewers:   resolve("access.viewers", a.Viewers),
		Operators: resolve("access.operators", a.Operators),
		Admins:    resolve("access.admins", a.Admins),
	}
	return access, fault.Many(fault.Refused, "the configuration names who does not exist", problems)
}

// number returns a user's or group's number. On this system they are always decimal.
func number(id string) uint32 {
	n, err := strconv.ParseUint(id, 10, 32)
	if err != nil {
		return overflowID
	}
	return uint32(n)
}

// overflowID is whom the kernel shows where it cannot say who; it never has a role.
const overflowID = 65534
