package engine

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/go-connections/nat"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// definition is a container as the Engine takes it.
type definition struct {
	config   *container.Config
	host     *container.HostConfig
	networks []joined // the first at create, the others before the start: API 1.41 takes one at create
}

// joined is one network with the container's place on it.
type joined struct {
	name     string
	endpoint *network.EndpointSettings
}

// define translates what r asks for. The container begins with the restart policy no: until it is verified, a crash
// must stay visible.
func define(r workload.Replacement) (definition, error) {
	ref, err := imageRef(r.Release.Image)
	if err != nil {
		return definition{}, err
	}
	s := r.Unit.Service
	exposed, bindings, err := ports(s)
	if err != nil {
		return definition{}, err
	}
	d := definition{
		config: &container.Config{
			Image:        ref,
			Hostname:     s.Hostname,
			User:         s.User,
			WorkingDir:   s.WorkingDir,
			Entrypoint:   entrypoint(s.Entrypoint),
			Cmd:          s.Command,
			Env:          variables(r.Unit.Env),
			Labels:       labels(r),
			ExposedPorts: exposed,
			Healthcheck:  healthcheck(s.Healthcheck),
			StopSignal:   s.StopSignal,
			StopTimeout:  seconds(s.StopGracePeriod),
		},
		host: &container.HostConfig{
			NetworkMode:    networkMode(s),
			PortBindings:   bindings,
			RestartPolicy:  container.RestartPolicy{Name: container.RestartPolicyDisabled},
			ExtraHosts:     s.ExtraHosts,
			CapAdd:         s.CapAdd,
			CapDrop:        s.CapDrop,
			SecurityOpt:    s.SecurityOpt,
			ReadonlyRootfs: s.ReadOnly,
			Tmpfs:          s.Tmpfs,
			ShmSize:        s.ShmSize,
			Init:           s.Init,
			Resources:      resources(s),
		},
		networks: networks(r.Key, s, r.OneOff),
	}
	if s.Logging != nil {
		d.host.LogConfig = container.LogConfig{Type: s.Logging.Driver, Config: s.Logging.Options}
	}
	if r.OneOff {
		d.config.Healthcheck = &container.HealthConfig{Test: []string{"NONE"}}
	}
	d.host.Binds, d.host.Mounts = mounts(s.Mounts)
	return d, nil
}

// imageRef returns what the container is created from: the digest, or for an image without one its id. A tag could
// have moved.
func imageRef(img workload.Image) (string, error) {
	switch {
	case img.Digest != "":
		return img.Repository + "@" + img.Digest, nil
	case img.ID != "":
		return img.ID, nil
	}
	return "", fault.New(fault.Internal, "image %s has neither a digest nor an id to create a container from", img)
}

// variables hands the environment to its rightful receiver, the container.
func variables(env secret.Env) []string {
	out := make([]string, len(env))
	for i, v := range env {
		out[i] = v.Name + "=" + v.Value.Reveal()
	}
	return out
}

// entrypoint returns what replaces the image's own. The Engine takes an empty one for none, and one of an empty word
// for "without an entrypoint".
func entrypoint(words []string) []string {
	if words != nil && len(words) == 0 {
		return []string{""}
	}
	return words
}

// seconds returns d in whole seconds, rounded up.
func seconds(d *time.Duration) *int {
	if d == nil {
		return nil
	}
	return new(int((*d + time.Second - 1) / time.Second))
}

func healthcheck(h *workload.Healthcheck) *container.HealthConfig {
	if h == nil {
		return nil
	}
	return &container.HealthConfig{
		Test:          h.Test,
		Interval:      h.Interval,
		Timeout:       h.Timeout,
		StartPeriod:   h.StartPeriod,
		StartInterval: h.StartInterval,
		Retries:       h.Retries,
	}
}

func resources(s workload.Service) container.Resources {
	r := container.Resources{
		Memory:            s.Resources.MemoryBytes,
		MemoryReservation: s.Resources.MemoryReservationBytes,
		MemorySwap:        s.Resources.MemorySwapBytes,
		NanoCPUs:          s.Resources.NanoCPUs,
		CPUShares:         s.Resources.CPUShares,
	}
	if s.Resources.PidsLimit != 0 {
		r.PidsLimit = new(s.Resources.PidsLimit)
	}
	for _, u := range s.Ulimits {
		r.Ulimits = append(r.Ulimits, &container.Ulimit{Name: u.Name, Soft: u.Soft, Hard: u.Hard})
	}
	return r
}

