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

func TestValidatePicksTheBaseline(t *testing.T) {
	for name, test := range map[string]struct {
		arrange  func(r *rig)
		baseline string // of web
		warning  string
	}{
		"running": {func(*rig) {}, "web-old", ""},
		"absent":  {func(r *rig) { r.remove("web-old") }, "", ""},
		"stopped": {func(r *rig) { r.container("web-old").Status = workload.Exited }, "web-old", ""},
		"adopted": {func(r *rig) { r.container("web-old").Ours = false }, "web-old", ""},
		"a live one before a newer stopped one": {func(r *rig) {
			c := r.run("web", "web-left")
			c.Status, c.CreatedAt = workload.Exited, time.Now()
		}, "web-old", "web: the stopped container shop-web is left over, with the secrets of its time"},
		"a live foreign one before a stopped one of ours": {func(r *rig) {
			r.container("web-old").Status = workload.Exited
			r.run("web", "web-foreign").Ours = false
		}, "web-foreign", "is left over"},
		"ours before a foreign one, both stopped": {func(r *rig) {
			r.container("web-old").Status = workload.Exited
			c := r.run("web", "web-foreign")
			c.Ours, c.Status, c.CreatedAt = false, workload.Exited, time.Now()
		}, "web-old", "is left over"},
		"the newest of two stopped ones": {func(r *rig) {
			r.container("web-old").Status = workload.Exited
			c := r.run("web", "web-newer")
			c.Status, c.CreatedAt = workload.Exited, time.Now()
		}, "web-newer", "is left over"},
		"a service that is no longer configured": {func(r *rig) { r.run("cron", "cron-old") }, "web-old",
			"cron: the service is no longer configured, but its container shop-cron is still there (running)"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			test.arrange(r)
			v := r.validated(rollout.Deploy).Validated
			var id string
			if c := v.Baseline[0].Container; c != nil {
				id = c.ID
			}
			if id != test.baseline {
				t.Errorf("baseline %q, want %q", id, test.baseline)
			}
			if test.warning == "" && len(v.Warnings) > 0 || !strings.Contains(strings.Join(v.Warnings, "\n"), test.warning) {
				t.Errorf("warnings %q, want %q", v.Warnings, test.warning)
			}
		})
	}
}

func TestValidateRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		kinds   []rollout.Kind // that are refused; the others pass
		arrange func(r *rig)
		want    string
	}{
		"two live containers": {[]rollout.Kind{rollout.Deploy, rollout.Rotate, rollout.Cleanup},
			func(r *rig) { r.run("web", "web-2").Name = "shop-web-2" }, "shop-web-2: is a second live container of service web"},
		"one that would be deleted": {[]rollout.Kind{rollout.Deploy, rollout.Rotate},
			func(r *rig) { r.container("web-old").AutoRemove = true }, "shop-web: was started with --rm"},
		"nothing runs": {[]rollout.Kind{rollout.Rotate, rollout.Cleanup},
			func(r *rig) { r.remove("worker-old") }, "service worker: has no running container"},
		"it is stopped": {[]rollout.Kind{rollout.Rotate, rollout.Cleanup},
			func(r *rig) { r.container("web-old").Status = workload.Exited }, "service web: has no running container"},
		"it restarts again and again": {[]rollout.Kind{rollout.Rotate, rollout.Cleanup},
			func(r *rig) { r.container("web-old").Status = workload.Restarting }, "service web: has no running container"},
		"two images": {[]rollout.Kind{rollout.Rotate, rollout.Cleanup},
			func(r *rig) { r.container("worker-old").Image = workload.Image{Digest: "sha256:bb", ID: "sha256:02"} }, "service worker: runs another image"},
		"one image, once known by its id alone": {nil,
			func(r *rig) { r.container("worker-old").Image.Digest = "" }, ""},
		"no room": {[]rollout.Kind{rollout.Deploy},
			func(r *rig) { r.host.free = func() (uint64, bool) { return 100 << 20, true } }, "has only 100 MiB free; make room for at least 256 MiB"},
		"room that cannot be seen": {nil, func(r *rig) { r.host.free = func() (uint64, bool) { return 0, false } }, ""},
		"the surroundings": {[]rollout.Kind{rollout.Deploy, rollout.Rotate}, func(r *rig) {
			r.host.check = func([]workload.Service) ([]fault.Problem, error) {
				return []fault.Problem{{Where: "network shop", What: "does not exist"}}, nil
			}
		}, "network shop: does not exist"},
		"the database": {[]rollout.Kind{rollout.Deploy, rollout.Cleanup}, func(r *rig) {
			r.database.inspect = func(context.Context, Legacy, map[string]secret.Value) ([]secret.Residue, error) {
				return nil, fault.New(fault.Refused, "the row does not fit")
			}
		}, "the row does not fit"},
		"the database's address is missing": {[]rollout.Kind{rollout.Deploy, rollout.Cleanup}, func(r *rig) {
			r.write("AZURE_OPENAI_API_KEY=" + azure + "\n")
		}, "DATABASE_URL is missing or empty"},
		"the environment": {[]rollout.Kind{rollout.Deploy, rollout.Rotate, rollout.Cleanup},
			func(r *rig) { r.write("DATABASE_URL=" + dsn + "\n") }, "AZURE_OPENAI_API_KEY is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, kind := range []rollout.Kind{rollout.Deploy, rollout.Rotate, rollout.Cleanup} {
				r := newRig(t)
				test.arrange(r)
				ev, err := r.do(t.Context(), r.requested(kind), rollout.DoValidate, "")
				if !slices.Contains(test.kinds, kind) {
					if err != nil || ev.Validated == nil {
						t.Errorf("%s: %v", kind, err)
					}
					continue
				}
				expect(t, err, fault.Refused, test.want)
			}
		})
	}
}

