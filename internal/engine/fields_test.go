package engine

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/go-connections/nat"

	"github.com/capakraken/fairlead/internal/workload"
)

// uncompared are the Engine's fields that are not compared, each with the reason.
var uncompared = map[string]string{
	"Config.Hostname":                "given in the definition, or the container's own id",
	"Config.AttachStdin":             "only 'docker run' uses it",
	"Config.AttachStdout":            "only 'docker run' uses it",
	"Config.AttachStderr":            "only 'docker run' uses it",
	"Config.StdinOnce":               "only 'docker run' uses it",
	"Config.ArgsEscaped":             "of Windows",
	"Config.Image":                   "it is what a deploy changes",
	"Config.NetworkDisabled":         "NetworkMode says it",
	"Config.MacAddress":              "it belongs to one container",
	"Config.OnBuild":                 "of the image's build",
	"Config.Shell":                   "of the image's build",
	"HostConfig.Binds":               "Mounts has them",
	"HostConfig.ContainerIDFile":     "a file of 'docker run'",
	"HostConfig.RestartPolicy":       "the definition's own, and no until the container is verified",
	"HostConfig.AutoRemove":          "refused before anything is touched",
	"HostConfig.VolumeDriver":        "volumes are named, and never made",
	"HostConfig.ConsoleSize":         "of a terminal",
	"HostConfig.Annotations":         "newer Engines alone",
	"HostConfig.Cgroup":              "of no Engine that is supported",
	"HostConfig.Isolation":           "of Windows",
	"HostConfig.Mounts":              "Mounts has them",
	"Resources.BlkioWeightDevice":    "BlkioWeight stands for it",
	"Resources.BlkioDeviceReadIOps":  "BlkioDeviceReadBps stands for it",
	"Resources.BlkioDeviceWriteIOps": "BlkioDeviceWriteBps stands for it",
	"Resources.CPURealtimePeriod":    "CpuRealtimeRuntime stands for it",
	"Resources.KernelMemory":         "gone from the kernel",
	"Resources.KernelMemoryTCP":      "gone from the kernel",
	"Resources.CPUCount":             "of Windows",
	"Resources.CPUPercent":           "of Windows",
	"Resources.IOMaximumIOps":        "of Windows",
	"Resources.IOMaximumBandwidth":   "of Windows",
}

// Every field of the Engine's types is compared, or there is a reason why not.
func TestEveryFieldIsCompared(t *testing.T) {
	compared := map[string]bool{}
	for _, f := range fields() {
		compared[strings.ToLower(f.name)] = true
	}
	if n := len(fields()); n < 60 {
		t.Errorf("%d fields are compared", n)
	}
	has := func(name string) bool {
		for c := range compared {
			if c == name || strings.HasPrefix(c, name+".") || strings.HasPrefix(c, name+" ") {
				return true
			}
		}
		return false
	}
	seen := map[string]bool{}
	for of, typ := range map[string]reflect.Type{"Config": reflect.TypeFor[container.Config](), "HostConfig": reflect.TypeFor[container.HostConfig](), "Resources": reflect.TypeFor[container.Resources]()} {
		for i := range typ.NumField() {
			f := typ.Field(i)
			name := of + "." + f.Name
			seen[name] = true
			place := strings.ToLower(strings.Replace(name, "Resources.", "HostConfig.", 1))
			if _, why := uncompared[name]; f.Anonymous || why || has(place) {
				continue
			}
			t.Errorf("%s is neither compared nor left out for a reason", name)
		}
	}
	for name := range maps.Keys(uncompared) {
		if !seen[name] {
			t.Errorf("%s is left out, and the Engine has no such field", name)
		}
	}
}

// hard is a container that is hardened in every way that is compared.
func hard() anatomy {
	return anatomy{
		config: &container.Config{User: "1000", Labels: map[string]string{"team": "a"}, Env: []string{"A=secret"}, Healthcheck: &container.HealthConfig{Test: []string{"CMD", "x"}}},
		host: &container.HostConfig{ReadonlyRootfs: true, CapDrop: []string{"ALL"}, CapAdd: []string{"CHOWN"}, SecurityOpt: []string{"no-new-privileges:true"},
			MaskedPaths: []string{"/proc/kcore"}, ReadonlyPaths: []string{"/proc/sys"}, PortBindings: nat.PortMap{"3000/tcp": {{HostIP: "127.0.0.1", HostPort: "80"}}},
			Resources: container.Resources{Memory: 1 << 20, NanoCPUs: 5, PidsLimit: new(int64(10)), Ulimits: []*container.Ulimit{{Name: "nofile", Soft: 1, Hard: 2}}}},
		networks: map[string]*network.EndpointSettings{"front": {}, "bridge": {}},
		mounts:   []container.MountPoint{{Type: mount.TypeVolume, Name: "data", Destination: "/data", RW: false}},
	}
}

