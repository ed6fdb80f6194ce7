package server

import (
	"errors"
	"os/user"
	"testing"
)

func TestRoleOf(t *testing.T) {
	on := accounts{
		self: 990,
		user: func(uid string) (*user.User, error) {
			if uid == "1003" {
				return nil, errors.New("no such user")
			}
			return &user.User{Uid: uid, Username: "user" + uid}, nil
		},
		groups: func(u *user.User) ([]string, error) {
			switch u.Uid {
			case "1001":
				return []string{"1001", "27", "70"}, nil
			case "1002":
				return []string{"1002", "65534"}, nil
			case "1004":
				return nil, errors.New("the directory does not answer")
			}
			return []string{u.Uid}, nil
		},
	}
	r := Access{
		Viewers:   Principals{UIDs: []uint32{1000, nobody}, GIDs: []uint32{27, nobody}},
		Operators: Principals{UIDs: []uint32{1005, 1000}, GIDs: []uint32{70}},
		Admins:    Principals{UIDs: []uint32{1006}},
	}.roles(on)
	for _, c := range []struct {
		who  string
		cred credentials
		want Role
	}{
		{"root", credentials{UID: 0, GID: nobody}, Admin},
		{"the daemon's own user", credentials{UID: 990}, Admin},
		{"nobody, though it is named", credentials{UID: nobody, GID: 70}, NoRole},
		{"named twice, the higher counts", credentials{UID: 1000, GID: 1000}, Operator},
		{"by a group of the user", credentials{UID: 1001, GID: 1001}, Operator},
		{"nogroup, though it is named", credentials{UID: 1002, GID: nobody}, NoRole},
		{"no account, by the process's group", credentials{UID: 1003, GID: 27}, Viewer},
		{"no account, no group", credentials{UID: 1003, GID: 1003}, NoRole},
		{"groups cannot be told", credentials{UID: 1004, GID: 1004}, NoRole},
		{"operator", credentials{UID: 1005, GID: 27}, Operator},
		{"admin", credentials{UID: 1006, GID: 1006}, Admin},
		{"stranger", credentials{UID: 1007, GID: 1007}, NoRole},
	} {
		if got := r.of(c.cred); got != c.want {
			t.Errorf("%s: %s, want %s", c.who, got, c.want)
		}
	}
	if got := r.name(1003); got != "1003" {
		t.Errorf("a user without a name is called %q", got)
	}
}
