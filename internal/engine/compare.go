package engine

import (
	"cmp"
	"context"
	"maps"
	"regexp"
	"slices"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// anatomy is a container as two of them are compared: what it is configured with, and what it is joined to.
type anatomy struct {
	config   *container.Config
	host     *container.HostConfig
	networks map[string]*network.EndpointSettings
	mounts   []container.MountPoint
}

func anatomyOf(c container.InspectResponse) anatomy {
	return anatomy{c.Config, c.HostConfig, c.NetworkSettings.Networks, c.Mounts}
}

// Compare says how the container that r asks for will differ from the one that it replaces, whose image and r's are on
// the host. Nothing is changed. An old container that is gone is a NotFound fault.
func (e *Engine) Compare(ctx context.Context, r workload.Replacement) (workload.Comparison, error) {
	if r.Old == nil {
		return workload.Comparison{}, nil
	}
	old, err := e.inspect(ctx, r.Old.ID)
	if err != nil {
		return workload.Comparison{}, err
	}
	r.Unit.Service, err = e.carrying(ctx, r)
	if err != nil {
		return workload.Comparison{}, err
	}
	d, err := define(r)
	if err != nil {
		return workload.Comparison{}, err
	}
	img, err := e.api.ImageInspect(ctx, d.config.Image)
	if err != nil {
		return workload.Comparison{}, e.failed(err, "look at image %s", r.Release.Image)
	}
	c := compared(anatomyOf(old), d.anatomy(img), foretold)
	c.Carried = carried(r.Unit.Service, old)
	return c, nil
}

// sameOrTold returns a fault when what the Engine has made of the definition is weaker than the old container in a way that
// was not predicted, or has lost something. The old one is not touched by then.
func sameOrTold(old, fresh container.InspectResponse, allowWeaker bool) error {
	c := compared(anatomyOf(old), anatomyOf(fresh), every)
	found := c.Lost
	if !allowWeaker {
		found = append(found, c.Weaker...)
	}
	var problems []fault.Problem
	for _, d := range found {
		problems = append(problems, fault.Problem{Where: nameOf(old) + ", " + d.Field, What: "the new container " + d.What})
	}
	return fault.Many(fault.Refused, "the new container was made and not started, and the old one was not touched", problems)
}

// against compares the new container, as the Engine has made it, with the old one before that is touched, and returns
// what could not be told before.
func (e *Engine) against(ctx context.Context, r workload.Replacement, fresh container.InspectResponse) ([]workload.Difference, error) {
	old, err := e.inspect(ctx, r.Old.ID)
	if gone(err) {
		return nil, nil // which is said where it is to be set aside
	}
	if err != nil {
		return nil, err
	}
	fresh, err = e.inspect(ctx, fresh.ID) // with all its networks
	if err != nil {
		return nil, err
	}
	return compared(anatomyOf(old), anatomyOf(fresh), unforetold).Changed, sameOrTold(old, fresh, r.AllowWeaker)
}

// anatomy predicts the container that the Engine will make of the definition and the image.
func (d definition) anatomy(img image.InspectResponse) anatomy {
	config := *d.config
	config.Labels = maps.Clone(config.Labels)
	volumes := map[string]struct{}{}
	if defaults := img.Config; defaults != nil {
		config.User = cmp.Or(config.User, defaults.User)
		config.WorkingDir = cmp.Or(config.WorkingDir, defaults.WorkingDir)
		config.StopSignal = cmp.Or(config.StopSignal, defaults.StopSignal)
		if config.Entrypoint == nil {
			config.Entrypoint = defaults.Entrypoint
			if config.Cmd == nil {
				config.Cmd = defaults.Cmd
			}
		}
		if config.Healthcheck == nil && defaults.Healthcheck != nil {
			config.Healthcheck = &container.HealthConfig{Test: defaults.Healthcheck.Test}
		}
		maps.Copy(config.Labels, defaults.Labels)
		volumes = defaults.Volumes
	}
	a := anatomy{config: &config, host: d.host, networks: map[string]*network.EndpointSettings{}}
	for _, n := range d.networks {
		a.networks[n.name] = n.endpoint
	}
	if mode := string(d.host.NetworkMode); len(d.networks) == 0 {
		a.networks[cmp.Or(mode, network.NetworkBridge)] = &network.EndpointSettings{}
	}
	for _, m := range d.host.Mounts {
		a.mounts = append(a.mounts, container.MountPoint{Type: m.Type, Name: m.Source, Source: m.Source, Destination: m.Target, RW: !m.ReadOnly})
	}
	for _, b := range d.host.Binds {
		source, target, readOnly := unbound(b)
		a.mounts = append(a.mounts, container.MountPoint{Type: mount.TypeBind, Source: source, Destination: target, RW: !readOnly})
	}
	for target := range volumes {
		if !slices.ContainsFunc(a.mounts, func(m container.MountPoint) bool { return m.Destination == target }) {
			a.mounts = append(a.mounts, container.MountPoint{Type: mount.TypeVolume, Destination: target, RW: true})
		}
	}
	return a
}

// anonymous is a name that the Engine gives to a volume which nobody has named.
var anonymous = regexp.MustCompile(`^[0-9a-f]{64}$`)

// carried returns the anonymous volumes of the old container at whose places s mounts nothing of its own: the data in them
// would be left behind.
func carried(s workload.Service, old container.InspectResponse) []workload.Mount {
	var out []workload.Mount
	for _, m := range old.Mounts {
		if m.Type != mount.TypeVolume || !anonymous.MatchString(m.Name) {
			continue
		}
		_, temporary := s.Tmpfs[m.Destination]
		own := slices.IndexFunc(s.Mounts, func(o workload.Mount) bool { return o.Target == m.Destination })
		switch {
		case temporary || own >= 0 && (s.Mounts[own].Type != "volume" || s.Mounts[own].Source != "" && s.Mounts[own].Source != m.Name):
			continue
		}
		out = append(out, workload.Mount{Type: "volume", Source: m.Name, Target: m.Destination, ReadOnly: !m.RW})
	}
	return out
}

// carrying returns the service of r with the anonymous volumes of the container that it replaces.
func (e *Engine) carrying(ctx context.Context, r workload.Replacement) (workload.Service, error) {
	s := r.Unit.Service
	if r.Old == nil {
		return s, nil
	}
	old, err := e.inspect(ctx, r.Old.ID)
	if gone(err) {
		return s, nil // which is said where it is to be set aside
	}
	if err != nil {
		return s, err
	}
	more := carried(s, old)
	s.Mounts = slices.DeleteFunc(slices.Clone(s.Mounts), func(m workload.Mount) bool {
		return m.Type == "volume" && m.Source == "" && slices.ContainsFunc(more, func(c workload.Mount) bool { return c.Target == m.Target })
	})
	s.Mounts = append(s.Mounts, more...)
	return s, nil
}
