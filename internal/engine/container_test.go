package engine

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/go-connections/nat"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/capakraken/fairlead/internal/workload"
)

// inspected returns a container as the Engine describes it.
func inspected(labels map[string]string) container.InspectResponse {
	return container.InspectResponse{
		ContainerJSONBase: &container.ContainerJSONBase{
			ID: strings.Repeat("a", 64), Name: "/web", Image: "sha256:cafe", RestartCount: 2, Created: "2026-03-30T10:00:00.5Z",
			State:      &container.State{Status: "exited", ExitCode: 137, OOMKilled: true, StartedAt: "0001-01-01T00:00:00Z", Health: &container.Health{Status: "unhealthy"}},
			HostConfig: &container.HostConfig{RestartPolicy: container.RestartPolicy{Name: "on-failure", MaximumRetryCount: 3}},
		},
		Config: &container.Config{Image: "r.example.com/app:1", Labels: labels, Env: []string{"A=1=2", "B=", "C"}},
		NetworkSettings: &container.NetworkSettings{Networks: map[string]*network.EndpointSettings{
			"front": {IPAddress: "10.0.0.2", GlobalIPv6Address: "fd00::2", Aliases: []string{"WWW"}, DNSNames: []string{"web"}},
			"back":  {IPAddress: "10.1.0.2"},
		}},
	}
}

func TestDescribed(t *testing.T) {
	c := described(inspected(map[string]string{
		LabelInstance: "prod-1", LabelService: "web", LabelRollout: "r1", LabelRelease: "x", LabelDefinitions: "d", LabelEnv: "e",
		LabelRepository: "r.example.com/app", LabelTag: "2", LabelDigest: "sha256:feed",
	}))
	want := workload.Container{
		ID: strings.Repeat("a", 64), Name: "web", Service: "web", Ours: true, Rollout: "r1", Release: "x",
		Image:       workload.Image{Repository: "r.example.com/app", Tag: "2", Digest: "sha256:feed", ID: "sha256:cafe"},
		Definitions: "d", Env: "e", Status: workload.Exited, Health: workload.Unhealthy, ExitCode: 137, OOMKilled: true, Restarts: 2,
		CreatedAt: time.Date(2026, 3, 30, 10, 0, 0, 500_000_000, time.UTC), RestartPolicy: workload.RestartPolicy{Name: "on-failure", MaxRetries: 3},
	}
	if !slices.Equal(c.Networks, []string{"back", "front"}) || !slices.Equal(c.Addresses, []netip.Addr{netip.MustParseAddr("10.1.0.2"), netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("fd00::2")}) {
		t.Errorf("it is on %v at %v", c.Networks, c.Addresses)
	}
	c.Networks, c.Addresses = nil, nil
	if got, want := toText(c), toText(want); got != want {
		t.Errorf("it is\n%s\nnot\n%s", got, want)
	}

	bare := inspected(nil)
	bare.State.Health, bare.HostConfig.RestartPolicy = nil, container.RestartPolicy{}
	bare.HostConfig.NetworkMode = "host"
	c = described(bare)
	if c.Ours || c.Health != workload.NoHealth || c.RestartPolicy.Name != "no" || c.Image.Repository != "r.example.com/app" || c.Image.Tag != "1" || c.Addresses[0].String() != "127.0.0.1" {
		t.Errorf("a container without labels is %+v", c)
	}
}

func TestEnvironmentOf(t *testing.T) {
	env := environment(inspected(nil))
	if !slices.Equal(env.Names(), []string{"A", "B", "C"}) || env.Value("A").Reveal() != "1=2" || !env.Value("C").IsEmpty() {
		t.Errorf("the names are %v", env.Names())
	}
	if v, _ := env.Lookup("A"); v.Origin.String() != "container web" {
		t.Errorf("the origin is %s", v.Origin)
	}
}

func TestImageOf(t *testing.T) {
	id := "sha256:" + strings.Repeat("cafe", 16)
	for called, want := range map[string]workload.Image{
		"app":                                   {Repository: "app", ID: id},
		"docker.io/library/app:1":               {Repository: "app", Tag: "1", ID: id},
		"127.0.0.1:5000/a/b:1":                  {Repository: "127.0.0.1:5000/a/b", Tag: "1", ID: id},
		"a/b@sha256:" + strings.Repeat("0", 64): {Repository: "a/b", Digest: "sha256:" + strings.Repeat("0", 64), ID: id},
		id:                                      {ID: id},
		strings.Repeat("cafe", 16):              {ID: id},
		"cafecafecafe":                          {ID: id},
		"Not A Reference":                       {ID: id},
	} {
		if got := imageOf(called, id, nil); got != want {
			t.Errorf("%s is %+v, not %+v", called, got, want)
		}
	}
}

func TestNamed(t *testing.T) {
	zeros := "sha256:" + strings.Repeat("0", 64)
	for _, tt := range []struct {
		img           workload.Image
		tags, digests []string
		want          workload.Image
	}{
		{workload.Image{Repository: "app"}, nil, []string{"other@" + zeros, "docker.io/library/app@" + zeros}, workload.Image{Repository: "app", Digest: zeros}},
		{workload.Image{Repository: "app"}, nil, []string{"other@" + zeros}, workload.Image{Repository: "app"}},
		{workload.Image{}, []string{"app:1"}, []string{"app@" + zeros}, workload.Image{Repository: "app", Tag: "1", Digest: zeros}},
		{workload.Image{}, []string{"<none>:<none>"}, []string{"<none>@<none>"}, workload.Image{}},
	} {
		if got := named(tt.img, tt.tags, tt.digests); got != tt.want {
			t.Errorf("%+v with %v %v is %+v", tt.img, tt.tags, tt.digests, got)
		}
	}
}

