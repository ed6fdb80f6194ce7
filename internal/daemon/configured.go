package daemon

import (
	"context"
	"sync"

	"github.com/capakraken/fairlead/internal/parity"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/steps"
	"github.com/capakraken/fairlead/internal/workload"
)

// configured are the steps as the newest configuration has them. A rollout goes to its end with those that it began with, so that a
// new configuration does not change what is under way. It is what the orchestrator drives.
type configured struct {
	mu  sync.Mutex
	now *steps.Steps
	of  map[string]*steps.Steps // of the rollouts under way that have done something, or that began before the newest
}

func newConfigured(s *steps.Steps) *configured {
	return &configured{now: s, of: map[string]*steps.Steps{}}
}

// swap puts s in the place of the steps, for rollouts to come. Those that have not ended keep what they began with.
func (c *configured) swap(s *steps.Steps, unended []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range unended {
		if c.of[id] == nil {
			c.of[id] = c.now
		}
	}
	c.now = s
}

// forget lets go of what a rollout that has ended was done with.
func (c *configured) forget(rollout string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.of, rollout)
}

func (c *configured) current() *steps.Steps {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *configured) during(rollout string) *steps.Steps {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of[rollout] == nil {
		c.of[rollout] = c.now
	}
	return c.of[rollout]
}

// Do carries out one action.
func (c *configured) Do(ctx context.Context, s rollout.State, a rollout.Action, progress func(rollout.Progress)) (*rollout.Evidence, error) {
	return c.during(s.Request.ID).Do(ctx, s, a, progress)
}

// Begin returns the request of a rollout.
func (c *configured) Begin(app string, kind rollout.Kind, image string) (rollout.Request, error) {
	return c.current().Begin(app, kind, image)
}

// Apps returns the names of the configured apps.
func (c *configured) Apps() []string { return c.current().Apps() }

// Observe returns what the host shows of an app.
func (c *configured) Observe(ctx context.Context, app string) (rollout.App, []workload.Container, error) {
	return c.current().Observe(ctx, app)
}

// Secrets returns what is known of the app's secrets.
func (c *configured) Secrets(ctx context.Context, app string) (rollout.SecretReport, map[string]secret.Fingerprint, error) {
	return c.current().Secrets(ctx, app)
}

// Unchanged reports whether the app runs with what its env sources give now.
func (c *configured) Unchanged(ctx context.Context, app string) (bool, secret.Fingerprint, error) {
	return c.current().Unchanged(ctx, app)
}

// Residue returns what the app's database still holds.
func (c *configured) Residue(ctx context.Context, app string) (rollout.ResidueReport, error) {
	return c.current().Residue(ctx, app)
}

// Provisioning returns how the app is provisioned, but for what only the journal knows.
func (c *configured) Provisioning(ctx context.Context, app string) (parity.Report, error) {
	return c.current().Provisioning(ctx, app)
}
