package orchestrator

import (
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/parity"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// What runs is verified only while everything about its proof still holds.
func TestProof(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		undo func(a *rollout.App, s *rollout.State)
		want string // empty where it is verified
	}{
		"whole":          {func(*rollout.App, *rollout.State) {}, ""},
		"nothing":        {func(a *rollout.App, _ *rollout.State) { a.Current = nil }, "no rollout has succeeded"},
		"adopted":        {func(a *rollout.App, _ *rollout.State) { a.Adopted = &rollout.Adopted{Why: "the state was lost"} }, "found on the host: the state was lost"},
		"under way":      {func(a *rollout.App, _ *rollout.State) { a.Active = "01Y" }, "rollout 01Y is under way"},
		"halted":         {func(a *rollout.App, _ *rollout.State) { a.Lock = &rollout.Lock{Rollout: "01Y", Reason: "it halted"} }, "a person is needed: it halted"},
		"locked by hand": {func(a *rollout.App, _ *rollout.State) { a.Lock = &rollout.Lock{Holder: "anna"} }, ""},
		"drift":          {func(a *rollout.App, _ *rollout.State) { a.Drift = []string{"service web is paused"} }, "service web is paused"},
		"unobserved":     {func(a *rollout.App, _ *rollout.State) { a.Unobserved = "no Engine" }, "the host could not be looked at: no Engine"},
		"no digest":      {func(a *rollout.App, _ *rollout.State) { a.Current.Image.Digest = "" }, "its image has no digest"},
		"refused":        {func(_ *rollout.App, s *rollout.State) { s.Outcome = rollout.RolledBack }, "is not known any more"},
		"of another":     {func(_ *rollout.App, s *rollout.State) { s.Target.ID = "r2" }, "is not known any more"},
		"restarted":      {func(a *rollout.App, _ *rollout.State) { a.Containers[0].ID = "c9" }, "service web runs another container than the one that was proved"},
		"stopped":        {func(a *rollout.App, _ *rollout.State) { a.Containers[0].Status = workload.Exited }, "service web runs another container"},
		"a new service":  {func(a *rollout.App, _ *rollout.State) { a.Services = append(a.Services, "worker") }, "service worker was not proved"},
		"from elsewhere": {func(_ *rollout.App, s *rollout.State) {
			s.Verified.Proofs[0].Answer.Secrets[0].Source = secret.Database
		}, "service web takes ai from database"},
		"silent":      {func(_ *rollout.App, s *rollout.State) { s.Verified.Proofs[0].Answer.Secrets = nil }, "no service said where it takes ai from"},
		"unvalidated": {func(_ *rollout.App, s *rollout.State) { s.Validated = nil }, "what it had to prove is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			a := rollout.App{Name: capakraken, Services: []string{"web"}, Current: &workload.Release{ID: "r1", Image: workload.Image{Digest: "sha256:d1"}},
				Containers: []workload.Container{{ID: "c1", Service: "web", Status: workload.Running}}}
			s := rollout.State{Request: rollout.Request{ID: "01X", App: capakraken, Kind: rollout.Deploy}, Outcome: rollout.Succeeded, Phase: rollout.Over,
				Target:    workload.Release{ID: "r1"},
				Validated: &rollout.Validated{Secrets: []rollout.SecretFact{{Name: "ai", Gated: true}, {Name: "seed"}}},
				Verified: &rollout.Verified{Proofs: []rollout.Proof{{Service: "web", Container: "c1",
					Answer: workload.Answer{Healthy: true, Secrets: []workload.Report{{Name: "ai", Source: secret.Environment, Present: true}, {Name: "seed", Source: secret.None}}}}}}}
			tt.undo(&a, &s)
			o := &Orchestrator{ledger: newLedger()}
			o.ledger.Rollouts["01X"], o.ledger.Order = s, []string{"01X"}
			var p parity.Proof
			why := o.prove(&p, a)
			if (why == "") != (tt.want == "") || !strings.Contains(why, tt.want) {
				t.Errorf("not verified because: %q, want %q", why, tt.want)
			}
			if why == "" && (p.Rollout != "01X" || p.Services[0].Sources["ai"] != "environment") {
				t.Errorf("the proof is %+v", p)
			}
		})
	}
}
