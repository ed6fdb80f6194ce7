//go:build e2e

package engine_test

import (
	"context"
	"errors"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/go-connections/nat"

	"github.com/capakraken/fairlead/e2e/world"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

func TestInfo(t *testing.T) {
	s := newStage(t)
	info, err := s.e.Info(s.ctx())
	s.must(err)
	if info.OS != "linux" || info.Arch != runtime.GOARCH || info.EngineVersion == "" || info.APIVersion == "" || info.RootDir == "" {
		t.Fatalf("the Engine says %+v", info)
	}
	if free, ok := s.e.Free(s.ctx()); !ok || free == 0 {
		t.Fatalf("%d bytes are free, %v", free, ok)
	}
}

func TestEngineThatDoesNotAnswer(t *testing.T) {
	e := open(t, "unix://"+t.TempDir()+"/docker.sock")
	_, err := e.Info(t.Context())
	if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "does not answer") {
		t.Fatalf("Info says %v", err)
	}
}

func TestNetworksNamesAndLookup(t *testing.T) {
	s := newStage(t)
	two, err := s.world.Network(s.ctx())
	s.must(err)
	svc := s.service("db", func(v *workload.Service) {
		v.Networks = []workload.Network{{Name: s.net, Aliases: []string{"Postgres"}}, {Name: two.Name}}
		v.ExtraHosts = []string{"proxy:192.0.2.7"}
	})
	id := rollout()
	done, err := s.e.Replace(s.ctx(), s.replacement(id, svc, nil))
	s.must(err)
	c := s.one(done.NewID)
	if len(c.Networks) != 2 || len(c.Addresses) != 2 {
		t.Fatalf("the container is on %v at %v", c.Networks, c.Addresses)
	}
	raw, err := s.api.ContainerInspect(s.ctx(), done.NewID)
	s.must(err)
	at := func(name string) netip.Addr { return netip.MustParseAddr(raw.NetworkSettings.Networks[name].IPAddress) }
	bridge, err := s.api.NetworkInspect(s.ctx(), "bridge", network.InspectOptions{})
	s.must(err)
	gateway := netip.MustParsePrefix(bridge.IPAM.Config[0].Subnet).Masked().Addr().Next() // as the Engine chooses it
	hosts := []string{"proxy:192.0.2.7", "six:[2001:db8::1]", "host.docker.internal:host-gateway"}
	for _, tt := range []struct {
		host     string
		networks []string
		want     []netip.Addr
	}{
		{"postgres", []string{s.net}, []netip.Addr{at(s.net)}},
		{"POSTGRES.", []string{s.net}, []netip.Addr{at(s.net)}},
		{"postgres." + s.net, []string{s.net}, []netip.Addr{at(s.net)}},
		{"postgres", []string{two.Name}, nil},
		{"db", []string{two.Name}, []netip.Addr{at(two.Name)}},
		{svc.FinalName(s.key), []string{two.Name}, []netip.Addr{at(two.Name)}}, // from the start
		{c.Name, []string{s.net}, []netip.Addr{at(s.net)}},
		{"proxy", []string{s.net}, []netip.Addr{netip.MustParseAddr("192.0.2.7")}},
		{"six", nil, []netip.Addr{netip.MustParseAddr("2001:db8::1")}},
		{"host.docker.internal", nil, []netip.Addr{gateway}},
		{"elsewhere.example.com", []string{s.net, two.Name, "no-such-network", "bridge"}, nil},
	} {
		got, err := s.e.Lookup(s.ctx(), tt.host, tt.networks, hosts)
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s on %v is at %v (%v), not at %v", tt.host, tt.networks, got, err, tt.want)
		}
	}
	s.must(s.api.ContainerStop(s.ctx(), done.NewID, container.StopOptions{}))
	if got, err := s.e.Lookup(s.ctx(), "db", []string{s.net}, nil); err != nil || got != nil {
		t.Errorf("a stopped container is at %v (%v)", got, err)
	}
}

