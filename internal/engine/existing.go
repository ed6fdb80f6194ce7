package engine

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// Existing returns the container of this name, which somebody else made, as a service definition would have it. Nothing
// of it is a value of its environment.
func (e *Engine) Existing(ctx context.Context, name string) (workload.Existing, error) {
	c, ok, err := e.byName(ctx, name)
	if err != nil {
		return workload.Existing{}, err
	}
	if !ok {
		return workload.Existing{}, fault.New(fault.NotFound, "there is no container %q; docker ps -a shows those that there are", name)
	}
	img, err := e.api.ImageInspect(ctx, c.Image)
	if err != nil {
		return workload.Existing{}, e.failed(err, "look at the image of container %s", name)
	}
	info, err := e.api.Info(ctx)
	if err != nil {
		return workload.Existing{}, e.failed(err, "ask the Docker Engine for its settings")
	}
	known, err := e.identified(ctx, c)
	if err != nil {
		return workload.Existing{}, err
	}
	base := dockerspec.DockerOCIImageConfig{}
	if img.Config != nil {
		base = *img.Config
	}
	out := workload.Existing{
		Service:   definitionOf(c, base, info.LoggingDriver),
		Image:     known.Image,
		Project:   c.Config.Labels[composeProject],
		Variables: added(c.Config.Env, base.Env),
		Exposed:   exposedBy(c),
		Health:    known.Health != workload.NoHealth,
		Beyond:    beyond(c, info.CgroupVersion == "1"),
	}
	out.Service.Mounts, out.Anonymous = mountsOf(c)
	out.Withheld = withhold(&out.Service, environment(c))
	return out, nil
}

// definitionOf returns what was asked for when c was made, without what its image says of itself.
func definitionOf(c container.InspectResponse, img dockerspec.DockerOCIImageConfig, driver string) workload.Service {
	h := c.HostConfig
	s := workload.Service{
		Name:          cmp.Or(c.Config.Labels[composeService], nameOf(c)),
		ContainerName: nameOf(c),
		Entrypoint:    otherThan(c.Config.Entrypoint, img.Entrypoint),
		Command:       otherThan(c.Config.Cmd, img.Cmd),
		Ports:         portsOf(c),
		Networks:      networksOf(c),
		User:          other(c.Config.User, img.User),
		WorkingDir:    other(c.Config.WorkingDir, img.WorkingDir),
		Restart:       policyOf(h),
		StopSignal:    other(c.Config.StopSignal, img.StopSignal),
		Labels:        ownLabels(c.Config.Labels, img.Labels),
		ExtraHosts:    h.ExtraHosts,
		CapAdd:        h.CapAdd,
		CapDrop:       h.CapDrop,
		ReadOnly:      h.ReadonlyRootfs,
		Tmpfs:         h.Tmpfs,
		Init:          h.Init,
		Resources: workload.Resources{MemoryBytes: h.Memory, MemoryReservationBytes: h.MemoryReservation, MemorySwapBytes: h.MemorySwap,
			NanoCPUs: h.NanoCPUs, CPUShares: h.CPUShares},
	}
	if c.Config.Hostname != short(c.ID) && !h.NetworkMode.IsHost() {
		s.Hostname = c.Config.Hostname
	}
	if h.NetworkMode.IsHost() || h.NetworkMode.IsNone() {
		s.NetworkMode = string(h.NetworkMode)
	}
	if c.Config.StopTimeout != nil {
		s.StopGracePeriod = new(time.Duration(*c.Config.StopTimeout) * time.Second)
	}
	if h.PidsLimit != nil && *h.PidsLimit > 0 {
		s.Resources.PidsLimit = *h.PidsLimit
	}
	for _, o := range h.SecurityOpt {
		if !strings.Contains(o, "{") { // a profile that is written out
			s.SecurityOpt = append(s.SecurityOpt, o)
		}
	}
	for _, u := range h.Ulimits {
		s.Ulimits = append(s.Ulimits, workload.Ulimit{Name: u.Name, Soft: u.Soft, Hard: u.Hard})
	}
	if h.ShmSize != usualShm {
		s.ShmSize = h.ShmSize
	}
	if l := h.LogConfig; l.Type != driver || len(l.Config) > 0 {
		s.Logging = &workload.Logging{Driver: l.Type, Options: l.Config}
	}
	s.Healthcheck = ownHealthcheck(c.Config.Healthcheck, img.Healthcheck)
	return s
}

// usualShm is the size of /dev/shm that the Engine gives a container which asks for none.
const usualShm = 64 << 20

// otherThan returns words that are not the image's own, and nil for those that are. None where the image has some is an empty
// list.
func otherThan(words, own []string) []string {
	if slices.Equal(words, own) {
		return nil
	}
	return append([]string{}, words...)
}

func other(text, own string) string {
	if text == own {
		return ""
	}
	return text
}

// ownLabels returns those that neither the image, nor Compose, nor a daemon of ours has put there.
func ownLabels(labels, img map[string]string) map[string]string {
	out := maps.Clone(labels)
	maps.DeleteFunc(out, func(name, value string) bool {
		from, inherited := img[name]
		return inherited && from == value || strings.HasPrefix(name, "com.docker.compose.") || strings.HasPrefix(name, "fairlead.")
	})
	return out
}

