package steps

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// dropping returns env without the variable called name.
func dropping(env secret.Env, name string) secret.Env {
	return slices.DeleteFunc(slices.Clone(env), func(v secret.Var) bool { return v.Name == name })
}

func holding(env secret.Env, name, value string) secret.Env {
	return env.With(secret.Var{Name: name, Value: secret.NewValue(value)})
}

// TestNothingIsClearedWithoutProof holds every precondition of promise 4: with one of them missing, the database is not
// even asked to clear.
func TestNothingIsClearedWithoutProof(t *testing.T) {
	for name, test := range map[string]struct {
		arrange func(r *rig, s *rollout.State)
		kind    fault.Kind
		want    string
	}{
		"the env file changed": {func(r *rig, _ *rollout.State) { r.write(strings.Replace(provisioned, smtp, smtp+"x", 1)) },
			fault.Refused, "changed since they were validated"},
		"the env file does not pass": {func(r *rig, _ *rollout.State) { r.write(strings.Replace(provisioned, azure, "", 1)) },
			fault.Refused, "AZURE_OPENAI_API_KEY is required and empty"},
		"the env file is empty": {func(r *rig, _ *rollout.State) { r.write("") },
			fault.Refused, "is empty"},
		"the definitions changed": {func(_ *rig, s *rollout.State) { s.Validated.Definitions = "another" },
			fault.Refused, "the service definitions changed"},
		"the host's key is lost": {func(r *rig, s *rollout.State) { r.Options.Key = secret.NewKey([secret.KeySize]byte{9}) },
			fault.Refused, "the host's key for fingerprints was lost or replaced"},
		"another database is named": {func(_ *rig, s *rollout.State) { s.Validated.Database = "another" },
			fault.Refused, "names another database than when it was validated"},
		"the database is named no more": {func(r *rig, _ *rollout.State) {
			r.write(strings.Replace(provisioned, "DATABASE_URL", "DATABASE_URI", 1))
		},
			fault.Refused, "DATABASE_URL is missing or empty"},
		"the legacy block was taken out": {func(r *rig, _ *rollout.State) {
			app := r.Options.Apps["shop"]
			app.Legacy = nil
			r.Options.Apps["shop"] = app
		}, fault.Refused, "no legacy database configured any more"},
		"nobody reports sources": {func(r *rig, _ *rollout.State) {
			r.Options.Apps["shop"].Checks["web"] = workload.Check{Health: true, Successes: 1, Attempt: time.Second}
		}, fault.Refused, "no service reports the sources"},
		"a container was restarted": {func(r *rig, _ *rollout.State) {
			c := r.container("web-new")
			c.StartedAt = c.StartedAt.Add(time.Millisecond)
		}, fault.Refused, "service web: its container was restarted after it had proved itself"},
		"a container that reports nothing was restarted": {func(r *rig, _ *rollout.State) {
			c := r.container("worker-new")
			c.StartedAt = c.StartedAt.Add(time.Millisecond)
		}, fault.Refused, "service worker: its container was restarted"},
		"a container has ended": {func(r *rig, _ *rollout.State) { r.container("worker-new").Status = workload.Exited },
			fault.Refused, "service worker: its container has ended"},
		"a container is gone": {func(r *rig, _ *rollout.State) { r.remove("web-new") },
			fault.NotFound, "web-new"},
		"the Engine does not answer": {func(r *rig, _ *rollout.State) {
			r.containers.inspect = func(string) (workload.Container, error) {
				return workload.Container{}, fault.New(fault.Unavailable, "the Engine does not answer")
			}
		}, fault.Unavailable, "the Engine does not answer"},
		"a container was created without the value": {func(r *rig, _ *rollout.State) {
			r.envs["web-new"] = dropping(r.envs["web-new"], "AZURE_OPENAI_API_KEY")
		},
			fault.Refused, "the container of service web was not created with the present value of AZURE_OPENAI_API_KEY"},
		"a container was created with a blank value": {func(r *rig, _ *rollout.State) { r.envs["web-new"] = holding(r.envs["web-new"], "SMTP_PASSWORD", "") },
			fault.Refused, "service web was not created with the present value of SMTP_PASSWORD"},
		"a container was created with another value": {func(r *rig, _ *rollout.State) {
			r.envs["worker-new"] = holding(r.envs["worker-new"], "SMTP_PASSWORD", "canary-azure-old")
		}, fault.Refused, "service worker was not created with the present value of SMTP_PASSWORD"},
		"the app is not healthy any more": {func(r *rig, _ *rollout.State) { r.answers["web"] = workload.Answer{} },
			fault.Refused, "service web is no longer healthy"},
		"the app does not answer any more": {func(r *rig, _ *rollout.State) {
			r.prober.look = func(context.Context, workload.Look) (workload.Answer, error) {
				return workload.Answer{}, fault.New(fault.TimedOut, "the app does not answer in time")
			}
		}, fault.TimedOut, "service web does not answer as it did when it was verified: the app does not answer in time"},
		"the app names another source": {func(r *rig, _ *rollout.State) { r.answers["web"] = from(secret.Database) },
			fault.Refused, `web takes smtp from "database"`},
		"the app names a source no more": {func(r *rig, _ *rollout.State) { r.answers["web"] = fromEnvironment("ai") },
			fault.Refused, "no service names the source of smtp"},
		"a container of the app was not verified": {func(r *rig, _ *rollout.State) { r.run("web", "web-stray").Name = "stray" },
			fault.Refused, "container stray of this app is live but was not verified"},
		"a container of a service of former times": {func(r *rig, _ *rollout.State) {
			c := r.run("cron", "cron-old")
			c.Name, c.Status = "cron", workload.Restarting
		}, fault.Refused, "container cron of this app is live but was not verified"},
		"the app's containers cannot be seen": {func(r *rig, _ *rollout.State) {
			r.runtime.observe = func([]workload.Service) ([]workload.Container, error) {
				return nil, fault.New(fault.Unavailable, "the Engine is busy")
			}
		}, fault.Unavailable, "the Engine is busy"},
		"somebody else may read it": {func(r *rig, _ *rollout.State) { r.others = []workload.Container{{ID: "x", Name: "shop-cron"}} },
			fault.Refused, "container shop-cron shares the image or the Compose project"},
		"somebody else besides one who does not": {func(r *rig, _ *rollout.State) {
			r.others = []workload.Container{{ID: "d", Name: "shop-docs"}, {ID: "x", Name: "shop-docs-2"}}
		}, fault.Refused, "container shop-docs-2 shares"},
		"who else there is cannot be seen": {func(r *rig, _ *rollout.State) {
			r.host.consumers = func(string, []string) ([]workload.Container, error) {
				return nil, fault.New(fault.Unavailable, "the Engine is gone")
			}
		}, fault.Unavailable, "the Engine is gone"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t) // whose database fails the test when it is asked to clear
			s := r.proved(rollout.Deploy)
			r.database.inspect = nil
			test.arrange(r, &s)
			ev, err := r.do(t.Context(), s, rollout.DoClear, "")
			if expect(t, err, test.kind, test.want); ev != nil {
				t.Errorf("evidence of a refused clear: %+v", ev)
			}
			if strings.Contains(err.Error(), "nothing was changed") {
				t.Errorf("containers were replaced: %v", err)
			}
		})
	}
}

