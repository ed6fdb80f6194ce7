package engine

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/docker/docker/api/types/container"

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
		{"Config.Volumes", notable, false, func(o, n anatomy) string {
			return loses(keys(o.config.Volumes), slices.Concat(keys(n.config.Volumes), destinations(n)))
		}},
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
