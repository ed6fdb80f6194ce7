package contexts

import (
	"net/netip"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/capakraken/fairlead/internal/fault"
)

// Target is how a daemon is reached: by its socket on this host, or through ssh by a command on another.
type Target struct {
	Socket string // absolute path; on the other host where Host is set, and then empty for the usual one
	Host   string // of ssh: a name from its configuration, or an address; empty for this host
	User   string // empty for the one that ssh chooses
	Port   int    // 0 for the one that ssh chooses
}

// What may be handed to ssh, and by ssh to a shell on the other side: nothing that either of them reads as more than a
// word, and nothing that begins as an option does.
var (
	hostName  = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,252}$`)
	userName  = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$`)
	plainPath = regexp.MustCompile(`^(/[A-Za-z0-9._-]+)+$`)
)

const forms = "write unix:///PATH, or ssh://[USER@]HOST[:PORT][/PATH]"

// ParseTarget reads unix:///PATH or ssh://[USER@]HOST[:PORT][/PATH].
func ParseTarget(text string) (Target, error) {
	refused := func(what string) (Target, error) {
		return Target{}, fault.New(fault.Usage, "%s: %s", what, forms)
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || len(text) > 1024:
		return refused("this is not how a daemon is reached")
	case u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" || u.ForceQuery:
		return refused("the address has more than a host and a path")
	}
	switch u.Scheme {
	case "unix":
		if u.Host != "" || u.User != nil || !filepath.IsAbs(u.Path) || path.Clean(u.Path) != u.Path || u.Path == "/" {
			return refused("the socket has no absolute path of its own")
		}
		return Target{Socket: u.Path}, nil
	case "ssh":
		return sshTarget(u, refused)
	}
	return refused("this is neither a socket of this host nor a host behind ssh")
}

func sshTarget(u *url.URL, refused func(string) (Target, error)) (Target, error) {
	t := Target{Host: u.Hostname(), Socket: u.Path}
	address, err := netip.ParseAddr(t.Host)
	if zone := address.Zone(); err != nil && !hostName.MatchString(t.Host) || zone != "" && !hostName.MatchString(zone) {
		return refused("the name of the host has other characters than letters, digits, dots, hyphens and _, or begins with a hyphen")
	}
	if u.User != nil {
		if _, secret := u.User.Password(); secret {
			return refused("an address holds no password: let ssh use a key")
		}
		if t.User = u.User.Username(); !userName.MatchString(t.User) {
			return refused("the name of the user has other characters than letters, digits, dots, hyphens and _, or begins with a hyphen")
		}
	}
	if p := u.Port(); p != "" {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return refused("the port is none")
		}
		t.Port = int(n)
	}
	if t.Socket == "/" {
		t.Socket = ""
	}
	if t.Socket != "" && (!plainPath.MatchString(t.Socket) || path.Clean(t.Socket) != t.Socket) {
		return refused("the socket's path has other characters than letters, digits, dots, hyphens and _")
	}
	return t, nil
}