func TestEnvironmentLogsAndExec(t *testing.T) {
	s := newStage(t)
	svc := s.service("web", func(v *workload.Service) {
		v.Healthcheck = &workload.Healthcheck{Test: []string{"CMD", "/box", "say"}, Interval: 100 * time.Millisecond}
	})
	c := s.running(svc)
	got, err := s.e.Environment(s.ctx(), c.ID)
	s.must(err)
	if got.Value("API_KEY").Reveal() != canary || got.Value("MODE").Reveal() != "production" {
		t.Fatalf("the environment has the names %v", got.Names())
	}
	log, err := s.e.Logs(s.ctx(), c.ID, 10)
	s.must(err)
	if log != "waiting\n" {
		t.Fatalf("the log is %q", log)
	}
	out, err := s.e.Exec(s.ctx(), c.ID, []string{"/box", "say", "one", "two"}, 1000)
	s.must(err)
	if string(out) != "one two\n" {
		t.Fatalf("the command said %q", out)
	}
	for _, tt := range []struct {
		argv []string
		want string
	}{
		{[]string{"/box", "fail"}, "ended with code 3"},
		{[]string{"/box", "count", "1000"}, "more than the 1000 bytes"},
		{[]string{"/none"}, "ended with code 12"},
	} {
		_, err := s.e.Exec(s.ctx(), c.ID, tt.argv, 1000)
		if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "must not") {
			t.Errorf("%v: Exec says %v", tt.argv, err)
		}
	}
	short, cancel := context.WithTimeout(s.ctx(), 200*time.Millisecond)
	defer cancel()
	if _, err := s.e.Exec(short, c.ID, []string{"/box", "hang"}, 1000); !errors.Is(err, context.DeadlineExceeded) || fault.KindOf(err) != fault.TimedOut {
		t.Errorf("a hanging command: Exec says %v", err)
	}
	if err := s.e.WaitExit(short, c.ID); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("WaitExit says %v", err)
	}
	s.must(s.api.ContainerStop(s.ctx(), c.ID, container.StopOptions{}))
	s.must(s.e.WaitExit(s.ctx(), c.ID))
	if _, err := s.e.Exec(s.ctx(), c.ID, []string{"/box", "say"}, 1000); fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "is not running") {
		t.Errorf("in a stopped container, Exec says %v", err)
	}
	for _, err := range []error{s.gone(s.e.Inspect(s.ctx(), "no-such-container")), s.gone(s.e.Environment(s.ctx(), strings.Repeat("0", 64)))} {
		if fault.KindOf(err) != fault.NotFound {
			t.Errorf("a container that does not exist: %v", err)
		}
	}
	s.must(s.e.WaitExit(s.ctx(), strings.Repeat("0", 64)))
}

// gone drops the value of a call that is to fail.
func (s *stage) gone(_ any, err error) error { return err }

func TestLogsOfATalkativeContainer(t *testing.T) {
	s := newStage(t)
	svc := s.service("web", func(v *workload.Service) { v.Command = []string{"count", "20000"} })
	done, err := s.e.Replace(s.ctx(), s.replacement(rollout(), svc, nil))
	s.must(err)
	s.must(s.e.WaitExit(s.ctx(), done.NewID))
	few, err := s.e.Logs(s.ctx(), done.NewID, 2)
	s.must(err)
	if few != "line 19998\nline 19999\n" {
		t.Fatalf("the last two lines are %q", few)
	}
	many, err := s.e.Logs(s.ctx(), done.NewID, 20000)
	s.must(err)
	if len(many) > 64<<10 || !strings.HasPrefix(many, "line ") || !strings.HasSuffix(many, "line 19999\n") {
		t.Fatalf("%d bytes, beginning with %q", len(many), many[:20])
	}
}

func TestAppsDoNotSeeEachOther(t *testing.T) {
	s := newStage(t)
	name := "shared-" + s.world.Run
	svc := s.service("web", func(v *workload.Service) { v.ContainerName = name })
	theirs := *s
	theirs.key.Instance = "another-" + s.world.Run
	c := theirs.running(svc)
	if got := s.all(); len(got) != 0 {
		t.Fatalf("another daemon's containers are seen: %v", got)
	}
	if _, err := s.e.Observe(s.ctx(), s.key, []workload.Service{svc}); fault.KindOf(err) != fault.Refused || !strings.Contains(err.Error(), theirs.key.Instance) {
		t.Fatalf("Observe says %v", err)
	}
	if err := s.e.Retire(s.ctx(), s.key, rollout(), c); fault.KindOf(err) != fault.Refused {
		t.Fatalf("Retire says %v", err)
	}
	if err := s.e.Restore(s.ctx(), s.key, rollout(), "web", &c); fault.KindOf(err) != fault.Refused {
		t.Fatalf("Restore says %v", err)
	}
	if _, err := s.e.Replace(s.ctx(), s.replacement(rollout(), svc, &c)); fault.KindOf(err) != fault.Refused {
		t.Fatalf("Replace says %v", err)
	}
	theirs.same([]string{name + " running"})
}