// clears makes the database one that clears what is the same once it may proceed, and tells whether it did.
func (r *rig) clears() (wrote *bool) {
	wrote = new(bool)
	r.database.clear = func(_ context.Context, l Legacy, expected map[string]secret.Value, proceed func() error) ([]secret.Residue, error) {
		if !l.DSN.Equal(secret.NewValue(dsn)) || l.App != "shop" || l.Config.Table != "SystemSettings" || len(l.Secrets) != 3 {
			r.t.Errorf("asked to clear %+v", l)
		}
		if !expected["ai"].Equal(secret.NewValue(azure)) || !expected["seed"].IsEmpty() {
			r.t.Error("asked with other values than the environment's")
		}
		if err := proceed(); err != nil {
			return nil, err
		}
		*wrote = true
		out := slices.Clone(r.residue)
		for i := range out {
			out[i].Cleared = out[i].Verdict == secret.Same
		}
		return out, nil
	}
	return wrote
}

func TestClear(t *testing.T) {
	for name, arrange := range map[string]func(r *rig){
		"as proved":                                  func(*rig) {},
		"beside one that is no consumer":             func(r *rig) { r.others = []workload.Container{{ID: "d", Name: "shop-docs"}} },
		"beside a stopped container of the app":      func(r *rig) { r.run("web", "web-left").Status = workload.Exited },
		"with a secret that the environment has not": func(r *rig) { r.envs["web-new"] = holding(r.envs["web-new"], "ANON_SEED", "canary-azure-seed") },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			s := r.proved(rollout.Deploy)
			wrote := r.clears()
			arrange(r)
			ev, err := r.do(t.Context(), s, rollout.DoClear, "")
			if err != nil || !*wrote {
				t.Fatalf("not cleared: %v", err)
			}
			if residue := ev.Cleared.Residue; !residue[0].Cleared || residue[1].Cleared || len(residue) != 3 {
				t.Errorf("cleared %+v", residue)
			}
		})
	}
}

// TestClearLooksOnceMoreWithTheRowLocked lets a container die, restart or vanish after all that was looked at before.
func TestClearLooksOnceMoreWithTheRowLocked(t *testing.T) {
	for name, arrange := range map[string]func(r *rig){
		"it ends":     func(r *rig) { r.container("web-new").Status = workload.Exited },
		"it restarts": func(r *rig) { r.container("worker-new").StartedAt = time.Now().Add(time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			s := r.proved(rollout.Deploy)
			wrote := r.clears()
			locked := r.database.clear
			r.database.clear = func(ctx context.Context, l Legacy, expected map[string]secret.Value, proceed func() error) ([]secret.Residue, error) {
				arrange(r)
				return locked(ctx, l, expected, proceed)
			}
			r.database.inspect = nil // a refusal needs no second look
			_, err := r.do(t.Context(), s, rollout.DoClear, "")
			if expect(t, err, fault.Refused, "its container"); *wrote {
				t.Error("cleared all the same")
			}
		})
	}
}

// TestTheProjectOfATakenOverContainerCounts makes sure that the neighbours in a Compose project are asked for, also when
// the container that was of it has been replaced long ago.
func TestTheProjectOfATakenOverContainerCounts(t *testing.T) {
	r := newRig(t)
	s := r.proved(rollout.Deploy)
	for i := range r.found {
		r.found[i].Project = "shop-stack"
	}
	var asked []string
	r.host.consumers = func(_ string, projects []string) ([]workload.Container, error) {
		asked = projects
		return nil, nil
	}
	r.clears()
	if _, err := r.do(t.Context(), s, rollout.DoClear, ""); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(asked, "shop-stack") {
		t.Errorf("asked for the projects %q", asked)
	}
}
