package orchestrator

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/capakraken/fairlead/internal/parity"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// Provisioning returns how an app is provisioned here: what the steps see of it, and what the journal knows of the release
// that runs and of its proof.
func (o *Orchestrator) Provisioning(ctx context.Context, name string) (parity.Report, error) {
	r, err := o.Steps.Provisioning(ctx, name)
	if err != nil {
		return r, err
	}
	a, err := o.App(ctx, name)
	if err != nil {
		return r, err
	}
	if a.Current != nil {
		r.Image.Digest = a.Current.Image.Digest
		r.Proof.Release = a.Current.ID
	}
	why := o.prove(&r.Proof, a)
	r.Proof.Verified, r.Proof.Why = why == "", why
	return r, nil
}

// prove fills in what proved the app's current release, or says why nothing did. A proof holds for the containers that
// gave it: for others that run by now it is none.
func (o *Orchestrator) prove(p *parity.Proof, a rollout.App) string {
	switch {
	case a.Unobserved != "":
		return "the host could not be looked at: " + a.Unobserved
	case a.Current == nil:
		return "no rollout has succeeded"
	case a.Adopted != nil:
		return "what runs was found on the host: " + a.Adopted.Why
	case a.Active != "":
		return "rollout " + a.Active + " is under way"
	case a.Lock.Guards():
		return "a person is needed: " + a.Lock.Reason
	case len(a.Drift) > 0:
		return strings.Join(a.Drift, "; ")
	case a.Current.Image.Digest == "":
		return "its image has no digest of a registry"
	}
	s, ok := o.prover(a.Name, a.Current.ID)
	if !ok {
		return "the rollout that proved it is not known any more; prove it anew with a deploy of the same image"
	}
	p.Rollout = s.Request.ID
	for _, proof := range s.Verified.Proofs {
		w := parity.Witness{Service: proof.Service}
		for _, r := range proof.Answer.Secrets {
			if w.Sources == nil {
				w.Sources = map[string]string{}
			}
			w.Sources[r.Name] = string(r.Source)
		}
		p.Services = append(p.Services, w)
		running := func(c workload.Container) bool {
			return c.ID == proof.Container && c.Service == proof.Service && c.Status == workload.Running
		}
		if !slices.ContainsFunc(a.Containers, running) {
			return fmt.Sprintf("service %s runs another container than the one that was proved", proof.Service)
		}
	}
	return unwitnessed(a, s)
}

// unwitnessed says which service or secret the proof says nothing of.
func unwitnessed(a rollout.App, s rollout.State) string {
	for _, service := range a.Services {
		if !slices.ContainsFunc(s.Verified.Proofs, func(p rollout.Proof) bool { return p.Service == service }) {
			return "service " + service + " was not proved"
		}
	}
	if s.Validated == nil {
		return "what it had to prove is not known"
	}
	for _, name := range s.Validated.Gated() {
		named := false
		for _, proof := range s.Verified.Proofs {
			for _, r := range proof.Answer.Secrets {
				if r.Name == name && r.Source != secret.Environment {
					return fmt.Sprintf("service %s takes %s from %s", proof.Service, name, r.Source)
				}
				named = named || r.Name == name
			}
		}
		if !named {
			return "no service said where it takes " + name + " from"
		}
	}
	return ""
}

// prover returns the newest rollout that succeeded and proved the release.
func (o *Orchestrator) prover(name, release string) (rollout.State, bool) {
	for _, s := range o.Rollouts(name, keep) {
		if s.Outcome == rollout.Succeeded && s.Verified != nil && s.Target.ID == release {
			return s, true
		}
	}
	o.mu.Lock()
	history := slices.Clone(o.ledger.app(name).History)
	o.mu.Unlock()
	for _, past := range history {
		if past.Release.ID != release || past.Rollout == "" {
			continue
		}
		if s, err := o.Rollout(past.Rollout); err == nil && s.Verified != nil {
			return s, true
		}
	}
	return rollout.State{}, false
}