func TestConsumers(t *testing.T) {
	s := newStage(t)
	s.must(s.api.ImageTag(s.ctx(), s.image.ID, "other-"+s.world.Run+":1"))
	name := func(what string) string { return what + "-" + s.world.Run }
	s.running(s.service("own"))
	stopped := s.adopted(name("stopped"), func(c *container.Config, _ *container.HostConfig) { c.Image = s.image.Ref() })
	s.must(s.api.ContainerKill(s.ctx(), stopped, "KILL"))
	s.adopted(name("by-name"), func(c *container.Config, _ *container.HostConfig) { c.Image = s.image.Ref() })
	s.adopted(name("by-other-name"), func(c *container.Config, _ *container.HostConfig) { c.Image = "other-" + s.world.Run + ":1" })
	s.adopted(name("by-id"))
	other := s.box("unrelated-" + s.world.Run + ":1") // the same program in an image with another id
	s.adopted(name("unrelated"), func(c *container.Config, _ *container.HostConfig) { c.Image = other })
	s.adopted(name("project"), func(c *container.Config, _ *container.HostConfig) {
		c.Image = other
		c.Labels["com.docker.compose.project"] = "capakraken"
	})
	for _, tt := range []struct {
		projects []string
		want     []string
	}{
		{nil, []string{name("by-id"), name("by-name"), name("by-other-name")}},
		{[]string{"capakraken"}, []string{name("by-id"), name("by-name"), name("by-other-name"), name("project")}},
	} {
		found, err := s.e.Consumers(s.ctx(), s.key, "docker.io/library/"+s.image.Repository, tt.projects)
		s.must(err)
		var got []string
		for _, c := range found {
			got = append(got, c.Name)
		}
		slices.Sort(got)
		if !slices.Equal(got, tt.want) {
			t.Errorf("with the projects %v the consumers are %v, not %v", tt.projects, got, tt.want)
		}
	}
}

