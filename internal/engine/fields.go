package engine

import (
	"fmt"
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"

	"github.com/capakraken/fairlead/internal/workload"
)

// class is what it means that a field differs.
type class int

const (
	hardening class = iota // the comparison says whether it gets weaker
	loss                   // what is gone is missed: never without somebody's decision
	notable                // worth a word
)

// field is one field of a container that is compared. Its says returns what is different in words, or nothing; it never
// quotes a value that may be a secret.
type field struct {
	name     string
	class    class
	foretold bool // the definition alone tells it, before the container is made
	says     func(old, fresh anatomy) string
}

// What is picked of the fields: those that can be compared before the container is made, the others, or every one.
func foretold(f field) bool   { return f.foretold }
func unforetold(f field) bool { return !f.foretold }
func every(field) bool        { return true }

// compared compares the fields that pick takes.
func compared(old, fresh anatomy, pick func(field) bool) workload.Comparison {
	var c workload.Comparison
	for _, f := range fields() {
		if !pick(f) {
			continue
		}
		what := f.says(old, fresh)
		if what == "" {
			continue
		}
		d := workload.Difference{Field: f.name, What: what}
		switch f.class {
		case hardening:
			c.Weaker = append(c.Weaker, d)
		case loss:
			c.Lost = append(c.Lost, d)
		case notable:
			c.Changed = append(c.Changed, d)
		}
	}
	return c
}

// fields returns all that is compared. A test holds it against the Engine's own types: a field that is not here stands in
// its list of those that need not be, with the reason.
func fields() []field {
	return slices.Concat(
		[]field{
			{"Mounts", loss, true, lostMounts},
			{"Mounts.RW", hardening, true, writableMounts},
			{"Mounts (the Engine's socket)", hardening, true, newSocket},
			{"Mounts.Source", notable, true, otherSources},
			{"NetworkSettings.Networks", loss, true, lostNetworks},
			{"HostConfig.NetworkMode (the default)", notable, true, leftDefault},
			{"NetworkSettings.Networks.Aliases", notable, false, lostAliases},
			{"Config.User", hardening, true, weakerUser},
			{"Config.Healthcheck", notable, true, healthcheckGone},
			{"Config.Labels", notable, true, lostLabels},
			{"HostConfig.PortBindings", notable, true, lostPorts},
			{"HostConfig.PortBindings.HostIp", hardening, true, widerPorts},
		},
		onConfig(), onHost(), onResources())
}

func onConfig() []field {
	type c = container.Config
	text := func(name string, foretold bool, get func(*c) string) field {
		return field{"Config." + name, notable, foretold, func(o, n anatomy) string { return differs(get(o.config), get(n.config)) }}
	}
	list := func(name string, get func(*c) []string) field {
		return field{"Config." + name, notable, true, func(o, n anatomy) string {
			return unlike(slices.Equal(get(o.config), get(n.config))) // its words may hold a secret
		}}
	}
	return []field{
		text("WorkingDir", true, func(c *c) string { return c.WorkingDir }),
		text("StopSignal", true, func(c *c) string { return c.StopSignal }),
		text("Domainname", true, func(c *c) string { return c.Domainname }),
		list("Cmd", func(c *c) []string { return c.Cmd }),
		list("Entrypoint", func(c *c) []string { return c.Entrypoint }),
		{"Config.StopTimeout", notable, true, func(o, n anatomy) string {
			return unlike(reflect.DeepEqual(o.config.StopTimeout, n.config.StopTimeout))
		}},
		{"Config.Tty", notable, true, func(o, n anatomy) string { return unlike(o.config.Tty == n.config.Tty) }},
		{"Config.OpenStdin", notable, true, func(o, n anatomy) string { return unlike(o.config.OpenStdin == n.config.OpenStdin) }},
		{"Config.ExposedPorts", notable, false, func(o, n anatomy) string { return loses(keys(o.config.ExposedPorts), keys(n.config.ExposedPorts)) }},
		{"Config.Volumes", notable, false, func(o, n anatomy) string { return loses(keys(o.config.Volumes), keys(n.config.Volumes)) }},
		{"Config.Env", notable, false, func(o, n anatomy) string { return loses(names(o.config.Env), names(n.config.Env)) }},
	}
}

