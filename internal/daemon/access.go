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
			out.UIDs = append(out.UIDs, find(name, userID, field+".users", "user", &problems)...)
		}
		for _, name := range p.Groups {
			out.GIDs = append(out.GIDs, find(name, groupID, field+".groups", "group", &problems)...)
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

// named tells whether anybody but root has a role.
func named(a server.Access) bool {
	for _, p := range []server.Principals{a.Viewers, a.Operators, a.Admins} {
		if len(p.UIDs)+len(p.GIDs) > 0 {
			return true
		}
	}
	return false
}

// find returns the number of a user or group that is given by name or number, or notes that there is none.
func find(name string, lookup func(string) (string, error), field, what string, problems *[]fault.Problem) []uint32 {
	id := name
	if _, err := strconv.ParseUint(name, 10, 32); err != nil {
		if id, err = lookup(name); err != nil {
			*problems = append(*problems, fault.Problem{Where: field, What: "no " + what + " " + strconv.Quote(name) + " on this host"})
			return nil
		}
	}
	n, err := strconv.ParseUint(id, 10, 32)
	if err != nil {
		return nil // on this system they are always decimal
	}
	return []uint32{uint32(n)}
}

func userID(name string) (string, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return "", err
	}
	return u.Uid, nil
}

func groupID(name string) (string, error) {
	g, err := user.LookupGroup(name)
	if err != nil {
		return "", err
	}
	return g.Gid, nil
}