func ownHealthcheck(c, img *dockerspec.HealthcheckConfig) *workload.Healthcheck {
	if c == nil || len(c.Test) == 0 || img != nil && slices.Equal(c.Test, img.Test) && c.Interval == img.Interval && c.Timeout == img.Timeout &&
		c.StartPeriod == img.StartPeriod && c.StartInterval == img.StartInterval && c.Retries == img.Retries {
		return nil
	}
	return &workload.Healthcheck{Test: c.Test, Interval: c.Interval, Timeout: c.Timeout, StartPeriod: c.StartPeriod, StartInterval: c.StartInterval, Retries: c.Retries}
}

// added returns the names of the variables that are not as the image has them.
func added(env, img []string) []string {
	var names []string
	for _, entry := range env {
		if name, _, _ := strings.Cut(entry, "="); !slices.Contains(img, entry) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func portsOf(c container.InspectResponse) []workload.Port {
	var out []workload.Port
	for port, bindings := range c.HostConfig.PortBindings {
		for _, b := range bindings {
			out = append(out, workload.Port{HostIP: b.HostIP, HostPort: b.HostPort, ContainerPort: uint16(port.Int()), Protocol: port.Proto()})
		}
	}
	slices.SortFunc(out, func(a, b workload.Port) int {
		return cmp.Or(cmp.Compare(a.ContainerPort, b.ContainerPort), cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.HostIP, b.HostIP), cmp.Compare(a.HostPort, b.HostPort))
	})
	return out
}

func exposedBy(c container.InspectResponse) []uint16 {
	var out []uint16
	for port := range c.Config.ExposedPorts {
		if port.Proto() == "tcp" {
			out = append(out, uint16(port.Int()))
		}
	}
	slices.Sort(out)
	return out
}

// networksOf returns the networks with what the container is called on each besides its own name, id and hostname,
// which the Engine makes names of anyhow.
func networksOf(c container.InspectResponse) []workload.Network {
	mode := c.HostConfig.NetworkMode
	if mode.IsHost() || mode.IsNone() || mode.IsContainer() {
		return nil
	}
	var out []workload.Network
	for _, name := range slices.Sorted(maps.Keys(c.NetworkSettings.Networks)) {
		if name == "bridge" {
			continue // the default one is what a service without networks is on
		}
		endpoint := c.NetworkSettings.Networks[name]
		n := workload.Network{Name: name}
		for _, alias := range endpoint.Aliases {
			if alias != nameOf(c) && alias != short(c.ID) && alias != c.Config.Hostname && alias != c.Config.Labels[composeService] {
				n.Aliases = append(n.Aliases, alias)
			}
		}
		if endpoint.IPAMConfig != nil {
			n.IPv4Address, n.IPv6Address = endpoint.IPAMConfig.IPv4Address, endpoint.IPAMConfig.IPv6Address
		}
		out = append(out, n)
	}
	return out
}

// mountsOf returns what is mounted, and which of the volumes nobody has named. What a definition cannot express is left to
// beyond.
func mountsOf(c container.InspectResponse) (out []workload.Mount, unnamed []string) {
	asked := map[string]mount.Mount{}
	for _, m := range c.HostConfig.Mounts {
		asked[m.Target] = m
	}
	for _, m := range c.Mounts {
		got := workload.Mount{Type: string(m.Type), Source: m.Source, Target: m.Destination, ReadOnly: !m.RW}
		switch m.Type {
		case mount.TypeVolume:
			got.Source = m.Name
			if o := asked[m.Destination].VolumeOptions; o != nil {
				got.NoCopy = o.NoCopy
			}
			if anonymous.MatchString(m.Name) {
				unnamed = append(unnamed, m.Name)
			}
		case mount.TypeBind:
			if m.Propagation != mount.PropagationRPrivate {
				got.Propagation = string(m.Propagation)
			}
		case mount.TypeTmpfs:
			got.Source, got.ReadOnly = "", false
			if o := asked[m.Destination].TmpfsOptions; o != nil {
				got.TmpfsSize, got.TmpfsMode = o.SizeBytes, uint32(o.Mode)
			}
		default:
			continue
		}
		out = append(out, got)
	}
	slices.SortFunc(out, func(a, b workload.Mount) int { return cmp.Compare(a.Target, b.Target) })
	return out, unnamed
}

// withhold takes secrets out of the definition's texts, where a creator has written one into a command or a label, and
// returns the places.
func withhold(s *workload.Service, env secret.Env) []string {
	var secrets secret.Env
	for _, v := range env {
		if secret.LooksSecret(v.Name) {
			secrets = secrets.With(v)
		}
	}
	w := withholding{redactor: secret.NewSecretRedactor(secrets)}
	s.Command = w.words("command", s.Command)
	s.Entrypoint = w.words("entrypoint", s.Entrypoint)
	s.Labels = w.named("labels", s.Labels)
	if s.Healthcheck != nil {
		s.Healthcheck.Test = w.words("healthcheck.test", s.Healthcheck.Test)
	}
	if s.Logging != nil {
		s.Logging.Options = w.named("logging.options", s.Logging.Options)
	}
	return w.places
}
