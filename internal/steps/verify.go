package steps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/capakraken/fairlead/internal/failpoint"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
)

// verify polls every container that this rollout answers for, by its id, until each has proved itself, or one cannot
// any more. It ends by looking at all of them once again, so that one which died while another was still starting is
// not taken for proved.
func (j job) verify(ctx context.Context) (*rollout.Evidence, error) {
	gated := j.state.Validated.Gated()
	var mu sync.Mutex
	var bug error
	v := &rollout.Verified{}
	group, polling := errgroup.WithContext(ctx)
	for _, svc := range j.state.Services {
		group.Go(func() error {
			var proof rollout.Proof
			var attempts int
			err := caught(func() (err error) { proof, attempts, err = j.prove(polling, svc.Name, gated); return err })
			mu.Lock()
			defer mu.Unlock()
			v.Attempts += attempts
			v.Proofs = append(v.Proofs, proof)
			if _, ok := errors.AsType[*fault.Panic](err); ok && bug == nil {
				bug = err // and not that of a service which was only interrupted by it
			}
			return err
		})
	}
	if err := group.Wait(); bug != nil || err != nil {
		return nil, cmp.Or(bug, err) // a bug must not go unheard because another service has failed first
	}
	failpoint.Hit(failpoint.VerifyProved)
	sortProofs(v.Proofs)
	if faults := rollout.Unproved(gated, reported(v.Proofs)); len(faults) > 0 {
		return nil, fault.New(fault.Refused, "the app does not take every secret from the environment: %s", strings.Join(faults, "; "))
	}
	if err := j.stillProved(ctx, v.Proofs); err != nil {
		return nil, err
	}
	failpoint.Hit(failpoint.VerifyLooked)
	v.Warnings = unrequired(j.state.Validated.Secrets, v.Proofs)
	return &rollout.Evidence{Verified: v}, nil
}

// stillProved makes sure that the proved containers are running without a break since they were proved.
func (j job) stillProved(ctx context.Context, proofs []rollout.Proof) error {
	for _, p := range proofs {
		c, err := j.Containers.Inspect(ctx, p.Container)
		if err != nil {
			return err
		}
		if err := alive(p.Service, c); err != nil {
			return err
		}
		if !c.StartedAt.Equal(p.StartedAt) {
			return fault.New(fault.Refused, "service %s: its container was restarted after it had proved itself", p.Service)
		}
	}
	return nil
}

// unrequired warns of optional secrets that are empty in the environment while the app still finds them elsewhere.
func unrequired(facts []rollout.SecretFact, proofs []rollout.Proof) []string {
	var warnings []string
	all := reported(proofs)
	for _, f := range facts {
		for _, r := range all[f.Name] {
			if !f.Gated && r.Source != secret.None && r.Present {
				warnings = append(warnings, fmt.Sprintf("%s is empty in the environment, and %s takes it from %q", f.Name, r.Service, r.Source))
			}
		}
	}
	return warnings
}

// reported gathers, for each secret, what every service says of it.
func reported(proofs []rollout.Proof) map[string][]rollout.Reported {
	all := map[string][]rollout.Reported{}
	for _, p := range proofs {
		for _, r := range p.Answer.Secrets {
			all[r.Name] = append(all[r.Name], rollout.Reported{Service: p.Service, Source: r.Source, Present: r.Present})
		}
	}
	return all
}
