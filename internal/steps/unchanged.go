package steps

import (
	"context"
	"slices"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// Unchanged reports whether every service of the app runs in a container of ours that was created with the environment
// which its sources give now, and the fingerprint of that. A comment in an env file is no part of that, and nor is the order of its lines. That the sources
// or the definitions are refused is a Refused fault with all problems.
func (s *Steps) Unchanged(ctx context.Context, name string) (bool, secret.Fingerprint, error) {
	s = s.looking()
	app, err := s.app(name)
	if err != nil {
		return false, "", err
	}
	p, problems := s.provision(ctx, app)
	if len(problems) > 0 || len(p.units) < len(app.Services) {
		return false, "", fault.Many(fault.Refused, name+" cannot be rolled out as things are", problems)
	}
	found, err := s.Runtime.Observe(ctx, s.key(app), services(p.units))
	if err != nil {
		return false, "", err
	}
	for _, u := range p.units {
		if !slices.ContainsFunc(found, func(c workload.Container) bool {
			return c.Service == u.Service.Name && c.Ours && c.Status == workload.Running && c.Env == p.env
		}) {
			return false, p.env, nil
		}
	}
	return true, p.env, nil
}
