package engine

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
)

// The fields that take more than a line.

func lostMounts(o, n anatomy) string {
	return loses(destinations(o), append(destinations(n), keys(n.host.Tmpfs)...))
}

func destinations(a anatomy) []string {
	var out []string
	for _, m := range a.mounts {
		out = append(out, path.Clean(m.Destination))
	}
	return out
}

func at(a anatomy, destination string) (container.MountPoint, bool) {
	i := slices.IndexFunc(a.mounts, func(m container.MountPoint) bool { return path.Clean(m.Destination) == path.Clean(destination) })
	if i < 0 {
		return container.MountPoint{}, false
	}
	return a.mounts[i], true
}

func writableMounts(o, n anatomy) string {
	var out []string
	for _, m := range o.mounts {
		if now, ok := at(n, m.Destination); ok && now.RW && !m.RW {
			out = append(out, m.Destination)
		}
	}
	if len(out) == 0 {
		return ""
	}
	return "may write to " + strings.Join(out, ", ")
}

func newSocket(o, n anatomy) string {
	sockets := func(a anatomy) []string {
		var out []string
		for _, m := range a.mounts {
			if path.Base(m.Source) == "docker.sock" || path.Base(m.Source) == "containerd.sock" {
				out = append(out, m.Source)
			}
		}
		return out
	}
	return gains(sockets(o), sockets(n))
}

func otherSources(o, n anatomy) string {
	var out []string
	for _, m := range o.mounts {
		now, ok := at(n, m.Destination)
		if !ok || m.Type == mount.TypeTmpfs {
			continue
		}
		if from := origin(m); from != origin(now) {
			out = append(out, m.Destination)
		}
	}
	if len(out) == 0 {
		return ""
	}
	return "mounts something else at " + strings.Join(out, ", ")
}

// origin returns where a mount's data is: the name of a volume, or a path of the host.
func origin(m container.MountPoint) string {
	if m.Type == mount.TypeVolume {
		return m.Name
	}
	return m.Source
}

func lostNetworks(o, n anatomy) string { return loses(given(o), keys(n.networks)) }

// given returns the networks that somebody has made and named. The Engine's own connect to nothing in particular.
func given(a anatomy) []string {
	return slices.DeleteFunc(keys(a.networks), func(name string) bool { return slices.Contains(builtin, name) })
}

// builtin are the networks that every Engine has.
var builtin = []string{"bridge", "host", "none"}

func leftDefault(o, n anatomy) string {
	own := func(a anatomy) []string {
		return slices.DeleteFunc(keys(a.networks), func(name string) bool { return !slices.Contains(builtin, name) })
	}
	return loses(own(o), own(n))
}

func lostAliases(o, n anatomy) string {
	var out []string
	for name, was := range o.networks {
		is, ok := n.networks[name]
		if !ok || was == nil || is == nil {
			continue
		}
		for _, alias := range was.Aliases {
			if !slices.Contains(is.Aliases, alias) && !isID(alias) {
				out = append(out, alias+" on "+name)
			}
		}
	}
	return loses(out, nil)
}

// isID tells whether an alias is the beginning of a container's id, which the Engine adds by itself.
func isID(alias string) bool {
	return len(alias) == 12 && strings.Trim(alias, "0123456789abcdef") == ""
}

func weakerUser(o, n anatomy) string {
	root := func(user string) bool {
		name, _, _ := strings.Cut(user, ":")
		return name == "" || name == "root" || name == "0"
	}
	if !root(o.config.User) && root(n.config.User) {
		return fmt.Sprintf("runs as root, where it was %q", o.config.User)
	}
	return ""
}

func healthcheckGone(o, n anatomy) string {
	has := func(a anatomy) bool {
		h := a.config.Healthcheck
		return h != nil && len(h.Test) > 0 && h.Test[0] != "NONE"
	}
	if has(o) && !has(n) {
		return "has none"
	}
	return ""
}

