package compose

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/capakraken/fairlead/internal/workload"
)

var (
	containerName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]+$`)
	engineName    = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)
	hostName      = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,62})$`)
	signal        = regexp.MustCompile(`^(SIG[A-Z0-9]+([+-][0-9]+)?|[A-Z]+[A-Z0-9]*|[0-9]{1,2})$`)
)

// convert turns what compose-go read into a workload. The item says where each key stands, and which keys were read.
func (d *definition) convert(root *item, c types.ServiceConfig) workload.Service {
	s := workload.Service{
		ContainerName:   d.matching(root.get("container_name"), containerName, "letters, digits, dots, hyphens and _, beginning with a letter or digit"),
		Entrypoint:      d.words(root.get("entrypoint"), c.Entrypoint),
		Command:         d.words(root.get("command"), c.Command),
		Ports:           d.ports(root.get("ports"), c.Ports),
		Expose:          d.expose(root.get("expose"), c.Expose),
		Mounts:          d.mounts(root.get("volumes"), c.Volumes),
		Networks:        d.networks(root.get("networks"), c.Networks),
		NetworkMode:     d.networkMode(root),
		User:            c.User,
		WorkingDir:      d.directory(root.get("working_dir")),
		Restart:         d.restart(root.get("restart")),
		StopGracePeriod: d.stopGracePeriod(root.get("stop_grace_period"), c.StopGracePeriod),
		StopSignal:      d.matching(root.get("stop_signal"), signal, "SIGTERM, SIGINT or another signal's name or number"),
		Hostname:        d.matching(root.get("hostname"), hostName, "letters, digits, dots and hyphens"),
		ExtraHosts:      d.extraHosts(root.get("extra_hosts"), c.ExtraHosts),
		CapAdd:          c.CapAdd,
		CapDrop:         c.CapDrop,
		SecurityOpt:     d.securityOpt(root.get("security_opt"), c.SecurityOpt),
		ReadOnly:        c.ReadOnly,
		Tmpfs:           d.tmpfs(root.get("tmpfs"), c.Tmpfs),
		Ulimits:         ulimits(c.Ulimits),
		Resources:       d.resources(root, c),
		Logging:         logging(c.Logging),
		Healthcheck:     d.healthcheck(root.get("healthcheck"), c.HealthCheck),
		Init:            c.Init,
		ShmSize:         d.positive(root.get("shm_size"), int64(c.ShmSize)),
	}
	if command := root.get("command"); command.set() && len(c.Command) == 0 {
		d.bad(command.position, "is empty", "leave it out for the image's own")
	}
	if root.get("entrypoint").set() && len(c.Entrypoint) == 0 {
		s.Entrypoint = []string{""} // the Engine's own way of saying "none"
	}
	d.targets(root, s)
	return s
}

// matching returns a text that has the given form.
func (d *definition) matching(it *item, form *regexp.Regexp, words string) string {
	if it.set() && !form.MatchString(it.text) {
		d.bad(it.position, "is not valid", "use "+words)
		return ""
	}
	return it.text
}

func (d *definition) directory(it *item) string {
	if it.set() && !strings.HasPrefix(it.text, "/") {
		d.bad(it.position, "must be an absolute path", "write it from / on")
	}
	return it.text
}

// restart returns what the Engine does when the container ends; Compose's own default is to do nothing.
func (d *definition) restart(it *item) workload.RestartPolicy {
	name, retries, limited := strings.Cut(it.text, ":")
	policy := workload.RestartPolicy{Name: name}
	n, err := strconv.Atoi(retries)
	switch {
	case !it.set():
		return workload.RestartPolicy{Name: "no"}
	case limited && (name != "on-failure" || err != nil || n < 1):
	case slices.Contains([]string{"no", "always", "unless-stopped", "on-failure"}, name):
		policy.MaxRetries = n
		return policy
	}
	d.bad(it.position, "is not a restart policy", `write "no", always, unless-stopped, on-failure or on-failure:5`)
	return workload.RestartPolicy{Name: "no"}
}

func (d *definition) stopGracePeriod(it *item, period *types.Duration) *time.Duration {
	if period == nil {
		return nil
	}
	grace := time.Duration(*period)
	if grace < 0 || grace > time.Hour {
		d.bad(it.position, "is out of range", "write a duration from 0s to 1h")
	}
	return &grace
}

func (d *definition) securityOpt(it *item, options []string) []string {
	for i, o := range options {
		name, value, _ := strings.Cut(strings.Replace(o, ":", "=", 1), "=")
		if name == "seccomp" && !slices.Contains([]string{"unconfined", "builtin"}, value) {
			d.bad(it.element(i, len(options)), "names a seccomp profile in a file, and no other file is read", "use seccomp=unconfined, or the Engine's own profile by leaving it out")
		}
	}
	return options
}

func ulimits(limits map[string]*types.UlimitsConfig) []workload.Ulimit {
	var out []workload.Ulimit
	for name, u := range limits {
		limit := workload.Ulimit{Name: name, Soft: int64(u.Soft), Hard: int64(u.Hard)}
		if u.Single != 0 {
			limit.Soft, limit.Hard = int64(u.Single), int64(u.Single)
		}
		out = append(out, limit)
	}
	slices.SortFunc(out, func(a, b workload.Ulimit) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func logging(c *types.LoggingConfig) *workload.Logging {
	if c == nil {
		return nil
	}
	return &workload.Logging{Driver: c.Driver, Options: c.Options}
}

// healthcheck returns the service's own check. The Engine refuses spans under a millisecond only when the container is
// made, so they are refused here.
func (d *definition) healthcheck(it *item, c *types.HealthCheckConfig) *workload.Healthcheck {
	if c == nil {
		return nil
	}
	if c.Disable {
		if it.get("test").set() {
			d.bad(it.position, "sets test and disable", "keep one")
		}
		return &workload.Healthcheck{Test: []string{"NONE"}}
	}
	h := &workload.Healthcheck{Test: c.Test}
	if test := it.get("test"); test.set() && !validTest(c.Test) {
		d.bad(test.position, "does not say how to run the check", "begin the list with CMD, CMD-SHELL or NONE, or write one text for the shell")
	}
	if c.Retries != nil {
		h.Retries = int(min(*c.Retries, 1000))
	}
	for _, span := range []struct {
		key  string
		from *types.Duration
		to   *time.Duration
	}{{"interval", c.Interval, &h.Interval}, {"timeout", c.Timeout, &h.Timeout}, {"start_period", c.StartPeriod, &h.StartPeriod}, {"start_interval", c.StartInterval, &h.StartInterval}} {
		if span.from == nil {
			continue
		}
		*span.to = time.Duration(*span.from)
		if *span.to != 0 && *span.to < time.Millisecond {
			d.bad(it.get(span.key).position, "is out of range", "write a duration from 1ms on")
		}
	}
	return h
}

func validTest(test []string) bool {
	switch {
	case len(test) == 0:
		return false
	case test[0] == "NONE":
		return len(test) == 1
	case test[0] == "CMD-SHELL":
		return len(test) == 2 && strings.TrimSpace(test[1]) != ""
	}
	return test[0] == "CMD" && len(test) > 1
}