func TestFits(t *testing.T) {
	amd := ocispec.Platform{OS: "linux", Architecture: "amd64"}
	v7 := ocispec.Platform{OS: "linux", Architecture: "arm", Variant: "v7"}
	of := func(list ...ocispec.Platform) []ocispec.Platform { return list }
	for _, tt := range []struct {
		name      string
		platforms []ocispec.Platform
		host      ocispec.Platform
		want      string
	}{
		{"same", of(amd), amd, ""},
		{"one of several", of(v7, amd), amd, ""},
		{"unknown", nil, amd, ""},
		{"attestation only", of(ocispec.Platform{OS: "unknown", Architecture: "unknown"}), amd, ""},
		{"other", of(ocispec.Platform{OS: "linux", Architecture: "arm64"}), amd, "the image x:1 is for linux/arm64, this host is linux/amd64"},
		{"other system", of(ocispec.Platform{OS: "windows", Architecture: "amd64"}), amd, "is for windows/amd64"},
		{"earlier generation", of(ocispec.Platform{OS: "linux", Architecture: "arm", Variant: "v6"}), v7, ""},
		{"later generation", of(v7), ocispec.Platform{OS: "linux", Architecture: "arm", Variant: "v6"}, "is for linux/arm/v7, this host is linux/arm/v6"},
	} {
		err := fits("x:1", tt.platforms, tt.host)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestVariant(t *testing.T) {
	for _, tt := range []struct{ arch, machine, want string }{
		{"arm", "armv7l", "v7"}, {"arm", "armv6l", "v6"}, {"arm", "aarch64", ""}, {"amd64", "x86_64", ""}, {"arm64", "aarch64", ""},
	} {
		if got := variant(tt.arch, tt.machine); got != tt.want {
			t.Errorf("%s on %s is %q", tt.arch, tt.machine, got)
		}
	}
}

func TestCalled(t *testing.T) {
	c := inspected(nil)
	for host, want := range map[string]bool{"web": true, "www": true, "WWW.front": true, "web.back": false, "front": false, "": false} {
		if got := called(c, c.NetworkSettings.Networks["front"], "front", host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}

func TestGateway(t *testing.T) {
	for _, tt := range []struct{ gateway, subnet, want string }{
		{"172.17.0.9", "172.17.0.0/16", "172.17.0.9"}, {"", "172.17.0.0/16", "172.17.0.1"}, {"", "fd00::/64", "fd00::1"}, {"", "", ""},
	} {
		got, ok := gatewayOf(network.IPAMConfig{Gateway: tt.gateway, Subnet: tt.subnet})
		if ok != (tt.want != "") || ok && got.String() != tt.want {
			t.Errorf("%+v is %v", tt, got)
		}
	}
}

func TestTakenPorts(t *testing.T) {
	other := inspected(nil)
	other.NetworkSettings.Ports = nat.PortMap{"80/tcp": {{HostIP: "127.0.0.1", HostPort: "8080"}}, "81/tcp": nil}
	for _, tt := range []struct {
		port  workload.Port
		taken bool
	}{
		{workload.Port{HostPort: "8080", Protocol: "tcp"}, true},
		{workload.Port{HostIP: "127.0.0.1", HostPort: "8080", Protocol: "tcp"}, true},
		{workload.Port{HostIP: "0.0.0.0", HostPort: "8080", Protocol: "tcp"}, true},
		{workload.Port{HostIP: "127.0.0.2", HostPort: "8080", Protocol: "tcp"}, false},
		{workload.Port{HostPort: "8081", Protocol: "tcp"}, false},
		{workload.Port{HostPort: "8080", Protocol: "udp"}, false},
		{workload.Port{HostPort: "8080-8090", Protocol: "tcp"}, false},
		{workload.Port{Protocol: "tcp"}, false},
	} {
		got := takenPorts(workload.Service{Name: "web", Ports: []workload.Port{tt.port}}, []container.InspectResponse{other})
		if (len(got) > 0) != tt.taken {
			t.Errorf("%+v: %v", tt.port, got)
		}
	}
}

func TestTail(t *testing.T) {
	kept := &tail{limit: 10}
	for _, part := range []string{"first\n", "second\n", "\xffrd\n"} {
		_, _ = kept.Write([]byte(part))
	}
	if got := kept.String(); got != "\uFFFDrd\n" {
		t.Errorf("kept is %q", got)
	}
	for _, line := range []string{"password=hunter2hunter2", "password=hunter2hunter2\n"} {
		long := &tail{limit: 10}
		if _, _ = long.Write([]byte(line)); long.String() != endless {
			t.Errorf("of a line that is too long, %q is kept", long)
		}
	}
	all := &tail{limit: 100}
	_, _ = all.Write([]byte("first\nsecond"))
	if got := all.String(); got != "first\nsecond" {
		t.Errorf("kept is %q", got)
	}
}

func toText(c workload.Container) string {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return string(text)
}
