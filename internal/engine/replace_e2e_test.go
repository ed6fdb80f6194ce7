//go:build e2e

package engine_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

func suffixOf(rollout string) string { return strings.ToLower(rollout[len(rollout)-8:]) }

// same fails the test when the app's containers are not these.
func (s *stage) same(want []string, services ...workload.Service) {
	s.t.Helper()
	slices.Sort(want)
	if got := s.names(services...); !slices.Equal(got, want) {
		s.t.Fatalf("the containers are\n  %q\nnot\n  %q", got, want)
	}
}

func TestReplacePromoteRetire(t *testing.T) {
	s := newStage(t)
	svc := s.service("web")
	final := svc.FinalName(s.key)
	old := s.running(svc)
	if old.Name != final || old.RestartPolicy.Name != "unless-stopped" || !old.Ours {
		t.Fatalf("the first container is not as it should be: %+v", old)
	}

	id := rollout()
	r := s.replacement(id, svc, &old)
	var first workload.Replaced
	for try := range 2 { // everything may be called again
		done, err := s.e.Replace(s.ctx(), r)
		s.must(err)
		if try == 0 {
			first = done
		} else if !reflect.DeepEqual(done, first) {
			t.Fatalf("the second call did something else: %+v, then %+v", first, done)
		}
		s.same([]string{final + ".new-" + suffixOf(id) + " running", final + ".old-" + suffixOf(id) + " exited"})
	}
	fresh, kept := s.one(first.NewID), s.one(first.OldID)
	if fresh.RestartPolicy.Name != "no" || kept.RestartPolicy.Name != "no" {
		t.Fatalf("before the proof the policies are %q and %q", fresh.RestartPolicy.Name, kept.RestartPolicy.Name)
	}
	if fresh.Release != r.Release.ID || fresh.Rollout != id || fresh.Service != "web" || fresh.Definitions != "definitions" || fresh.Env != "environments" {
		t.Fatalf("the labels tell something else: %+v", fresh)
	}
	if kept.ExitCode != 0 {
		t.Fatalf("the old container did not hear that it should end: code %d", kept.ExitCode)
	}

	for range 2 {
		s.must(s.e.Promote(s.ctx(), s.key, id, svc))
		s.same([]string{final + " running", final + ".old-" + suffixOf(id) + " exited"})
	}
	if p := s.one(final).RestartPolicy.Name; p != "unless-stopped" {
		t.Fatalf("after the promotion the policy is %q", p)
	}
	for range 2 {
		s.must(s.e.Retire(s.ctx(), s.key, id, old))
		s.same([]string{final + " running"})
	}
	if again, err := s.e.Replace(s.ctx(), s.replacement(id, svc, nil)); err != nil || again.NewID != first.NewID {
		t.Fatalf("after everything, Replace found something to do: %+v, %v", again, err)
	}
}

func TestRestoreBringsBackWhatWas(t *testing.T) {
	s := newStage(t)
	svc := s.service("web")
	final := svc.FinalName(s.key)
	for _, was := range []workload.Status{workload.Running, workload.Paused, workload.Exited} {
		t.Run(string(was), func(t *testing.T) {
			s := s.in(t)
			defer s.clear()
			old := s.running(svc)
			switch was {
			case workload.Paused:
				s.must(s.api.ContainerPause(s.ctx(), old.ID))
			case workload.Exited:
				s.must(s.api.ContainerStop(s.ctx(), old.ID, container.StopOptions{}))
			}
			old = s.one(old.ID)
			id := rollout()
			_, err := s.e.Replace(s.ctx(), s.replacement(id, svc, &old))
			s.must(err)
			for range 2 {
				s.must(s.e.Restore(s.ctx(), s.key, id, "web", &old))
				s.same([]string{final + " " + string(was)})
			}
			if back := s.one(old.ID); back.RestartPolicy != old.RestartPolicy {
				t.Fatalf("the policy was %+v and is %+v", old.RestartPolicy, back.RestartPolicy)
			}
		})
	}
}