func onHost() []field {
	type h = container.HostConfig
	flag := func(name string, safe bool, get func(*h) bool) field {
		return field{"HostConfig." + name, hardening, true, func(o, n anatomy) string {
			if was, is := get(o.host), get(n.host); was == safe && is != safe {
				return fmt.Sprintf("has %t, where it was %t", is, was)
			}
			return ""
		}}
	}
	shared := func(name string, get func(*h) string) field {
		return field{"HostConfig." + name, hardening, true, func(o, n anatomy) string {
			return joins(get(o.host), get(n.host))
		}}
	}
	more := func(name string, foretold bool, get func(*h) []string) field {
		return field{"HostConfig." + name, hardening, foretold, func(o, n anatomy) string { return gains(get(o.host), get(n.host)) }}
	}
	fewer := func(name string, foretold bool, get func(*h) []string) field {
		return field{"HostConfig." + name, hardening, foretold, func(o, n anatomy) string { return loses(get(o.host), get(n.host)) }}
	}
	lost := func(name string, get func(*h) []string) field {
		return field{"HostConfig." + name, notable, true, func(o, n anatomy) string { return loses(get(o.host), get(n.host)) }}
	}
	text := func(name string, foretold bool, get func(*h) string) field {
		return field{"HostConfig." + name, notable, foretold, func(o, n anatomy) string { return differs(get(o.host), get(n.host)) }}
	}
	return []field{
		flag("Privileged", false, func(h *h) bool { return h.Privileged }),
		flag("ReadonlyRootfs", true, func(h *h) bool { return h.ReadonlyRootfs }),
		flag("PublishAllPorts", false, func(h *h) bool { return h.PublishAllPorts }),
		shared("NetworkMode", func(h *h) string { return string(h.NetworkMode) }),
		shared("PidMode", func(h *h) string { return string(h.PidMode) }),
		shared("IpcMode", func(h *h) string { return string(h.IpcMode) }),
		shared("UTSMode", func(h *h) string { return string(h.UTSMode) }),
		shared("UsernsMode", func(h *h) string { return string(h.UsernsMode) }),
		shared("CgroupnsMode", func(h *h) string { return string(h.CgroupnsMode) }),
		more("CapAdd", true, func(h *h) []string { return capabilities(h.CapAdd) }),
		fewer("CapDrop", true, func(h *h) []string { return capabilities(h.CapDrop) }),
		fewer("SecurityOpt", true, func(h *h) []string { return securityOptions(h.SecurityOpt) }),
		more("SecurityOpt (switched off)", true, func(h *h) []string { return switchedOff(h.SecurityOpt) }),
		fewer("MaskedPaths", false, func(h *h) []string { return h.MaskedPaths }),
		fewer("ReadonlyPaths", false, func(h *h) []string { return h.ReadonlyPaths }),
		more("GroupAdd", true, func(h *h) []string { return h.GroupAdd }),
		more("Sysctls", true, func(h *h) []string { return keys(h.Sysctls) }),
		lost("ExtraHosts", func(h *h) []string { return h.ExtraHosts }),
		lost("DNS", func(h *h) []string { return h.DNS }),
		lost("DNSOptions", func(h *h) []string { return h.DNSOptions }),
		lost("DNSSearch", func(h *h) []string { return h.DNSSearch }),
		lost("Links", func(h *h) []string { return h.Links }),
		lost("VolumesFrom", func(h *h) []string { return h.VolumesFrom }),
		lost("Tmpfs", func(h *h) []string { return keys(h.Tmpfs) }),
		lost("StorageOpt", func(h *h) []string { return keys(h.StorageOpt) }),
		text("Runtime", false, func(h *h) string { return h.Runtime }),
		text("LogConfig.Type", false, func(h *h) string { return h.LogConfig.Type }),
		{"HostConfig.LogConfig.Config", notable, false, func(o, n anatomy) string { return loses(keys(o.host.LogConfig.Config), keys(n.host.LogConfig.Config)) }},
		{"HostConfig.ShmSize", notable, false, func(o, n anatomy) string { return unlike(o.host.ShmSize == n.host.ShmSize) }},
		{"HostConfig.OomScoreAdj", notable, true, func(o, n anatomy) string { return unlike(o.host.OomScoreAdj == n.host.OomScoreAdj) }},
		{"HostConfig.Init", notable, true, func(o, n anatomy) string { return unlike(isTrue(o.host.Init) == isTrue(n.host.Init)) }},
	}
}

// later returns a field that shows only when the container is made.
func later(f field) field {
	f.foretold = false
	return f
}

