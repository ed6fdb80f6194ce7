package draft

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/capakraken/fairlead/internal/workload"
)

// services writes the definitions, or where they are.
func (a App) services(p *paper) {
	p.line("")
	if a.Compose != nil {
		p.remark(4, "The services, as the Compose file defines them. They are replaced one after the other, in this order, and reverted together.")
		p.line("    compose:")
		p.line("      file: %s", quoted(a.Compose.File))
		if a.Compose.Project != "" {
			p.line("      project: %s", quoted(a.Compose.Project))
		}
		var names []string
		for _, s := range a.Services {
			names = append(names, quoted(s.Name))
		}
		p.line("      services: [%s]", strings.Join(names, ", "))
		return
	}
	p.remark(4, "The containers, in Compose syntax, with what differs from their image. They are replaced one after the other, in this order, and reverted together. A container that bears the container_name is taken over.")
	p.line("    services:")
	for _, s := range a.Services {
		s.write(p)
	}
}

// write writes one definition, with what it could not take over.
func (s Service) write(p *paper) {
	p.line("      %s:", quoted(s.Name))
	if len(s.Beyond) > 0 {
		p.remark(8, "CHANGE: the container has settings that a definition cannot express, and the next one will not have them: %s", strings.Join(s.Beyond, ", "))
	}
	if len(s.Withheld) > 0 {
		p.remark(8, "CHANGE: these held a secret, which was left out. It belongs into the env file, and the app must take it from its environment: %s", strings.Join(s.Withheld, ", "))
	}
	for _, entry := range entries(*s.Definition, s.Anonymous) {
		p.line("        %s", entry)
	}
}

// lines are the lines of a definition.
type lines []string

// text adds a key with one word.
func (l *lines) text(key, value string) {
	if value != "" {
		*l = append(*l, key+": "+composed(value))
	}
}

// raw adds a key with a value that is YAML already.
func (l *lines) raw(key, value string) { *l = append(*l, key+": "+value) }

// number adds a key with a number that is not 0.
func (l *lines) number(key string, n int64) {
	if n != 0 {
		l.raw(key, strconv.FormatInt(n, 10))
	}
}

func (l *lines) flag(key string, set bool) {
	if set {
		l.raw(key, "true")
	}
}

// list adds a key with a list on one line.
func (l *lines) list(key string, texts []string) {
	if len(texts) > 0 {
		l.raw(key, composedList(texts))
	}
}

// block adds a key with entries below it.
func (l *lines) block(key string, entries []string) {
	if len(entries) == 0 {
		return
	}
	*l = append(*l, key+":")
	for _, e := range entries {
		*l = append(*l, "  "+e)
	}
}

// entries returns the lines of a definition.
func entries(s workload.Service, anonymous []string) []string {
	var l lines
	l.text("container_name", s.ContainerName)
	l.list("entrypoint", s.Entrypoint)
	if s.Entrypoint != nil && len(s.Entrypoint) == 0 {
		l.raw("entrypoint", "[]") // the image's own is switched off
	}
	l.list("command", s.Command)
	l.block("ports", ports(s.Ports))
	l.block("volumes", mounts(s.Mounts, anonymous))
	l.block("tmpfs", mapped(s.Tmpfs, func(path, options string) string { return "- " + composed(strings.TrimSuffix(path+":"+options, ":")) }))
	l.block("networks", networks(s.Networks))
	l.text("network_mode", s.NetworkMode)
	l.list("extra_hosts", s.ExtraHosts)
	l.text("hostname", s.Hostname)
	l.text("user", s.User)
	l.text("working_dir", s.WorkingDir)
	l.text("restart", restart(s.Restart))
	if s.StopGracePeriod != nil {
		l.text("stop_grace_period", s.StopGracePeriod.String())
	}
	l.text("stop_signal", s.StopSignal)
	l.block("labels", mapped(s.Labels, func(name, value string) string { return quoted(name) + ": " + composed(value) }))
	l.list("cap_add", s.CapAdd)
	l.list("cap_drop", s.CapDrop)
	l.list("security_opt", s.SecurityOpt)
	l.flag("read_only", s.ReadOnly)
	if s.Init != nil {
		l.raw("init", strconv.FormatBool(*s.Init))
	}
	l.number("shm_size", s.ShmSize)
	l.block("ulimits", ulimits(s.Ulimits))
	l.limits(s.Resources)
	if s.Logging != nil {
		l.logging(*s.Logging)
	}
	if s.Healthcheck != nil {
		l.block("healthcheck", healthcheck(*s.Healthcheck))
	}
	return l
}