func TestValidateTellsAllFaultsInOneAnswer(t *testing.T) {
	r := newRig(t)
	r.write("AZURE_OPENAI_API_KEY=changeme\nDATABASE_URL=" + dsn + "\n")
	r.run("web", "web-2")
	r.container("worker-old").AutoRemove = true
	r.host.free = func() (uint64, bool) { return 0, true }
	r.database.inspect = func(context.Context, Legacy, map[string]secret.Value) ([]secret.Residue, error) {
		return nil, fault.New(fault.Unavailable, "the database does not answer")
	}
	_, err := r.do(t.Context(), r.requested(rollout.Deploy), rollout.DoValidate, "")
	expect(t, err, fault.Refused, "5 problems", "placeholder", "second live", "--rm", "MiB free", "the legacy database: the database does not answer")

	r.runtime.observe = func([]workload.Service) ([]workload.Container, error) {
		return nil, fault.New(fault.Unavailable, "the Engine does not answer")
	}
	_, err = r.do(t.Context(), r.requested(rollout.Deploy), rollout.DoValidate, "")
	expect(t, err, fault.Refused, "2 problems", "placeholder", "the containers: the Engine does not answer")
	r.write(provisioned)
	_, err = r.do(t.Context(), r.requested(rollout.Deploy), rollout.DoValidate, "")
	expect(t, err, fault.Unavailable, "the Engine does not answer")
}

func TestValidateAsksTheBaseline(t *testing.T) {
	r := newRig(t, `attempt_timeout: 500ms}`, `attempt_timeout: 500ms, public_url: "https://shop.example.com/"}`)
	r.prober.look = func(_ context.Context, l workload.Look) (workload.Answer, error) {
		if l.Check.PublicURL != "" {
			t.Error("the public address was asked: it says nothing of a baseline")
		}
		if l.Container.Service == "web" {
			return workload.Answer{}, fault.New(fault.Refused, "there is no such page")
		}
		return workload.Answer{Healthy: true}, nil
	}
	v := r.validated(rollout.Deploy).Validated
	if v.Baseline[0].Answered || !v.Baseline[1].Answered || !v.Baseline[1].Answer.Healthy {
		t.Errorf("baseline %+v", v.Baseline)
	}
	r.container("worker-old").Status = workload.Paused
	if v = r.validated(rollout.Deploy).Validated; v.Baseline[1].Answered {
		t.Error("a paused container was asked")
	}
}

func TestValidateLooksForResidue(t *testing.T) {
	r := newRig(t)
	r.residue = []secret.Residue{
		{Secret: "ai", Column: "azureOpenAiApiKey", Verdict: secret.Same},
		{Secret: "smtp", Column: "smtpPassword", Verdict: secret.Differs},
		{Secret: "seed", Column: "anonSeed", Verdict: secret.Differs},
	}
	found := secret.Survey{Identity: secret.Identity{Table: "16390"}, Hazards: []secret.Hazard{{Kind: "archive", Text: "archived"}}}
	r.database.survey = func(context.Context, Legacy) (secret.Survey, error) { return found, nil }
	v := r.validated(rollout.Deploy).Validated
	if v.Survey == nil || v.Survey.Identity != found.Identity || len(v.Survey.Hazards) != 1 {
		t.Errorf("surveyed %+v", v.Survey)
	}
	want := []string{`smtp: the legacy value in column "smtpPassword" is not the environment's value`,
		`seed: column "anonSeed" holds a legacy value, and the environment has none`}
	if !slices.Equal(v.Warnings, want) || len(v.Residue) != 3 || v.Database == "" || !v.HasLegacy {
		t.Errorf("found %+v", v)
	}
	r.database.inspect = nil // fails the test when it is called
	if v = r.validated(rollout.Rotate).Validated; v.Residue != nil {
		t.Error("a rotation looked at the database")
	}
}

func TestValidateOfANewInstallation(t *testing.T) {
	r := newRig(t)
	r.database.inspect = func(context.Context, Legacy, map[string]secret.Value) ([]secret.Residue, error) {
		return nil, fault.New(fault.NotFound, "there is no such table yet")
	}
	v := r.validated(rollout.Deploy).Validated
	if v.HasLegacy || len(v.Warnings) != 1 || !strings.Contains(v.Warnings[0], "there is no such table yet") {
		t.Errorf("found %+v", v)
	}
	_, err := r.do(t.Context(), r.requested(rollout.Cleanup), rollout.DoValidate, "")
	expect(t, err, fault.NotFound, "there is no such table yet")
}