func TestRestoreToNothing(t *testing.T) {
	s := newStage(t)
	svc := s.service("web")
	id := rollout()
	_, err := s.e.Replace(s.ctx(), s.replacement(id, svc, nil))
	s.must(err)
	for range 2 {
		s.must(s.e.Restore(s.ctx(), s.key, id, "web", nil))
		s.same(nil)
	}
}

func TestRestoreTellsThatTheOldOneIsGone(t *testing.T) {
	s := newStage(t)
	svc := s.service("web")
	old := s.running(svc)
	id := rollout()
	_, err := s.e.Replace(s.ctx(), s.replacement(id, svc, &old))
	s.must(err)
	s.must(s.api.ContainerRemove(s.ctx(), old.ID, container.RemoveOptions{}))
	if err := s.e.Restore(s.ctx(), s.key, id, "web", &old); fault.KindOf(err) != fault.NotFound {
		t.Fatalf("Restore says %v", err)
	}
	s.same(nil)
}

func TestAdoptedContainerIsTakenOverAndGivenBack(t *testing.T) {
	s := newStage(t)
	name := "legacy-" + s.world.Run
	svc := s.service("web", func(v *workload.Service) { v.ContainerName = name })
	id := s.adopted(name, func(_ *container.Config, h *container.HostConfig) { h.RestartPolicy.Name = "always" })

	found := s.all(svc)
	old, ok := found[name]
	if !ok || len(found) != 1 || old.Ours || old.Service != "web" || old.ID != id || old.Image.ID != s.image.ID || old.RestartPolicy.Name != "always" {
		t.Fatalf("the container was not found as it is: %+v", found)
	}
	if err := s.e.Retire(s.ctx(), s.key, rollout(), old); fault.KindOf(err) != fault.Refused {
		t.Fatalf("a container that was never set aside would be removed: %v", err)
	}

	first := rollout()
	_, err := s.e.Replace(s.ctx(), s.replacement(first, svc, &old))
	s.must(err)
	if kept := s.one(id); kept.Name != name+".old-"+suffixOf(first) || kept.Live() || kept.RestartPolicy.Name != "no" {
		t.Fatalf("it was not set aside: %+v", kept)
	}
	s.must(s.e.Restore(s.ctx(), s.key, first, "web", &old))
	if back := s.one(id); back.Name != name || back.Status != workload.Running || back.RestartPolicy.Name != "always" {
		t.Fatalf("it is not back as it was: %+v", back)
	}

	second := rollout()
	_, err = s.e.Replace(s.ctx(), s.replacement(second, svc, &old))
	s.must(err)
	s.must(s.e.Promote(s.ctx(), s.key, second, svc))
	s.must(s.e.Retire(s.ctx(), s.key, second, old))
	s.same([]string{name + " running"}, svc)
	if now := s.all(svc)[name]; !now.Ours {
		t.Fatalf("it is not ours now: %+v", now)
	}
}

func TestReplaceRefusesASecondLiveContainer(t *testing.T) {
	s := newStage(t)
	svc := s.service("web")
	s.running(svc)
	_, err := s.e.Replace(s.ctx(), s.replacement(rollout(), svc, nil))
	if fault.KindOf(err) != fault.Conflict {
		t.Fatalf("Replace says %v", err)
	}
	s.same([]string{svc.FinalName(s.key) + " running"})
}

func TestReplaceRefusesAStrangersTemporaryName(t *testing.T) {
	s := newStage(t)
	svc := s.service("web")
	id := rollout()
	name := svc.FinalName(s.key) + ".new-" + suffixOf(id)
	s.adopted(name)
	_, err := s.e.Replace(s.ctx(), s.replacement(id, svc, nil))
	if fault.KindOf(err) != fault.Conflict || !strings.Contains(fault.Text(err), name) {
		t.Fatalf("Replace says %v", err)
	}
}

