//go:build e2e && full

package engine_test

import (
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/capakraken/fairlead/internal/workload"
)

func TestPromoteAndRetireSurviveEveryDeath(t *testing.T) {
	s := newStage(t)
	svc := s.service("web")
	everyDeath(t, func(t *testing.T, c *cut) {
		s := s.in(t)
		defer s.clear()
		old := s.running(svc)
		r := s.replacement(rollout(), svc, &old)
		_, err := s.e.Replace(s.ctx(), r)
		s.must(err)
		broken := open(t, c.host)
		if broken.Promote(s.ctx(), s.key, r.Rollout, svc) == nil {
			_ = broken.Retire(s.ctx(), s.key, r.Rollout, old)
		}
		s.must(s.e.Promote(s.ctx(), s.key, r.Rollout, svc))
		s.must(s.e.Retire(s.ctx(), s.key, r.Rollout, old))
		s.same([]string{svc.FinalName(s.key) + " running"})
		if p := s.one(svc.FinalName(s.key)).RestartPolicy.Name; p != "unless-stopped" {
			t.Fatalf("the policy is %q", p)
		}
	})
}

func TestRestoreSurvivesEveryDeath(t *testing.T) {
	s := newStage(t)
	name := "legacy-" + s.world.Run
	svc := s.service("web", func(v *workload.Service) { v.ContainerName = name })
	everyDeath(t, func(t *testing.T, c *cut) {
		s := s.in(t)
		defer s.clear(svc)
		id := s.adopted(name, func(_ *container.Config, h *container.HostConfig) { h.RestartPolicy.Name = "always" })
		old := s.one(id)
		r := s.replacement(rollout(), svc, &old)
		_, err := s.e.Replace(s.ctx(), r)
		s.must(err)
		s.must(s.e.Promote(s.ctx(), s.key, r.Rollout, svc))
		_ = open(t, c.host).Restore(s.ctx(), s.key, r.Rollout, "web", &old)
		s.neverTwo(svc)
		s.must(s.e.Restore(s.ctx(), s.key, r.Rollout, "web", &old))
		s.same([]string{name + " running"}, svc)
		if back := s.one(name); back.ID != id || back.RestartPolicy.Name != "always" {
			t.Fatalf("it is not back: %+v", back)
		}
	})
}