func onResources() []field {
	type r = container.Resources
	limit := func(name string, get func(r) int64) field {
		return field{"HostConfig." + name, hardening, true, func(o, n anatomy) string {
			was, is := get(o.host.Resources), get(n.host.Resources)
			switch {
			case was <= 0 || is > 0 && is <= was:
				return ""
			case is <= 0:
				return fmt.Sprintf("has no limit, where it was %d", was)
			}
			return fmt.Sprintf("has %d, where it was %d", is, was)
		}}
	}
	number := func(name string, get func(r) int64) field {
		return field{"HostConfig." + name, notable, true, func(o, n anatomy) string {
			if was, is := get(o.host.Resources), get(n.host.Resources); was != is {
				return fmt.Sprintf("has %d, where it was %d", is, was)
			}
			return ""
		}}
	}
	return []field{
		limit("Memory", func(r r) int64 { return r.Memory }),
		later(limit("MemorySwap", func(r r) int64 { return r.MemorySwap })), // the Engine makes one of Memory
		limit("NanoCpus", func(r r) int64 { return r.NanoCPUs }),
		limit("CpuQuota", func(r r) int64 { return r.CPUQuota }),
		limit("CpuRealtimeRuntime", func(r r) int64 { return r.CPURealtimeRuntime }),
		limit("PidsLimit", func(r r) int64 { return value(r.PidsLimit) }),
		limit("BlkioDeviceReadBps", func(r r) int64 { return int64(len(r.BlkioDeviceReadBps)) }),
		limit("BlkioDeviceWriteBps", func(r r) int64 { return int64(len(r.BlkioDeviceWriteBps)) }),
		number("MemoryReservation", func(r r) int64 { return r.MemoryReservation }),
		number("CpuShares", func(r r) int64 { return r.CPUShares }),
		number("CpuPeriod", func(r r) int64 { return r.CPUPeriod }),
		number("BlkioWeight", func(r r) int64 { return int64(r.BlkioWeight) }),
		{"HostConfig.MemorySwappiness", notable, true, func(o, n anatomy) string { return unlike(swappiness(o) == swappiness(n)) }},
		{"HostConfig.CpusetCpus", notable, true, func(o, n anatomy) string { return differs(o.host.CpusetCpus, n.host.CpusetCpus) }},
		{"HostConfig.CpusetMems", notable, true, func(o, n anatomy) string { return differs(o.host.CpusetMems, n.host.CpusetMems) }},
		{"HostConfig.CgroupParent", notable, true, func(o, n anatomy) string { return differs(o.host.CgroupParent, n.host.CgroupParent) }},
		{"HostConfig.OomKillDisable", hardening, true, func(o, n anatomy) string {
			if !isTrue(o.host.OomKillDisable) && isTrue(n.host.OomKillDisable) {
				return "is never killed for want of memory"
			}
			return ""
		}},
		{"HostConfig.Devices", hardening, true, func(o, n anatomy) string { return gains(devices(o), devices(n)) }},
		{"HostConfig.DeviceCgroupRules", hardening, true, func(o, n anatomy) string { return gains(o.host.DeviceCgroupRules, n.host.DeviceCgroupRules) }},
		{"HostConfig.DeviceRequests", notable, true, func(o, n anatomy) string { return unlike(len(o.host.DeviceRequests) == len(n.host.DeviceRequests)) }},
		{"HostConfig.Ulimits", hardening, true, higherUlimits},
	}
}

// The words.

func differs(was, is string) string {
	if was == is {
		return ""
	}
	return fmt.Sprintf("has %q, where it was %q", is, was)
}

func unlike(same bool) string {
	if same {
		return ""
	}
	return "has another"
}

// loses names what was there and is not any more.
func loses(was, is []string) string {
	gone := slices.DeleteFunc(slices.Clone(was), func(s string) bool { return slices.Contains(is, s) })
	if len(gone) == 0 {
		return ""
	}
	slices.Sort(gone)
	return "loses " + strings.Join(gone, ", ")
}

// gains names what was not there.
func gains(was, is []string) string {
	if fresh := strings.TrimPrefix(loses(is, was), "loses "); fresh != "" {
		return "gains " + fresh
	}
	return ""
}

// joins tells whether a namespace of its own becomes the host's or another container's.
func joins(was, is string) string {
	outside := func(mode string) bool {
		return mode == "host" || strings.HasPrefix(mode, "container:") || mode == "shareable"
	}
	if outside(is) && !outside(was) {
		return "shares the one of " + is
	}
	return ""
}

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
