package config

import (
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
)

// plainName is what instances, environments and apps may be called: they become parts of labels and container names.
var plainName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// PlainName reports whether an app may be called so.
func PlainName(name string) bool { return plainName.MatchString(name) }

// variable is what an environment variable may be called.
var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,254}$`)

func readConfig(f field) Config {
	m := f.only("instance", "engine", "registry", "access", "apps")
	cfg := Config{
		Instance: m.need("instance", "give this daemon a name of its own, such as instance: prod-1").name(),
		Engine:   Engine{Host: m.get("engine").only("host").get("host").engineHost()},
		Registry: readRegistry(m.get("registry")),
		Access:   readAccess(m.get("access")),
		Apps:     map[string]App{},
	}
	// A daemon of a fresh installation has none yet, and says so: apps: {}.
	for name, app := range m.need("apps", "define at least one app, or say apps: {} while there is none").mapping().all {
		cfg.Apps[name] = readApp(name, app)
	}
	return cfg
}

func readAccess(f field) Access {
	m := f.only("viewers", "operators", "admins")
	return Access{Viewers: readPrincipals(m.get("viewers")), Operators: readPrincipals(m.get("operators")), Admins: readPrincipals(m.get("admins"))}
}

func readPrincipals(f field) Principals {
	m := f.only("users", "groups")
	return Principals{Users: m.get("users").texts(), Groups: m.get("groups").texts()}
}

// name returns a text that may be part of a container's name.
func (f field) name() string {
	s := f.text()
	if s != "" && !plainName.MatchString(s) {
		f.bad("is not a usable name", "use lower-case letters, digits and hyphens, 63 at most, beginning with a letter or digit")
	}
	return s
}

// variable returns the name of an environment variable.
func (f field) variable() string {
	s := f.text()
	if s != "" && !variable.MatchString(s) {
		f.bad("is not the name of a variable", "use letters, digits and _, not beginning with a digit; the value itself does not belong here")
	}
	return s
}

// credential is what a credential of systemd's may be called here.
var credential = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$`)

// credential returns the name of a credential.
func (f field) credential() string {
	s := f.text()
	if s != "" && !credential.MatchString(s) {
		f.bad("is not the name of a credential", "write the ID of LoadCredential=ID:FILE in the daemon's unit, of letters, digits, _, . and -")
	}
	return s
}

// absolute returns an absolute path. The daemon's working directory must not decide what a path means.
func (f field) absolute() string {
	s := f.text()
	if s != "" && (!filepath.IsAbs(s) || filepath.Clean(s) != s) {
		f.bad("must be an absolute path", "write it from / on, without . and ..")
	}
	return s
}

// engineHost returns the Engine's address. Every secret passes through that connection, so it does not leave the host.
func (f field) engineHost() string {
	s := f.text()
	if s == "" {
		return ""
	}
	path, isUnix := strings.CutPrefix(s, "unix://")
	if isUnix && filepath.IsAbs(path) {
		return s
	}
	if u, err := url.Parse(s); err == nil && u.Scheme == "tcp" && loopback(u.Hostname()) && u.User == nil {
		return s
	}
	f.bad("is not an address of an Engine on this host", "write unix:///var/run/docker.sock, or tcp://127.0.0.1:PORT")
	return s
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