func (l *lines) limits(r workload.Resources) {
	l.number("mem_limit", r.MemoryBytes)
	l.number("mem_reservation", r.MemoryReservationBytes)
	l.number("memswap_limit", r.MemorySwapBytes)
	if r.NanoCPUs != 0 {
		l.raw("cpus", strconv.FormatFloat(float64(r.NanoCPUs)/1e9, 'f', -1, 64))
	}
	l.number("cpu_shares", r.CPUShares)
	l.number("pids_limit", r.PidsLimit)
}

func (l *lines) logging(g workload.Logging) {
	*l = append(*l, "logging:", "  driver: "+composed(g.Driver))
	if len(g.Options) > 0 {
		*l = append(*l, "  options:")
		for _, o := range mapped(g.Options, func(name, value string) string { return quoted(name) + ": " + composed(value) }) {
			*l = append(*l, "    "+o)
		}
	}
}

// mapped returns a line for each entry, in the order of the names.
func mapped(m map[string]string, line func(name, value string) string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		out = append(out, line(name, m[name]))
	}
	return out
}

func ports(all []workload.Port) []string {
	var out []string
	for _, p := range all {
		target := strconv.Itoa(int(p.ContainerPort))
		entry := "- {target: " + target
		if p.HostPort != "" {
			entry += ", published: " + strconv.Quote(p.HostPort)
		}
		if p.HostIP != "" {
			entry += ", host_ip: " + strconv.Quote(p.HostIP)
		}
		out = append(out, entry+", protocol: "+p.Protocol+"}")
	}
	return out
}

func mounts(all []workload.Mount, anonymous []string) []string {
	var out []string
	for _, m := range all {
		entry := "- {type: " + m.Type
		if m.Source != "" {
			entry += ", source: " + composed(m.Source)
		}
		entry += ", target: " + composed(m.Target)
		if m.ReadOnly {
			entry += ", read_only: true"
		}
		switch {
		case m.Propagation != "":
			entry += ", bind: {propagation: " + m.Propagation + "}"
		case m.NoCopy:
			entry += ", volume: {nocopy: true}"
		case m.TmpfsSize != 0 && m.TmpfsMode != 0:
			entry += ", tmpfs: {size: " + strconv.FormatInt(m.TmpfsSize, 10) + ", mode: 0" + strconv.FormatUint(uint64(m.TmpfsMode), 8) + "}"
		case m.TmpfsSize != 0:
			entry += ", tmpfs: {size: " + strconv.FormatInt(m.TmpfsSize, 10) + "}"
		}
		entry += "}"
		if slices.Contains(anonymous, m.Source) {
			entry += " # a volume that nobody has named: it is carried over by the name that the Engine gave it"
		}
		out = append(out, entry)
	}
	return out
}

func networks(all []workload.Network) []string {
	var out []string
	for _, n := range all {
		var keys []string
		if len(n.Aliases) > 0 {
			keys = append(keys, "aliases: "+composedList(n.Aliases))
		}
		if n.IPv4Address != "" {
			keys = append(keys, "ipv4_address: "+quoted(n.IPv4Address))
		}
		if n.IPv6Address != "" {
			keys = append(keys, "ipv6_address: "+quoted(n.IPv6Address))
		}
		out = append(out, quoted(n.Name)+": {"+strings.Join(keys, ", ")+"}")
	}
	return out
}

func restart(p workload.RestartPolicy) string {
	if p.MaxRetries > 0 {
		return p.Name + ":" + strconv.Itoa(p.MaxRetries)
	}
	return p.Name
}

func ulimits(all []workload.Ulimit) []string {
	var out []string
	for _, u := range all {
		out = append(out, quoted(u.Name)+": {soft: "+strconv.FormatInt(u.Soft, 10)+", hard: "+strconv.FormatInt(u.Hard, 10)+"}")
	}
	return out
}

func healthcheck(h workload.Healthcheck) []string {
	var l lines
	l.list("test", h.Test)
	for _, span := range []struct {
		key string
		d   time.Duration
	}{{"interval", h.Interval}, {"timeout", h.Timeout}, {"start_period", h.StartPeriod}, {"start_interval", h.StartInterval}} {
		if span.d != 0 {
			l.text(span.key, span.d.String())
		}
	}
	l.number("retries", int64(h.Retries))
	return l
}
