package server

import (
	"os/user"
	"strconv"
)

// Role is what a peer may do. A higher role may do all that a lower one may.
type Role int

// The roles, rising.
const (
	NoRole   Role = iota
	Viewer        // sees everything that is no secret
	Operator      // runs rollouts
	Admin         // also takes the lock of a halted rollout away
)

// String returns the role's name.
func (r Role) String() string {
	switch r {
	case Viewer:
		return "viewer"
	case Operator:
		return "operator"
	case Admin:
		return "admin"
	case NoRole:
	}
	return "none"
}

// Principals are users and groups of this host, by number.
type Principals struct{ UIDs, GIDs []uint32 }

// Access says who has which role. Root and the daemon's own user are always admins; whoever is named nowhere has no
// role and is refused everything.
type Access struct{ Viewers, Operators, Admins Principals }

// nobody is the number that the kernel shows in the place of every user and group that has none here. It never has a
// role.
const nobody = 65534

// accounts looks up users of the host.
type accounts struct {
	self   uint32
	user   func(uid string) (*user.User, error)
	groups func(u *user.User) ([]string, error)
}

// roles are the roles of an Access, by user and by group.
type roles struct {
	accounts
	users, members map[uint32]Role
}

func (a Access) roles(on accounts) roles {
	r := roles{accounts: on, users: map[uint32]Role{}, members: map[uint32]Role{}}
	grant := func(role Role, to Principals) {
		for _, uid := range to.UIDs {
			r.users[uid] = max(r.users[uid], role)
		}
		for _, gid := range to.GIDs {
			r.members[gid] = max(r.members[gid], role)
		}
	}
	grant(Viewer, a.Viewers)
	grant(Operator, a.Operators)
	grant(Admin, a.Admins)
	delete(r.users, nobody)
	delete(r.members, nobody)
	return r
}

// of returns the role of a peer: the highest that its user, its group or one of its user's groups has.
func (r roles) of(c credentials) Role {
	switch c.UID {
	case nobody:
		return NoRole
	case 0, r.self:
		return Admin
	}
	role := max(r.users[c.UID], r.members[c.GID])
	for _, gid := range r.supplementary(c.UID) {
		role = max(role, r.members[gid])
	}
	return role
}

// supplementary returns the groups of a user by the host's database. The process itself is not asked: between the
// connection and the question its number could have gone to another process.
func (r roles) supplementary(uid uint32) []uint32 {
	if len(r.members) == 0 {
		return nil
	}
	u, err := r.user(strconv.FormatUint(uint64(uid), 10))
	if err != nil {
		return nil
	}
	names, err := r.groups(u)
	if err != nil {
		return nil
	}
	var gids []uint32
	for _, name := range names {
		if gid, err := strconv.ParseUint(name, 10, 32); err == nil {
			gids = append(gids, uint32(gid))
		}
	}
	return gids
}

// name returns the name of a user, and its number where it has none.
func (r roles) name(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := r.user(id); err == nil {
		return u.Username
	}
	return id
}
