package steps

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

func TestVerifyWaitsForAServiceToStayUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		s := r.replaced(rollout.Deploy)
		begun := time.Now()
		if _, err := r.do(t.Context(), s, rollout.DoVerify, ""); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took < 2*time.Second || took > 4*time.Second {
			t.Errorf("the worker was to stay up for 2 s, and was proved after %v", took)
		}
	})
}

func TestVerifyWithoutARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		s := r.validated(rollout.Cleanup)
		ev, err := r.do(t.Context(), s, rollout.DoVerify, "")
		if err != nil || ev.Verified.Proofs[0].Container != "web-old" {
			t.Errorf("%+v, %v: a cleanup verifies what runs", ev, err)
		}
		s.Services[0].Baseline.Container = nil
		_, err = r.do(t.Context(), s, rollout.DoVerify, "")
		expect(t, err, fault.Refused, "service web has no running container")
	})
}

func TestVerifyOfAServiceThatIsNoLongerConfigured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		s := r.replaced(rollout.Deploy)
		delete(r.Options.Apps["shop"].Checks, "worker")
		begun := time.Now()
		_, err := r.do(t.Context(), s, rollout.DoVerify, "")
		expect(t, err, fault.Refused, "service worker is no longer configured")
		if time.Since(begun) > time.Second {
			t.Error("it was waited for")
		}
	})
}

func TestOptionalSecrets(t *testing.T) {
	seed := func(source secret.Source, present bool) workload.Answer {
		a := fromEnvironment("ai", "smtp")
		a.Secrets = append(a.Secrets, workload.Report{Name: "seed", Source: source, Present: present})
		return a
	}
	for name, test := range map[string]struct {
		env    string
		web    workload.Answer
		fault  string
		warned string
	}{
		"empty, and not named":            {provisioned, fromEnvironment("ai", "smtp"), "", ""},
		"empty, and absent":               {provisioned, seed(secret.None, false), "", ""},
		"empty, and taken from elsewhere": {provisioned, seed(secret.Database, true), "", `seed is empty in the environment, and web takes it from "database"`},
		"provisioned, and not named":      {provisioned + "ANON_SEED=canary-seed\n", fromEnvironment("ai", "smtp"), "no service names the source of seed", ""},
		"provisioned, from elsewhere":     {provisioned + "ANON_SEED=canary-seed\n", seed(secret.Database, true), `takes seed from "database"`, ""},
		"provisioned, from there":         {provisioned + "ANON_SEED=canary-seed\n", seed(secret.Environment, true), "", ""},
		"more than the catalog knows": {provisioned, workload.Answer{Healthy: true,
			Secrets: append(fromEnvironment("ai", "smtp").Secrets, workload.Report{Name: "other", Source: secret.Database, Present: true})}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.write(test.env)
				r.answers["web"] = test.web
				ev, err := r.do(t.Context(), r.replaced(rollout.Deploy), rollout.DoVerify, "")
				if test.fault != "" {
					expect(t, err, fault.Refused, test.fault)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if got := strings.Join(ev.Verified.Warnings, "\n"); got != test.warned {
					t.Errorf("warned %q, want %q", got, test.warned)
				}
			})
		})
	}
}

func TestTwoServicesReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "worker: {stay_up: 2s}", `worker: {exec: [status], attempt_timeout: 1s}`)
		s := r.replaced(rollout.Deploy)
		r.answers["web"], r.answers["worker"] = fromEnvironment("ai"), fromEnvironment("smtp")
		if _, err := r.do(t.Context(), s, rollout.DoVerify, ""); err != nil {
			t.Errorf("each secret is named by one of the two: %v", err)
		}
		r.answers["web"], r.answers["worker"] = fromEnvironment("ai", "smtp"), from(secret.Database)
		_, err := r.do(t.Context(), s, rollout.DoVerify, "")
		expect(t, err, fault.Refused, `worker takes smtp from "database"`)
	})
}