// ports returns what the service exposes, and where on the host it is published.
func ports(s workload.Service) (nat.PortSet, nat.PortMap, error) {
	exposed, bindings := nat.PortSet{}, nat.PortMap{}
	for _, text := range s.Expose {
		number, proto, _ := strings.Cut(text, "/")
		p, err := nat.NewPort(protocol(proto), number)
		if err != nil {
			return nil, nil, fault.Hide(err, fault.Refused, "service %s: expose %q is no port; write 3000, or 3000/udp", s.Name, text)
		}
		first, last, err := p.Range()
		if err != nil {
			return nil, nil, fault.Hide(err, fault.Refused, "service %s: expose %q is no port; write 3000, or 3000/udp", s.Name, text)
		}
		for n := first; n <= last; n++ {
			exposed[nat.Port(strconv.Itoa(n)+"/"+p.Proto())] = struct{}{}
		}
	}
	for _, p := range s.Ports {
		port := nat.Port(strconv.Itoa(int(p.ContainerPort)) + "/" + protocol(p.Protocol))
		exposed[port] = struct{}{}
		bindings[port] = append(bindings[port], nat.PortBinding{HostIP: p.HostIP, HostPort: p.HostPort})
	}
	return exposed, bindings, nil
}

func protocol(p string) string {
	if p == "" {
		return "tcp"
	}
	return p
}

// mounts returns the mounts in the Engine's two forms. Only the older one creates a missing source directory on every
// Engine; it cannot hold a path with a colon.
func mounts(all []workload.Mount) (binds []string, out []mount.Mount) {
	for _, m := range all {
		if m.Type == "bind" && m.CreateHost && !strings.Contains(m.Source+m.Target, ":") {
			binds = append(binds, bind(m))
			continue
		}
		out = append(out, mounted(m))
	}
	return binds, out
}

func bind(m workload.Mount) string {
	var options []string
	if m.ReadOnly {
		options = append(options, "ro")
	}
	if m.Propagation != "" {
		options = append(options, m.Propagation)
	}
	text := m.Source + ":" + m.Target
	if len(options) > 0 {
		text += ":" + strings.Join(options, ",")
	}
	return text
}

func mounted(m workload.Mount) mount.Mount {
	out := mount.Mount{Type: mount.Type(m.Type), Source: m.Source, Target: m.Target, ReadOnly: m.ReadOnly}
	switch {
	case out.Type == mount.TypeBind && (m.Propagation != "" || m.CreateHost):
		out.BindOptions = &mount.BindOptions{Propagation: mount.Propagation(m.Propagation), CreateMountpoint: m.CreateHost}
	case out.Type == mount.TypeVolume && m.NoCopy:
		out.VolumeOptions = &mount.VolumeOptions{NoCopy: true}
	case out.Type == mount.TypeTmpfs && (m.TmpfsSize != 0 || m.TmpfsMode != 0):
		out.TmpfsOptions = &mount.TmpfsOptions{SizeBytes: m.TmpfsSize, Mode: os.FileMode(m.TmpfsMode)}
	}
	return out
}

// networkMode returns the network that the container is created on.
func networkMode(s workload.Service) container.NetworkMode {
	switch {
	case s.NetworkMode != "":
		return container.NetworkMode(s.NetworkMode)
	case len(s.Networks) > 0:
		return container.NetworkMode(s.Networks[0].Name)
	}
	return ""
}

// networks returns the networks to join. On each the container has its final name and its service's name from the
// start, whatever it is called meanwhile; a one-off container has none, as it
// must not be taken for the service.
func networks(k workload.Key, s workload.Service, oneOff bool) []joined {
	if s.NetworkMode != "" {
		return nil
	}
	var out []joined
	for _, n := range s.Networks {
		endpoint := &network.EndpointSettings{}
		if n.IPv4Address != "" || n.IPv6Address != "" {
			endpoint.IPAMConfig = &network.EndpointIPAMConfig{IPv4Address: n.IPv4Address, IPv6Address: n.IPv6Address}
		}
		if n.Name != network.NetworkBridge && !oneOff { // the default bridge has no names
			endpoint.Aliases = distinct(append([]string{s.FinalName(k), s.Name}, n.Aliases...))
		}
		out = append(out, joined{n.Name, endpoint})
	}
	return out
}

// distinct returns names in their order, each once.
func distinct(names []string) []string {
	var out []string
	for _, n := range names {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// first returns the networking part of the create call.
func (d definition) first() *network.NetworkingConfig {
	if len(d.networks) == 0 {
		return nil
	}
	n := d.networks[0]
	return &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{n.name: n.endpoint}}
}
