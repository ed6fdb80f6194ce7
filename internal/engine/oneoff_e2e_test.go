//go:build e2e

package engine_test

import (
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// The one-off container is made once and started once, whoever asks how often; it stands beside the service and is not
// taken for it; and it goes without a trace.
func TestOneOffRunsOnce(t *testing.T) {
	s := newStage(t)
	svc := s.service("web")
	old := s.running(svc)
	id := rollout()
	r := s.replacement(id, svc, nil)
	r.OneOff = true
	made, err := s.e.Prepare(s.ctx(), r)
	s.must(err)
	if again, err := s.e.Prepare(s.ctx(), r); err != nil || again != made {
		t.Fatalf("the second call made %s (%v), not %s", again, err, made)
	}
	if c := s.one(made); c.Status != workload.Created || !c.OneOff() || c.Service != "" || c.Rollout != id || c.RestartPolicy.Name != "no" || !c.Passing() {
		t.Fatalf("it is made as %+v", c)
	}
	s.must(s.e.Launch(s.ctx(), s.key, made))
	first := s.one(made)
	if first.Status == workload.Created {
		t.Fatal("it was not started")
	}
	if _, err := s.e.Prepare(s.ctx(), r); fault.KindOf(err) != fault.Conflict {
		t.Fatalf("one that was started is made ready again: %v", err)
	}
	if first.Live() {
		s.must(s.api.ContainerStop(s.ctx(), made, container.StopOptions{Timeout: new(1)}))
	}
	s.must(s.e.WaitExit(s.ctx(), made))
	s.must(s.e.Launch(s.ctx(), s.key, made))
	if c := s.one(made); c.Live() || !c.StartedAt.Equal(first.StartedAt) {
		t.Fatalf("it was started again: %+v", c)
	}
	if err := s.e.Launch(s.ctx(), s.key, old.ID); fault.KindOf(err) != fault.Internal {
		t.Fatalf("a service's own container was launched: %v", err)
	}
	for range 2 {
		s.must(s.e.Discard(s.ctx(), s.key, id))
		s.same([]string{svc.FinalName(s.key) + " running"})
	}
}