func TestReplaceRefusesAutoRemove(t *testing.T) {
	s := newStage(t)
	name := "volatile-" + s.world.Run
	svc := s.service("web", func(v *workload.Service) { v.ContainerName = name })
	s.adopted(name, func(_ *container.Config, h *container.HostConfig) { h.AutoRemove = true })
	old := s.all(svc)[name]
	if !old.AutoRemove {
		t.Fatalf("--rm was not seen: %+v", old)
	}
	if _, err := s.e.Replace(s.ctx(), s.replacement(rollout(), svc, &old)); fault.KindOf(err) != fault.Refused {
		t.Fatalf("Replace says %v", err)
	}
	s.same([]string{name + " running"}, svc)
}

func TestReplaceSeesAnotherEnvironment(t *testing.T) {
	s := newStage(t)
	svc := s.service("web")
	r := s.replacement(rollout(), svc, nil)
	r.Unit.Env = r.Unit.Env[:1]
	// As after a death between the creation and the start.
	cut := newCut(t, 1, afterwards)
	if _, err := open(t, cut.host).Replace(s.ctx(), r); err == nil {
		t.Fatal("the connection was not cut")
	}
	r.Unit.Env = env()
	_, err := s.e.Replace(s.ctx(), r)
	if fault.KindOf(err) != fault.Conflict || strings.Contains(err.Error(), canary) {
		t.Fatalf("Replace says %v", err)
	}
}

func TestReplaceLeavesAnEndedContainerToVerify(t *testing.T) {
	s := newStage(t)
	svc := s.service("web", func(v *workload.Service) { v.Command = []string{"exit", "7"} })
	r := s.replacement(rollout(), svc, nil)
	done, err := s.e.Replace(s.ctx(), r)
	s.must(err)
	s.must(s.e.WaitExit(s.ctx(), done.NewID))
	again, err := s.e.Replace(s.ctx(), r)
	s.must(err)
	if c := s.one(again.NewID); !reflect.DeepEqual(again, done) || c.Status != workload.Exited || c.ExitCode != 7 {
		t.Fatalf("the ended container was not left alone: %+v", c)
	}
	if err := s.e.Promote(s.ctx(), s.key, r.Rollout, svc); fault.KindOf(err) != fault.Conflict {
		t.Fatalf("Promote says %v", err)
	}
}

func TestRetireTellsApartWhatLives(t *testing.T) {
	s := newStage(t)
	svc := s.service("web")
	old := s.running(svc)
	id := rollout()
	done, err := s.e.Replace(s.ctx(), s.replacement(id, svc, &old))
	s.must(err)
	if err := s.e.Retire(s.ctx(), s.key, id, s.one(done.NewID)); fault.KindOf(err) != fault.Internal {
		t.Fatalf("the new container would be removed: %v", err)
	}
	// Somebody starts the old one again. Under a name of their own it is theirs; as it was kept, it is ours to end.
	kept := s.one(old.ID).Name
	s.must(s.api.ContainerStart(s.ctx(), old.ID, container.StartOptions{}))
	s.must(s.api.ContainerRename(s.ctx(), old.ID, kept+"-mine"))
	if err := s.e.Retire(s.ctx(), s.key, id, old); fault.KindOf(err) != fault.Conflict {
		t.Fatalf("a live container that somebody named would be removed: %v", err)
	}
	s.must(s.api.ContainerRename(s.ctx(), old.ID, kept))
	s.must(s.e.Retire(s.ctx(), s.key, id, old))
	if _, err := s.e.Inspect(s.ctx(), old.ID); fault.KindOf(err) != fault.NotFound {
		t.Fatalf("two containers live on: %v", err)
	}
}

