package steps

import (
	"slices"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// lost returns the state of a rollout that has to restore a container which somebody has removed, and which the journal
// knows how to make again.
func (r *rig) lost() rollout.State {
	r.t.Helper()
	p, _ := r.provision(r.t.Context(), r.Options.Apps["shop"])
	for i := range r.found {
		r.found[i].Env = p.env
	}
	s := r.replaced(rollout.Deploy)
	old := []workload.Service{{Name: "web", ContainerName: "shop-web", Command: []string{"serve", "--old"}}, {Name: "worker"}}
	s.Request.Previous = &rollout.Previous{Release: workload.Release{ID: "old", Image: workload.Image{ID: "sha256:01"}}, Services: old}
	r.found = slices.DeleteFunc(r.found, func(c workload.Container) bool { return c.ID == "web-old" })
	r.runtime.restore = func(string, string, *workload.Container) error { return fault.New(fault.NotFound, "it is gone") }
	return s
}

func TestALostContainerIsMadeAgain(t *testing.T) {
	r := newRig(t)
	s := r.lost()
	var promoted bool
	r.runtime.replace = func(x workload.Replacement) (workload.Replaced, error) {
		if x.Rollout != "r0" || x.For != "r1" || x.Release.ID != "old" || x.Old != nil || x.Unit.Service.Command[1] != "--old" || len(x.Unit.Env) != 3 {
			t.Errorf("made again as %+v", x)
		}
		return workload.Replaced{NewID: "web-again"}, nil
	}
	r.runtime.promote = func(rollout string, svc workload.Service) error {
		promoted = rollout == "r0" && svc.ContainerName == "shop-web"
		return nil
	}
	ev, err := r.do(t.Context(), s, rollout.DoRestore, "web")
	if err != nil || ev.Restored.Remade != "web-again" || !promoted {
		t.Errorf("%+v, %v, promoted: %v", ev, err, promoted)
	}
}

// TestAMissingNetworkIsNoLostContainer: what the old container needs may be gone while it is still there. To make another
// beside it would be wrong.
func TestAMissingNetworkIsNoLostContainer(t *testing.T) {
	r := newRig(t) // whose runtime fails the test when it is asked to make a container
	s := r.lost()
	r.run("web", "web-old")
	r.runtime.restore = func(string, string, *workload.Container) error {
		return fault.New(fault.NotFound, "the network shop is gone")
	}
	_, err := r.do(t.Context(), s, rollout.DoRestore, "web")
	expect(t, err, fault.NotFound, "the network shop is gone")
}

func TestALostContainerHalts(t *testing.T) {
	for name, test := range map[string]struct {
		arrange func(r *rig, s *rollout.State)
		why     string
	}{
		"it did not run":                {func(_ *rig, s *rollout.State) { s.Services[0].Baseline.Container.Status = workload.Exited }, "it did not run before"},
		"it was taken over":             {func(_ *rig, s *rollout.State) { s.Services[0].Baseline.Container.Ours = false }, "the journal does not know how it was made"},
		"nothing is known":              {func(_ *rig, s *rollout.State) { s.Request.Previous = nil }, "the journal does not know how it was made"},
		"another release is known":      {func(_ *rig, s *rollout.State) { s.Request.Previous.Release.ID = "older" }, "the journal does not know how it was made"},
		"its definition is not known":   {func(_ *rig, s *rollout.State) { s.Request.Previous.Services = s.Request.Previous.Services[1:] }, "the journal does not know its definition"},
		"its environment was another":   {func(_ *rig, s *rollout.State) { s.Services[0].Baseline.Container.Env = "another" }, "its environment is not today's"},
		"the host's key is lost":        {func(r *rig, _ *rollout.State) { r.Options.Key = secret.NewKey([secret.KeySize]byte{9}) }, "the host's key for fingerprints was lost"},
		"today's environment is faulty": {func(r *rig, _ *rollout.State) { r.write("not an env file") }, "its environment is not today's"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t) // whose runtime fails the test when it is asked to make a container
			s := r.lost()
			test.arrange(r, &s)
			_, err := r.do(t.Context(), s, rollout.DoRestore, "web")
			expect(t, err, fault.Halted, "service web: the old container shop-web was removed by somebody, and cannot be made again: "+test.why, "by hand")
		})
	}
}
