package steps

import (
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

func TestReplace(t *testing.T) {
	r := newRig(t, "{command: [work]}", "{command: [work], environment: {ROLE: worker}}")
	r.remove("worker-old")
	s := r.validated(rollout.Deploy)
	s.Target = workload.Release{ID: "new"}
	var got []workload.Replacement
	r.runtime.replace = func(x workload.Replacement) (workload.Replaced, error) {
		got = append(got, x)
		return workload.Replaced{Service: x.Unit.Service.Name, NewID: x.Unit.Service.Name + "-new"}, nil
	}
	for _, service := range s.Request.Services {
		ev, err := r.do(t.Context(), s, rollout.DoReplace, service)
		if err != nil || ev.Replaced.NewID != service+"-new" {
			t.Fatalf("%s: %+v, %v", service, ev, err)
		}
	}
	web, worker := got[0], got[1]
	if web.Rollout != "r1" || web.Release.ID != "new" || web.Old == nil || web.Old.ID != "web-old" || web.Unit.Service.ContainerName != "shop-web" {
		t.Errorf("web is replaced by %+v", web)
	}
	if !web.Unit.Env.Value("AZURE_OPENAI_API_KEY").Equal(secret.NewValue(azure)) || web.Unit.Env.Value("ROLE").Reveal() != "" {
		t.Error("web does not get the environment of the env file alone")
	}
	if worker.Old != nil || worker.Unit.Env.Value("ROLE").Reveal() != "worker" {
		t.Errorf("the worker, which was absent, is replaced by %+v", worker)
	}
}

func TestReplaceRefusesWhatWasNotValidated(t *testing.T) {
	for name, test := range map[string]struct {
		env   string
		parts []string
	}{
		"another value":    {strings.Replace(provisioned, smtp, smtp+"x", 1), []string{"changed after they were validated", "start a new rollout"}},
		"another variable": {provisioned + "EXTRA=1\n", []string{"changed after they were validated"}},
		"it fails":         {strings.Replace(provisioned, azure, "changeme", 1), []string{"no longer passes", ":1: AZURE_OPENAI_API_KEY still holds a placeholder"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t) // whose runtime fails the test when it is called
			s := r.validated(rollout.Deploy)
			r.write(test.env)
			_, err := r.do(t.Context(), s, rollout.DoReplace, "web")
			expect(t, err, fault.Refused, append(test.parts, r.env)...)
		})
	}
	r := newRig(t)
	s := r.validated(rollout.Deploy)
	_, err := r.do(t.Context(), s, rollout.DoReplace, "cron")
	expect(t, err, fault.Refused, "service cron is no longer configured")

	rekeyed := newRig(t)
	s = rekeyed.validated(rollout.Deploy)
	rekeyed.Options.Key = secret.NewKey([secret.KeySize]byte{9})
	_, err = rekeyed.do(t.Context(), s, rollout.DoReplace, "web")
	expect(t, err, fault.Refused, "the host's key for fingerprints was lost or replaced", "start a new rollout")

	changed := newRig(t, "command: [work]", "command: [play]")
	changed.write(provisioned)
	_, err = changed.do(t.Context(), s, rollout.DoReplace, "web")
	expect(t, err, fault.Refused, "the service definitions changed")
}

func TestReplaceFails(t *testing.T) {
	r := newRig(t)
	s := r.validated(rollout.Deploy)
	r.runtime.replace = func(workload.Replacement) (workload.Replaced, error) {
		return workload.Replaced{NewID: "half"}, fault.New(fault.Conflict, "the port is taken")
	}
	ev, err := r.do(t.Context(), s, rollout.DoReplace, "web")
	if expect(t, err, fault.Conflict, "the port is taken"); ev != nil {
		t.Errorf("half a replacement is evidence: %+v", ev)
	}
}

func TestPromoteTakesTheValidatedDefinition(t *testing.T) {
	r := newRig(t)
	s := r.proved(rollout.Deploy)
	var got workload.Service
	r.runtime.promote = func(rollout string, svc workload.Service) error {
		if rollout != "r1" {
			t.Errorf("promoted for rollout %s", rollout)
		}
		got = svc
		return nil
	}
	r.write("being edited") // must not matter any more
	r.Options.Apps["shop"].Services[0].YAML.Content = nil
	if _, err := r.do(t.Context(), s, rollout.DoPromote, "web"); err != nil {
		t.Fatal(err)
	}
	if got.Name != "web" || got.ContainerName != "shop-web" || got.Restart.Name != "unless-stopped" {
		t.Errorf("promoted as %+v", got)
	}
	_, err := r.do(t.Context(), s, rollout.DoPromote, "cron")
	expect(t, err, fault.Refused, "service cron")
}

func TestRetire(t *testing.T) {
	r := newRig(t)
	s := r.proved(rollout.Deploy)
	var retired string
	r.runtime.retire = func(rollout string, old workload.Container) error { retired = rollout + " " + old.ID; return nil }
	if _, err := r.do(t.Context(), s, rollout.DoRetire, "web"); err != nil || retired != "r1 web-old" {
		t.Errorf("retired %q, %v", retired, err)
	}
	r.runtime.retire = nil // fails the test when it is called
	s.Services[1].Baseline.Container = nil
	if _, err := r.do(t.Context(), s, rollout.DoRetire, "worker"); err != nil {
		t.Errorf("there is nothing to retire: %v", err)
	}
}