func TestStartFailuresAreTold(t *testing.T) {
	s := newStage(t)
	net, err := s.world.Network(s.ctx())
	s.must(err)
	holder := s.service("holder", func(v *workload.Service) {
		v.Ports = []workload.Port{{HostIP: "127.0.0.1", ContainerPort: 80, Protocol: "tcp"}}
	})
	s.running(holder)
	port := s.published(holder.FinalName(s.key))
	for _, tt := range []struct {
		name   string
		change func(*workload.Service)
		want   string
	}{
		{"taken port", func(v *workload.Service) {
			v.Ports = []workload.Port{{HostIP: "127.0.0.1", HostPort: port, ContainerPort: 80, Protocol: "tcp"}}
		}, "host port 127.0.0.1:" + port + " is already in use"},
		{"missing network", func(v *workload.Service) { v.Networks = []workload.Network{{Name: "nowhere-" + s.world.Run}} }, "docker network create nowhere-"},
		{"missing second network", func(v *workload.Service) {
			v.Networks = []workload.Network{{Name: net.Name}, {Name: "nowhere-" + s.world.Run}}
		}, "docker network create nowhere-"},
		{"missing command", func(v *workload.Service) { v.Entrypoint = []string{"/nothing", canary} }, "does not exist in the image"},
		{"missing source", func(v *workload.Service) {
			v.Mounts = []workload.Mount{{Type: "bind", Source: "/nonexistent/" + s.world.Run, Target: "/x"}}
		}, "does not exist on the host"},
		{"unknown user", func(v *workload.Service) { v.User = "nobody-here" }, "user is not known"},
		{"unknown capability", func(v *workload.Service) { v.CapAdd = []string{"SYS_NONSENSE"} }, "unknown capability"},
		{"unknown log option", func(v *workload.Service) {
			v.Logging = &workload.Logging{Driver: "json-file", Options: map[string]string{"nonsense": canary}}
		}, "logging options"},
		{"tiny memory", func(v *workload.Service) { v.Resources.MemoryBytes = 1024 }, "memory limit"},
		{"own address", func(v *workload.Service) {
			v.Networks = []workload.Network{{Name: net.Name, IPv4Address: "10.255.255.1"}}
		}, "ipv4_address"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := s.in(t)
			svc := s.service("web", tt.change)
			id := rollout()
			_, err := s.e.Replace(s.ctx(), s.replacement(id, svc, nil))
			if err == nil || !strings.Contains(fault.Text(err), tt.want) || strings.Contains(err.Error(), canary) {
				t.Errorf("Replace says %v, kind %s (hidden: %v)", err, fault.KindOf(err), errors.Unwrap(err))
			}
			s.must(s.e.Restore(s.ctx(), s.key, id, "web", nil))
		})
	}
}

// published returns the host port that the Engine picked for a container.
func (s *stage) published(name string) string {
	s.t.Helper()
	c, err := s.api.ContainerInspect(s.ctx(), name)
	s.must(err)
	return c.NetworkSettings.Ports["80/tcp"][0].HostPort
}

// An old container is never put back beside another that lives, whoever made it, and then nothing is touched.
func TestRestoreLeavesWhatLives(t *testing.T) {
	s := newStage(t)
	svc := s.service("web")
	old := s.running(svc)
	first, second := rollout(), rollout()
	_, err := s.e.Replace(s.ctx(), s.replacement(first, svc, &old))
	s.must(err)
	s.must(s.e.Promote(s.ctx(), s.key, first, svc))
	now := s.all()[svc.FinalName(s.key)]
	_, err = s.e.Replace(s.ctx(), s.replacement(second, svc, &now))
	s.must(err)
	before := s.names()
	for range 2 { // as a daemon would that knows nothing of the second rollout
		if err := s.e.Restore(s.ctx(), s.key, first, "web", &old); fault.KindOf(err) != fault.Conflict || !strings.Contains(fault.Text(err), second) {
			t.Fatalf("Restore says %v", err)
		}
		s.same(before)
	}
	s.must(s.e.Restore(s.ctx(), s.key, second, "web", &now))
	s.must(s.e.Promote(s.ctx(), s.key, first, svc))
}