// Whatever makes a container less hardened, or loses it something, is found and named, and nothing else is.
func TestCompared(t *testing.T) {
	if c := compared(hard(), hard(), every); len(c.Lost)+len(c.Weaker)+len(c.Changed) > 0 {
		t.Errorf("the same differs: %+v", c)
	}
	for name, tt := range map[string]struct {
		change func(*anatomy)
		lost   string
		weaker string
		other  string
	}{
		"root":              {func(a *anatomy) { a.config.User = "" }, "", "Config.User", ""},
		"writable root":     {func(a *anatomy) { a.host.ReadonlyRootfs = false }, "", "HostConfig.ReadonlyRootfs", ""},
		"privileged":        {func(a *anatomy) { a.host.Privileged = true }, "", "HostConfig.Privileged", ""},
		"no cap_drop":       {func(a *anatomy) { a.host.CapDrop = nil }, "", "HostConfig.CapDrop", ""},
		"more cap_add":      {func(a *anatomy) { a.host.CapAdd = []string{"CAP_CHOWN", "CAP_SYS_ADMIN"} }, "", "HostConfig.CapAdd", ""},
		"new privileges":    {func(a *anatomy) { a.host.SecurityOpt = nil }, "", "HostConfig.SecurityOpt", ""},
		"unconfined":        {func(a *anatomy) { a.host.SecurityOpt = append(a.host.SecurityOpt, "seccomp=unconfined") }, "", "HostConfig.SecurityOpt (switched off)", ""},
		"unmasked":          {func(a *anatomy) { a.host.MaskedPaths = nil }, "", "HostConfig.MaskedPaths", ""},
		"writable /proc":    {func(a *anatomy) { a.host.ReadonlyPaths = nil }, "", "HostConfig.ReadonlyPaths", ""},
		"host's processes":  {func(a *anatomy) { a.host.PidMode = "host" }, "", "HostConfig.PidMode", ""},
		"host's network":    {func(a *anatomy) { a.host.NetworkMode = "host" }, "", "HostConfig.NetworkMode", ""},
		"no memory limit":   {func(a *anatomy) { a.host.Memory = 0 }, "", "HostConfig.Memory", ""},
		"more memory":       {func(a *anatomy) { a.host.Memory *= 2 }, "", "HostConfig.Memory", ""},
		"no cpu limit":      {func(a *anatomy) { a.host.NanoCPUs = 0 }, "", "HostConfig.NanoCpus", ""},
		"no pids limit":     {func(a *anatomy) { a.host.PidsLimit = nil }, "", "HostConfig.PidsLimit", ""},
		"no ulimits":        {func(a *anatomy) { a.host.Ulimits = nil }, "", "HostConfig.Ulimits", ""},
		"a device":          {func(a *anatomy) { a.host.Devices = []container.DeviceMapping{{PathOnHost: "/dev/kvm"}} }, "", "HostConfig.Devices", ""},
		"a sysctl":          {func(a *anatomy) { a.host.Sysctls = map[string]string{"x": "1"} }, "", "HostConfig.Sysctls", ""},
		"open to the world": {func(a *anatomy) { a.host.PortBindings["3000/tcp"][0].HostIP = "" }, "", "HostConfig.PortBindings.HostIp", ""},
		"writable mount":    {func(a *anatomy) { a.mounts[0].RW = true }, "", "Mounts.RW", ""},
		"the socket": {func(a *anatomy) {
			a.mounts = append(a.mounts, container.MountPoint{Source: "/var/run/docker.sock", Destination: "/s"})
		}, "", "Mounts (the Engine's socket)", ""},
		"no mount":         {func(a *anatomy) { a.mounts = nil }, "Mounts", "", ""},
		"no network":       {func(a *anatomy) { delete(a.networks, "front") }, "NetworkSettings.Networks", "", ""},
		"no default":       {func(a *anatomy) { delete(a.networks, "bridge") }, "", "", "HostConfig.NetworkMode (the default)"},
		"another volume":   {func(a *anatomy) { a.mounts[0].Name = "other" }, "", "", "Mounts.Source"},
		"no label":         {func(a *anatomy) { a.config.Labels = nil }, "", "", "Config.Labels"},
		"no healthcheck":   {func(a *anatomy) { a.config.Healthcheck = nil }, "", "", "Config.Healthcheck"},
		"no port":          {func(a *anatomy) { a.host.PortBindings = nil }, "", "", "HostConfig.PortBindings"},
		"no variable":      {func(a *anatomy) { a.config.Env = nil }, "", "", "Config.Env"},
		"another command":  {func(a *anatomy) { a.config.Cmd = []string{"secret"} }, "", "", "Config.Cmd"},
		"harder, and fine": {func(a *anatomy) { a.host.Memory /= 2; a.host.CapAdd = nil; a.host.PidMode = "" }, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			fresh := hard()
			tt.change(&fresh)
			c := compared(hard(), fresh, every)
			for _, kind := range []struct {
				want string
				got  []workload.Difference
			}{{tt.lost, c.Lost}, {tt.weaker, c.Weaker}, {tt.other, c.Changed}} {
				var got []string
				for _, d := range kind.got {
					got = append(got, d.Field)
					if strings.Contains(d.What, "secret") {
						t.Errorf("a value is shown: %s", d.What)
					}
				}
				if want := slices.DeleteFunc([]string{kind.want}, func(s string) bool { return s == "" }); !slices.Equal(got, want) {
					t.Errorf("found %q, want %q", got, want)
				}
			}
		})
	}
}

// Only what lasts is named of what a container has written, and of a new directory only itself.
func TestLasting(t *testing.T) {
	mod, add, del := container.ChangeModify, container.ChangeAdd, container.ChangeDelete
	got := lasting([]container.FilesystemChange{{Kind: mod, Path: "/app"}, {Kind: add, Path: "/app/uploads"}, {Kind: add, Path: "/app/uploads/a"}, {Kind: mod, Path: "/app/.next/x"},
		{Kind: mod, Path: "/app/.next"}, {Kind: add, Path: "/tmp/x"}, {Kind: mod, Path: "/var"}, {Kind: add, Path: "/data/x"}, {Kind: del, Path: "/etc/gone"}}, []string{"/data"}, 5)
	if want := []string{"/app/.next/x", "/app/uploads"}; !slices.Equal(got, want) {
		t.Errorf("lasting are %q, want %q", got, want)
	}
}