func lostLabels(o, n anatomy) string {
	was := slices.DeleteFunc(keys(o.config.Labels), func(l string) bool {
		return strings.HasPrefix(l, "com.docker.compose.") || strings.HasPrefix(l, "fairlead.")
	})
	return loses(was, keys(n.config.Labels))
}

func lostPorts(o, n anatomy) string {
	return loses(published(o), published(n))
}

func published(a anatomy) []string {
	var out []string
	for port, bindings := range a.host.PortBindings {
		for _, b := range bindings {
			out = append(out, b.HostPort+":"+string(port))
		}
	}
	return out
}

// widerPorts finds ports that were open on an address of this machine alone, and are open on all.
func widerPorts(o, n anatomy) string {
	wide := func(ip string) bool { return ip == "" || ip == "0.0.0.0" || ip == "::" }
	var out []string
	for port, bindings := range n.host.PortBindings {
		for _, b := range bindings {
			for _, was := range o.host.PortBindings[port] {
				if was.HostPort == b.HostPort && !wide(was.HostIP) && wide(b.HostIP) {
					out = append(out, b.HostPort)
				}
			}
		}
	}
	if len(out) == 0 {
		return ""
	}
	slices.Sort(out)
	return "opens port " + strings.Join(slices.Compact(out), ", ") + " on every address"
}

func higherUlimits(o, n anatomy) string {
	var out []string
	for _, was := range o.host.Ulimits {
		i := slices.IndexFunc(n.host.Ulimits, func(u *container.Ulimit) bool { return u.Name == was.Name })
		if i < 0 {
			out = append(out, was.Name)
		} else if is := n.host.Ulimits[i]; is.Hard > was.Hard || is.Hard < 0 && was.Hard >= 0 {
			out = append(out, was.Name)
		}
	}
	if len(out) == 0 {
		return ""
	}
	return "is less limited in " + strings.Join(out, ", ")
}

func devices(a anatomy) []string {
	var out []string
	for _, d := range a.host.Devices {
		out = append(out, d.PathOnHost)
	}
	return out
}

// capabilities returns their names in one form.
func capabilities(all []string) []string {
	var out []string
	for _, c := range all {
		out = append(out, strings.TrimPrefix(strings.ToUpper(c), "CAP_"))
	}
	return out
}

// securityOptions returns those that restrict, in one form.
func securityOptions(all []string) []string {
	var out []string
	for _, o := range all {
		name, value, _ := strings.Cut(strings.Replace(o, ":", "=", 1), "=")
		switch {
		case name == "no-new-privileges" && (value == "" || value == "true"):
			out = append(out, name)
		case value != "unconfined" && value != "disable" && value != "false":
			out = append(out, name+"="+short(value))
		}
	}
	return out
}

// switchedOff returns those that lift a restriction.
func switchedOff(all []string) []string {
	var out []string
	for _, o := range all {
		if strings.HasSuffix(o, "unconfined") || strings.HasSuffix(o, "disable") {
			out = append(out, o)
		}
	}
	return out
}

func swappiness(a anatomy) int64 {
	if a.host.MemorySwappiness == nil || *a.host.MemorySwappiness < 0 {
		return -1
	}
	return *a.host.MemorySwappiness
}

func value(p *int64) int64 {
	if p == nil {
		return 0
	}
	return *p
}

func isTrue(p *bool) bool { return p != nil && *p }

// names returns the names of variables.
func names(env []string) []string {
	var out []string
	for _, entry := range env {
		name, _, _ := strings.Cut(entry, "=")
		out = append(out, name)
	}
	return out
}

func keys[K ~string, V any](m map[K]V) []string {
	var out []string
	for k := range maps.Keys(m) {
		out = append(out, string(k))
	}
	return out
}

// unbound splits a bind in the Engine's older form.
func unbound(bind string) (source, target string, readOnly bool) {
	source, rest, _ := strings.Cut(bind, ":")
	target, options, _ := strings.Cut(rest, ":")
	return source, target, slices.Contains(strings.Split(options, ","), "ro")
}
