package engine

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/go-connections/nat"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// A definition holds what was asked for, and neither what the image says nor what Compose and Fairlead have put there.
func TestDefinitionOf(t *testing.T) {
	img := dockerspec.DockerOCIImageConfig{ImageConfig: ocispec.ImageConfig{Entrypoint: []string{"/app"}, Cmd: []string{"serve"}, User: "app", WorkingDir: "/app", StopSignal: "SIGINT",
		Env: []string{"PATH=/bin", "MODE=dev"}, Labels: map[string]string{"vendor": "us", "stage": "dev"}}}
	c := inspected(map[string]string{"vendor": "us", "stage": "prod", composeProject: "shop", composeService: "web", LabelInstance: "prod-1", "own": "1"})
	c.Config.Entrypoint, c.Config.Cmd, c.Config.User, c.Config.WorkingDir, c.Config.StopSignal = []string{"/app"}, []string{"serve"}, "app", "/app", "SIGINT"
	c.Config.Hostname = short(c.ID)
	c.HostConfig.ShmSize, c.HostConfig.LogConfig.Type = usualShm, "json-file"
	s := definitionOf(c, img, "json-file")
	if s.Name != "web" || s.ContainerName != "web" || s.Entrypoint != nil || s.Command != nil || s.User+s.WorkingDir+s.StopSignal+s.Hostname != "" || s.ShmSize != 0 || s.Logging != nil ||
		s.Healthcheck != nil || len(s.Labels) != 2 || s.Labels["stage"] != "prod" || s.Labels["own"] != "1" {
		t.Errorf("what is the image's own is written: %+v", s)
	}
	if len(s.Networks) != 2 || s.Networks[1].Name != "front" || !slices.Equal(s.Networks[1].Aliases, []string{"WWW"}) {
		t.Errorf("it is on %+v", s.Networks)
	}
	c.Config.Entrypoint, c.Config.Cmd, c.Config.Hostname, c.HostConfig.LogConfig.Type = nil, []string{"work"}, "box", "journald"
	c.HostConfig.PortBindings = nat.PortMap{"3000/tcp": {{HostIP: "127.0.0.1", HostPort: "80"}}}
	s = definitionOf(c, img, "json-file")
	if s.Entrypoint == nil || len(s.Entrypoint) != 0 || !slices.Equal(s.Command, []string{"work"}) || s.Hostname != "box" || s.Logging.Driver != "journald" || s.Ports[0].HostPort != "80" {
		t.Errorf("what is not the image's own is lost: %+v", s)
	}
	if got := added([]string{"PATH=/bin", "MODE=prod", "KEY=x"}, img.Env); !slices.Equal(got, []string{"KEY", "MODE"}) {
		t.Errorf("the variables are %v", got)
	}
}

func TestMountsOf(t *testing.T) {
	c := inspected(nil)
	c.HostConfig.Mounts = []mount.Mount{{Target: "/b", VolumeOptions: &mount.VolumeOptions{NoCopy: true}}, {Target: "/t", TmpfsOptions: &mount.TmpfsOptions{SizeBytes: 5}}}
	unnamed := strings.Repeat("0a", 32)
	c.Mounts = []container.MountPoint{{Type: mount.TypeTmpfs, Destination: "/t"}, {Type: mount.TypeVolume, Name: "data", Source: "/var/lib/docker/x", Destination: "/b", RW: true},
		{Type: mount.TypeVolume, Name: unnamed, Destination: "/c", RW: true}, {Type: mount.TypeBind, Source: "/srv", Destination: "/a", Propagation: "rprivate"}, {Type: "npipe", Destination: "/n"}}
	got, anonymous := mountsOf(c)
	want := []workload.Mount{{Type: "bind", Source: "/srv", Target: "/a", ReadOnly: true}, {Type: "volume", Source: "data", Target: "/b", NoCopy: true}, {Type: "volume", Source: unnamed, Target: "/c"},
		{Type: "tmpfs", Target: "/t", TmpfsSize: 5}}
	if !slices.Equal(got, want) || !slices.Equal(anonymous, []string{unnamed}) {
		t.Errorf("mounted are %+v, of which %v have no name", got, anonymous)
	}
	if got := beyond(c, false); !slices.Equal(got, []string{"volumes of type npipe"}) {
		t.Errorf("beyond a definition are %v", got)
	}
}

func TestBeyond(t *testing.T) {
	c := inspected(nil)
	if got := beyond(c, false); got != nil {
		t.Errorf("a plain container has %v", got)
	}
	h := c.HostConfig
	h.Privileged, h.PidMode, h.Sysctls, h.NetworkMode, h.AutoRemove = true, "host", map[string]string{"a": "canary"}, "container:x", true
	h.SecurityOpt, c.Config.Tty = []string{`seccomp={"canary":1}`}, true
	c.NetworkSettings.Networks["front"] = &network.EndpointSettings{DriverOpts: map[string]string{"a": "canary"}}
	if got := strings.Join(beyond(c, false), "|"); got != "--rm|network_mode|networks: driver_opts|pid|privileged|security_opt (a seccomp profile)|sysctls|tty" {
		t.Errorf("beyond a definition are %s", got)
	}
}

func asJSON(s workload.Service) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// A secret that a creator has written into a command, a label or a health check does not come out, whether the environment
// holds it as well or not.
func TestWithhold(t *testing.T) {
	env := secret.NewEnv(secret.Var{Name: "API_KEY", Value: secret.NewValue("canary-api")}, secret.Var{Name: "MODE", Value: secret.NewValue("production")})
	s := workload.Service{
		Command:     []string{"serve", "--mode", "production", "canary-api", "--requirepass", "canary-1", "--token=canary-2", "postgres://u:canary-3@db/x", "-c", "run --password canary-4 x", "--port", "80", "http://host:80/a@b"},
		Labels:      map[string]string{"a.rule": "Host(`x`) && Path(`/y`)", "proxy.basicauth.users": "me:canary-5", "mail": "PASSWORD: canary-6", "deploy.key": "canary-7"},
		Healthcheck: &workload.Healthcheck{Test: []string{"CMD-SHELL", "curl -H 'Authorization: Bearer canary-8' x", "pg_isready -U app"}},
		Logging:     &workload.Logging{Driver: "splunk", Options: map[string]string{"splunk-token": "canary-9", "tag": "web"}},
	}
	places := withhold(&s, env)
	if text := asJSON(s); strings.Contains(text, "canary") {
		t.Errorf("a secret came out: %s", text)
	}
	for i, want := range []string{"serve", "--mode", "production", withheldText, "--requirepass", withheldText, withheldText, withheldText, "-c", withheldText, "--port", "80", "http://host:80/a@b"} {
		if s.Command[i] != want {
			t.Errorf("word %d is %q, not %q", i, s.Command[i], want)
		}
	}
	if s.Labels["a.rule"] != "Host(`x`) && Path(`/y`)" || s.Healthcheck.Test[2] != "pg_isready -U app" || s.Logging.Options["tag"] != "web" {
		t.Errorf("what is no secret was withheld: %s", asJSON(s))
	}
	if want := []string{"command", "healthcheck.test", "labels.deploy.key", "labels.mail", "labels.proxy.basicauth.users", "logging.options.splunk-token"}; !slices.Equal(places, want) {
		t.Errorf("the places are %v", places)
	}
}
