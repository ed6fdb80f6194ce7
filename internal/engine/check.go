package engine

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strconv"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/versions"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// Check returns what would keep the services from being started on this host, without changing anything: missing
// networks and directories, names and ports that others hold, containers that cannot be kept when they are stopped.
func (e *Engine) Check(ctx context.Context, k workload.Key, services []workload.Service) ([]fault.Problem, error) {
	running, err := e.listed(ctx, container.ListOptions{})
	if err != nil {
		return nil, err
	}
	checks := []func(context.Context, workload.Key, workload.Service) ([]fault.Problem, error){
		e.checkName, e.checkNetworks, e.checkVolumes, e.checkHealthcheck,
	}
	var out []fault.Problem
	for _, s := range services {
		for _, check := range checks {
			problems, err := check(ctx, k, s)
			if err != nil {
				return nil, err
			}
			out = append(out, problems...)
		}
		if e.local() {
			out = append(out, missingSources(s)...)
		}
		out = append(out, takenPorts(s, foreign(k, services, running))...)
	}
	return out, nil
}

// checkName finds the container that holds the service's final name, where it is not the app's own.
func (e *Engine) checkName(ctx context.Context, k workload.Key, s workload.Service) ([]fault.Problem, error) {
	final := s.FinalName(k)
	c, ok, err := e.byName(ctx, final)
	if err != nil || !ok {
		return nil, err
	}
	who, labelled := owner(c.Config.Labels)
	if labelled && who == k || madeByCompose(c, s) && !c.HostConfig.AutoRemove {
		return nil, nil
	}
	p := fault.Problem{Where: "service " + s.Name}
	switch {
	case labelled:
		p.What = "container " + final + " belongs to " + inWords(who)
		p.Fix = "give the service another container_name"
	case s.ContainerName == "":
		p.What = "a container called " + final + " exists, and Fairlead did not make it"
		p.Fix = "set container_name: " + final + " to take it over, or remove it"
	case c.HostConfig.AutoRemove:
		p.What = "container " + final + " was started with --rm, so that stopping it would delete it, and nothing could be restored"
		p.Fix = "start it again without --rm, or stop it first"
	default:
		return nil, nil
	}
	return []fault.Problem{p}, nil
}

// checkNetworks finds the service's networks that do not exist.
func (e *Engine) checkNetworks(ctx context.Context, _ workload.Key, s workload.Service) ([]fault.Problem, error) {
	var out []fault.Problem
	for _, n := range s.Networks {
		_, err := e.api.NetworkInspect(ctx, n.Name, network.InspectOptions{})
		if gone(err) {
			out = append(out, fault.Problem{Where: "service " + s.Name, What: "network " + n.Name + " does not exist", Fix: create(s, "network", n.Name, n.External)})
			continue
		}
		if err != nil {
			return nil, e.failed(err, "look at network %s", n.Name)
		}
	}
	return out, nil
}

// checkVolumes finds the volumes of a service in a Compose project that do not exist. The Engine would make them silently,
// and empty.
func (e *Engine) checkVolumes(ctx context.Context, _ workload.Key, s workload.Service) ([]fault.Problem, error) {
	if s.Project == nil {
		return nil, nil
	}
	var out []fault.Problem
	for _, m := range s.Mounts {
		if m.Type != "volume" || m.Source == "" {
			continue
		}
		_, err := e.api.VolumeInspect(ctx, m.Source)
		if gone(err) {
			out = append(out, fault.Problem{Where: "service " + s.Name, What: "volume " + m.Source + " does not exist, and would begin empty",
				Fix: "if its data is elsewhere, correct its name or the project's; else " + create(s, "volume", m.Source, m.External)})
			continue
		}
		if err != nil {
			return nil, e.failed(err, "look at volume %s", m.Source)
		}
	}
	return out, nil
}

// create returns how a network or a volume comes into being: by hand, or by the Compose project that it belongs to, which
// would take no other for its own.
func create(s workload.Service, kind, name string, external bool) string {
	if s.Project == nil || external {
		return "create it: docker " + kind + " create " + name
	}
	command := "docker compose -p " + s.Project.Name
	for _, file := range s.Project.Files {
		command += " -f " + file
	}
	return "let Compose create it: " + command + " up --no-start"
}

// checkHealthcheck finds a start_interval that the Engine is too old for.
func (e *Engine) checkHealthcheck(_ context.Context, _ workload.Key, s workload.Service) ([]fault.Problem, error) {
	if s.Healthcheck == nil || s.Healthcheck.StartInterval == 0 || !versions.LessThan(e.api.ClientVersion(), "1.44") {
		return nil, nil
	}
	return []fault.Problem{{Where: "service " + s.Name, What: "healthcheck.start_interval needs Docker Engine 25 or later", Fix: "remove it, or upgrade the Engine"}}, nil
}

// missingSources finds the host directories and files that are to be mounted and do not exist.
func missingSources(s workload.Service) []fault.Problem {
	var out []fault.Problem
	for _, m := range s.Mounts {
		if m.Type != "bind" || m.CreateHost {
			continue
		}
		// Any other error says nothing of what the Engine, which is root, would find.
		if _, err := os.Stat(m.Source); errors.Is(err, fs.ErrNotExist) {
			out = append(out, fault.Problem{Where: "service " + s.Name, What: "the bind mount's source " + m.Source + " does not exist on the host", Fix: "create it, or set bind.create_host_path"})
		}
	}
	return out
}

// foreign returns those of the running containers that the rollout will not replace.
func foreign(k workload.Key, services []workload.Service, running []container.InspectResponse) []container.InspectResponse {
	var out []container.InspectResponse
	for _, c := range running {
		who, labelled := owner(c.Config.Labels)
		adopted := slices.ContainsFunc(services, func(s workload.Service) bool {
			return s.ContainerName == nameOf(c) || madeByCompose(c, s)
		})
		if who != k && (labelled || !adopted) {
			out = append(out, c)
		}
	}
	return out
}

// takenPorts finds the published ports of s that one of others holds. A range is left to the Engine, which takes a free
// one of it.
func takenPorts(s workload.Service, others []container.InspectResponse) []fault.Problem {
	var out []fault.Problem
	for _, p := range s.Ports {
		if _, err := strconv.ParseUint(p.HostPort, 10, 16); err != nil {
			continue
		}
		if name := holder(p, others); name != "" {
			out = append(out, fault.Problem{Where: "service " + s.Name, What: "host port " + p.HostPort + "/" + p.Protocol + " is already published by container " + name, Fix: "stop that container, or publish another port"})
		}
	}
	return out
}

// holder returns the name of the container that publishes p already, or nothing.
func holder(p workload.Port, others []container.InspectResponse) string {
	for _, c := range others {
		for port, bindings := range c.NetworkSettings.Ports {
			for _, b := range bindings {
				if port.Proto() == p.Protocol && b.HostPort == p.HostPort && overlap(p.HostIP, b.HostIP) {
					return nameOf(c)
				}
			}
		}
	}
	return ""
}

// overlap reports whether two host addresses cannot both have one port. No address, and an unspecified one, stand for
// all of the host's.
func overlap(a, b string) bool {
	x, errX := netip.ParseAddr(a)
	y, errY := netip.ParseAddr(b)
	everywhere := errX != nil || errY != nil || x.IsUnspecified() || y.IsUnspecified()
	return everywhere || x == y
}
