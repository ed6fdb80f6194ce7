package steps

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// holdingWeb runs hold in a bubble, after web was restored. Before arranges the host as validate finds it, and after as the
// restore leaves it.
func holdingWeb(t *testing.T, before, after func(r *rig, c *workload.Container), check func(t *testing.T, r *rig, took time.Duration, err error)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		before(r, r.container("web-old"))
		s := r.validated(rollout.Deploy)
		s.Services[0].Replace, s.Services[0].Restore = rollout.Complete, rollout.Complete
		s.Services[0].Restored = &rollout.Restored{Service: "web"}
		r.container("web-old").StartedAt = time.Now()
		after(r, r.container("web-old"))
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := r.do(ctx, s, rollout.DoHold, "")
		check(t, r, time.Since(begun), err)
	})
}

func TestHold(t *testing.T) {
	is := func(status workload.Status, health workload.Health) func(*rig, *workload.Container) {
		return func(_ *rig, c *workload.Container) { c.Status, c.Health = status, health }
	}
	nothing := func(*rig, *workload.Container) {}
	// mute is a first release that knows no status.
	mute := func(r *rig, _ *workload.Container) {
		look := r.prober.look
		r.prober.look = func(ctx context.Context, l workload.Look) (workload.Answer, error) {
			if l.Container.ID == "web-old" {
				return workload.Answer{}, fault.New(fault.Unavailable, "there is no such page")
			}
			return look(ctx, l)
		}
	}
	for name, test := range map[string]struct {
		before, after func(*rig, *workload.Container)
		took          time.Duration // at least; what fails at once takes none
		fault         fault.Kind
		want          string
	}{
		"it answers as before":                              {before: nothing, after: nothing},
		"it takes its secrets from the database, as before": {before: func(r *rig, _ *workload.Container) { r.answers["web"] = from(secret.Database) }, after: nothing},
		"it answers from elsewhere than before":             {before: nothing, after: func(r *rig, _ *workload.Container) { r.answers["web"] = from(secret.Database) }},
		"it never answered":                                 {before: mute, after: nothing, took: 2 * time.Second},
		"it answered, and does not now":                     {before: nothing, after: mute, took: time.Minute, fault: fault.Halted, want: "did not come back to what it was in time (it runs, but is not what it was)"},
		"it answered, and is not healthy now": {before: nothing, after: func(r *rig, _ *workload.Container) { r.answers["web"] = workload.Answer{} },
			took: time.Minute, fault: fault.Halted, want: "a person is needed"},
		"it was unhealthy before":         {before: func(r *rig, _ *workload.Container) { r.answers["web"] = workload.Answer{} }, after: nothing, took: 2 * time.Second},
		"the Engine says healthy again":   {before: is(workload.Running, workload.Healthy), after: nothing},
		"the Engine never says it again":  {before: is(workload.Running, workload.Healthy), after: is(workload.Running, workload.Starting), took: time.Minute, fault: fault.Halted, want: "did not come back"},
		"the Engine never said it":        {before: is(workload.Running, workload.Unhealthy), after: nothing},
		"it ends":                         {before: nothing, after: func(_ *rig, c *workload.Container) { c.Status, c.ExitCode = workload.Exited, 7 }, fault: fault.Halted, want: "does not stay up (exited, exit code 7)"},
		"it is gone":                      {before: nothing, after: func(r *rig, _ *workload.Container) { r.remove("web-old") }, fault: fault.Halted, want: "is gone: somebody removed it"},
		"it crashes again and again":      {before: nothing, after: is(workload.Restarting, workload.NoHealth), took: time.Minute, fault: fault.Halted, want: "did not come back"},
		"it did so before":                {before: is(workload.Restarting, workload.NoHealth), after: nothing},
		"it was paused, and is again":     {before: is(workload.Paused, workload.NoHealth), after: nothing},
		"it was stopped, and is again":    {before: is(workload.Exited, workload.NoHealth), after: nothing},
		"the Engine does not answer once": {before: nothing, after: func(r *rig, _ *workload.Container) { r.deafFor(1) }, took: 20 * time.Millisecond},
		"the Engine does not answer": {before: nothing, after: func(r *rig, _ *workload.Container) { r.deafFor(1000) },
			took: time.Minute, fault: fault.Halted, want: "(the Engine does not answer)"},
	} {
		t.Run(name, func(t *testing.T) {
			holdingWeb(t, test.before, test.after, func(t *testing.T, _ *rig, took time.Duration, err error) {
				if test.fault != "" {
					expect(t, err, test.fault, "service web", test.want)
				} else if err != nil {
					t.Error(err)
				}
				if took < test.took || took > test.took+time.Second {
					t.Errorf("it took %v, want %v", took, test.took)
				}
			})
		})
	}
}

// deafFor makes the Engine fail to show a container so many times.
func (r *rig) deafFor(times int) {
	inspect := r.containers.inspect
	r.containers.inspect = func(id string) (workload.Container, error) {
		if times--; times >= 0 {
			return workload.Container{}, fault.New(fault.Unavailable, "the Engine does not answer")
		}
		return inspect(id)
	}
}

func TestHoldLooksOnlyAtWhatWasTouched(t *testing.T) {
	r := newRig(t)
	s := r.validated(rollout.Deploy)
	s.Services[0].Baseline.Container = nil // it was absent, so nothing is to be held
	s.Services[0].Replace = rollout.Begin
	r.containers.inspect = func(id string) (workload.Container, error) {
		t.Errorf("looked at %s", id)
		return workload.Container{}, nil
	}
	if _, err := r.do(t.Context(), s, rollout.DoHold, ""); err != nil {
		t.Error(err)
	}
}

func TestHoldOfAContainerThatWasMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		s := r.validated(rollout.Deploy)
		s.Services[0].Replace = rollout.Complete
		s.Services[0].Restored = &rollout.Restored{Service: "web", Remade: "web-again"}
		r.remove("web-old")
		r.run("web", "web-again")
		if _, err := r.do(t.Context(), s, rollout.DoHold, ""); err != nil {
			t.Error(err)
		}
	})
}

func TestHoldIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		s := r.validated(rollout.Deploy)
		s.Services[0].Replace = rollout.Complete
		r.answers["web"] = workload.Answer{}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := r.do(ctx, s, rollout.DoHold, "")
		expect(t, err, fault.Conflict, "holding service web was interrupted")
	})
}
