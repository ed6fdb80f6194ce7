package steps

import (
	"context"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// Provisioned is an app as its configuration and its env sources have it now, for who examines it. It holds secrets, and
// is never stored.
type Provisioned struct {
	Key      workload.Key
	Sources  []rollout.SourceFact // that could be read
	Unseen   []string             // sources that only the daemon can read
	Services []workload.Service   // as far as they could be resolved
	Secrets  []rollout.SecretFact
	Problems []fault.Problem
	Expected map[string]secret.Value // by the secrets' names
	Whole    bool                    // every source and every line could be read
	Legacy   *Legacy                 // nil where the app has none, or where it is not known
	// Unknown says why it is not known where the legacy values are.
	Unknown error
}

// Examine returns what is known of an app without looking at the Engine. Everything that a rollout would refuse of its
// environment and its definitions is among the problems.
func (s *Steps) Examine(ctx context.Context, name string) (Provisioned, error) {
	app, err := s.app(name)
	if err != nil {
		return Provisioned{}, err
	}
	p, problems := s.provision(ctx, app)
	problems = append(problems, s.callable(hooks(app, rollout.Deploy))...) // which has every step
	out := Provisioned{Key: s.key(app), Sources: p.sources, Unseen: p.unseen, Services: services(p.units), Secrets: s.facts(app, p.base), Problems: problems,
		Expected: expected(app, p.base), Whole: !p.incomplete(app)}
	if p.incomplete(app) {
		out.Services = s.adoptable(ctx, app) // so that what runs is found all the same
	}
	if app.Legacy == nil {
		return out, nil
	}
	l, err := s.legacyOf(app, p)
	if err != nil {
		out.Unknown = err
		return out, nil
	}
	out.Legacy = &l
	return out, nil
}

// Look takes one look at a container of an app, as verify would, and returns what it says of itself.
func (s *Steps) Look(ctx context.Context, name string, c workload.Container) (workload.Answer, error) {
	app, err := s.app(name)
	if err != nil {
		return workload.Answer{}, err
	}
	env, err := s.Containers.Environment(ctx, c.ID)
	if err != nil {
		return workload.Answer{}, err
	}
	return s.Prober.Look(ctx, workload.Look{Check: app.Checks[c.Service], Container: c, Env: env, Forbidden: secret.NewRedactor(catalog(app, env))})
}