func TestCheck(t *testing.T) {
	s := newStage(t)
	holder := "holder-" + s.world.Run
	s.adopted(holder, func(c *container.Config, h *container.HostConfig) {
		c.ExposedPorts = nat.PortSet{"80/tcp": {}}
		h.PortBindings = nat.PortMap{"80/tcp": {{HostIP: "127.0.0.1"}}}
	})
	port := s.published(holder)
	made := &workload.Project{Name: "made-" + strings.ToLower(s.world.Run)}
	composed := made.Name + "_web_1"
	s.adopted(composed, func(c *container.Config, h *container.HostConfig) {
		c.Labels["com.docker.compose.project"], c.Labels["com.docker.compose.service"], c.Labels["com.docker.compose.oneoff"] = made.Name, "web", "False"
		c.ExposedPorts = nat.PortSet{"80/tcp": {}}
		h.PortBindings = nat.PortMap{"80/tcp": {{HostIP: "127.0.0.1"}}}
	})
	theirPort := s.published(composed)
	volatile := "volatile-" + s.world.Run
	s.adopted(volatile, func(_ *container.Config, h *container.HostConfig) { h.AutoRemove = true })
	s.adopted(s.service("taken").FinalName(s.key))
	theirs := *s
	theirs.key.App = "another-" + s.world.Run
	theirs.running(s.service("web"))
	project := &workload.Project{Name: "shop", Dir: "/srv/shop", Files: []string{"/srv/shop/a.yaml", "/srv/shop/b.yaml"}}
	kept := "kept_" + s.world.Run
	_, err := s.api.VolumeCreate(s.ctx(), volume.CreateOptions{Name: kept, Labels: map[string]string{world.Label: s.world.Run}})
	s.must(err)
	t.Cleanup(func() { s.must(s.api.VolumeRemove(context.Background(), kept, true)) })
	for _, tt := range []struct {
		name   string
		change func(*workload.Service)
		want   string
	}{
		{"nothing", func(*workload.Service) {}, ""},
		{"network", func(v *workload.Service) { v.Networks = []workload.Network{{Name: "nowhere"}} }, "docker network create nowhere"},
		{"Compose's network", func(v *workload.Service) {
			v.Project, v.Networks = project, []workload.Network{{Name: "shop_nowhere"}}
		}, "network shop_nowhere does not exist; let Compose create it: docker compose -p shop -f /srv/shop/a.yaml -f /srv/shop/b.yaml up --no-start"},
		{"another's network", func(v *workload.Service) {
			v.Project, v.Networks = project, []workload.Network{{Name: "nowhere", External: true}}
		}, "create it: docker network create nowhere"},
		{"Compose's volume", func(v *workload.Service) {
			v.Project, v.Mounts = project, []workload.Mount{{Type: "volume", Source: "shop_" + s.world.Run, Target: "/x"}}
		}, "would begin empty; if its data is elsewhere, correct its name or the project's; else let Compose create it: docker compose -p shop "},
		{"another's volume", func(v *workload.Service) {
			v.Project, v.Mounts = project, []workload.Mount{{Type: "volume", Source: "their_" + s.world.Run, Target: "/x", External: true}}
		}, "docker volume create their_"},
		{"a volume that is there", func(v *workload.Service) {
			v.Project, v.Mounts = project, []workload.Mount{{Type: "volume", Source: kept, Target: "/x"}}
		}, ""},
		{"a volume of no project", func(v *workload.Service) {
			v.Mounts = []workload.Mount{{Type: "volume", Source: "new_" + s.world.Run, Target: "/x"}}
		}, ""},
		{"name", func(v *workload.Service) { v.Name = "taken" }, "Fairlead did not make it"},
		{"adopted", func(v *workload.Service) { v.ContainerName = holder }, ""},
		{"auto-remove", func(v *workload.Service) { v.ContainerName = volatile }, "--rm"},
		{"another app's", func(v *workload.Service) { v.ContainerName = theirs.key.App + "-e2e-web" }, "belongs to app another-"},
		{"port", func(v *workload.Service) {
			v.Ports = []workload.Port{{HostPort: port, ContainerPort: 80, Protocol: "tcp"}}
		}, "already published by container " + holder},
		{"another protocol", func(v *workload.Service) {
			v.Ports = []workload.Port{{HostPort: port, ContainerPort: 80, Protocol: "udp"}}
		}, ""},
		{"the adopted one's port", func(v *workload.Service) {
			v.ContainerName = holder
			v.Ports = []workload.Port{{HostPort: port, ContainerPort: 80, Protocol: "tcp"}}
		}, ""},
		{"the port of what Compose made for it", func(v *workload.Service) {
			v.Project = made
			v.Ports = []workload.Port{{HostPort: theirPort, ContainerPort: 80, Protocol: "tcp"}}
		}, ""},
		{"the port of what Compose made for another", func(v *workload.Service) {
			v.Name, v.Project = "worker", made
			v.Ports = []workload.Port{{HostPort: theirPort, ContainerPort: 80, Protocol: "tcp"}}
		}, "already published by container " + composed},
		{"source", func(v *workload.Service) {
			v.Mounts = []workload.Mount{{Type: "bind", Source: "/nonexistent/" + s.world.Run, Target: "/x"}}
		}, "does not exist on the host"},
		{"created source", func(v *workload.Service) {
			v.Mounts = []workload.Mount{{Type: "bind", Source: "/nonexistent/" + s.world.Run, Target: "/x", CreateHost: true}}
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			svc := s.service("web", tt.change)
			problems, err := s.e.Check(s.ctx(), s.key, []workload.Service{svc})
			s.must(err)
			text := ""
			for _, p := range problems {
				text += p.String() + "\n"
			}
			if (tt.want == "") != (text == "") || !strings.Contains(text, tt.want) {
				t.Errorf("the problems are %q, not %q", text, tt.want)
			}
		})
	}
}
