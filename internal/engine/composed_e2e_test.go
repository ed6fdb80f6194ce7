//go:build e2e

package engine_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// What Compose has made for a service is taken over with its anonymous volume, is put back as it was, and is known again
// when Compose has taken the service back; and Compose sees what Fairlead makes.
func TestComposed(t *testing.T) {
	s := newStage(t)
	project := &workload.Project{Name: strings.ToLower(s.key.Instance) + "-shop", Dir: "/srv/shop", Files: []string{"/srv/shop/compose.yaml"}}
	svc := s.service("web", func(w *workload.Service) { w.Project, w.ContainerName = project, project.Name+"-web-1" })
	byCompose := func(c *container.Config, h *container.HostConfig) {
		c.Labels["com.docker.compose.project"], c.Labels["com.docker.compose.service"], c.Labels["com.docker.compose.oneoff"] = project.Name, "web", "False"
		c.Volumes = map[string]struct{}{"/data": {}}
		h.RestartPolicy.Name = "always"
		h.ReadonlyRootfs = true
	}
	first := s.adopted(project.Name+"_web_1", byCompose) // as the older Compose calls it
	once := func(c *container.Config, h *container.HostConfig) {
		byCompose(c, h)
		c.Labels["com.docker.compose.oneoff"] = "True"
	}
	s.adopted(project.Name+"_web_run_1", once)
	found := s.all(svc)
	old, ok := found[project.Name+"_web_1"]
	if !ok || len(found) != 1 || old.ID != first || old.Ours || old.Service != "web" || old.Project != project.Name {
		t.Fatalf("what Compose has made is seen as %+v", found)
	}
	volume := s.inspect(first).Mounts[0].Name

	// A new container that is less hardened is refused before anything is touched, and allowed on demand.
	id := rollout()
	r := s.replacement(id, svc, &old)
	c, err := s.e.Compare(s.ctx(), r)
	if s.must(err); len(c.Weaker) != 1 || c.Weaker[0].Field != "HostConfig.ReadonlyRootfs" || len(c.Lost) != 0 || len(c.Carried) != 1 || c.Carried[0].Source != volume {
		t.Errorf("the comparison is %+v", c)
	}
	if _, err := s.e.Replace(s.ctx(), r); fault.KindOf(err) != fault.Refused || !s.inspect(first).State.Running {
		t.Errorf("Replace says %v", err)
	}
	s.must(s.e.Restore(s.ctx(), s.key, id, "web", &old))

	svc.ReadOnly = true
	id = rollout()
	r = s.replacement(id, svc, &old)
	done, err := s.e.Replace(s.ctx(), r)
	s.must(err)
	carries := func(id string) {
		t.Helper()
		if m := s.inspect(id).Mounts; len(m) != 1 || m[0].Name != volume || m[0].Destination != "/data" {
			t.Errorf("it mounts %+v", m)
		}
	}
	carries(done.NewID)

	// Put back, it is the same container under its own name.
	s.must(s.e.Restore(s.ctx(), s.key, id, "web", &old))
	back := s.inspect(first)
	if back.Name != "/"+project.Name+"_web_1" || !back.State.Running || back.HostConfig.RestartPolicy.Name != "always" {
		t.Errorf("put back it is %s, %s, %s", back.Name, back.State.Status, back.HostConfig.RestartPolicy.Name)
	}
	carries(first)

	// Taken over for good, twice: the volume goes on, and Compose sees the container.
	id = rollout()
	done, err = s.e.Replace(s.ctx(), s.replacement(id, svc, &old))
	s.must(err)
	s.must(s.e.Promote(s.ctx(), s.key, id, svc))
	s.must(s.e.Retire(s.ctx(), s.key, id, old))
	ours := s.one(svc.ContainerName)
	if c, err := s.e.Compare(s.ctx(), s.replacement(rollout(), svc, &ours)); err != nil || len(c.Lost)+len(c.Weaker)+len(c.Changed) != 0 {
		t.Errorf("the same again differs: %+v, %v", c, err)
	}
	id = rollout()
	done, err = s.e.Replace(s.ctx(), s.replacement(id, svc, &ours))
	s.must(err)
	if len(done.Differences) != 0 {
		t.Errorf("the same again differs: %+v", done.Differences)
	}
	s.must(s.e.Promote(s.ctx(), s.key, id, svc))
	s.must(s.e.Retire(s.ctx(), s.key, id, ours))
	carries(done.NewID)
	listed, err := s.api.ContainerList(s.ctx(), container.ListOptions{Filters: filters.NewArgs(filters.Arg("label", "com.docker.compose.project="+project.Name),
		filters.Arg("label", "com.docker.compose.oneoff=False"), filters.Arg("label", "com.docker.compose.config-hash"))})
	s.must(err)
	if len(listed) != 1 || listed[0].ID != done.NewID {
		t.Errorf("Compose lists %d containers", len(listed))
	}

	// Compose takes the service back while a rollout is on its way: nothing is started beside it.
	ours = s.one(svc.ContainerName)
	id = rollout()
	s.must(s.e.Retire(s.ctx(), s.key, rollout(), workload.Container{ID: "none"}))
	second := s.adopted(project.Name+"-web-2", byCompose)
	if _, err := s.e.Replace(s.ctx(), s.replacement(id, svc, &ours)); fault.KindOf(err) != fault.Conflict || !strings.Contains(fault.Text(err), "docker compose up") {
		t.Errorf("beside a container of Compose, Replace says %v", err)
	}
	if names := s.names(svc); !slices.Contains(names, project.Name+"-web-2 running") || !slices.Contains(names, svc.ContainerName+" running") {
		t.Errorf("the containers are %q", names)
	}
	s.must(s.api.ContainerRemove(s.ctx(), second, container.RemoveOptions{Force: true}))
}

func (s *stage) inspect(id string) container.InspectResponse {
	s.t.Helper()
	c, err := s.api.ContainerInspect(s.ctx(), id)
	s.must(err)
	return c
}
