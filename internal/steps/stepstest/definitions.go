package stepstest

import (
	"context"
	"reflect"
	"sync"

	"github.com/capakraken/fairlead/internal/compose"
	"github.com/capakraken/fairlead/internal/secret"
)

// definitions remembers what service definitions were resolved to, since a test has many daemons resolve the same ones,
// and most of its time would go into that.
type definitions struct {
	key   secret.Key
	mu    sync.Mutex
	known []resolved
}

type resolved struct {
	in       compose.Input
	env      secret.Fingerprint
	services []compose.Service
	found    compose.Findings
}

func (d *definitions) define(ctx context.Context, in compose.Input, env secret.Env) ([]compose.Service, compose.Findings) {
	mark := d.key.OfEnv(env)
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, k := range d.known {
		if reflect.DeepEqual(k.in, in) && k.env == mark {
			return k.services, k.found
		}
	}
	services, found := compose.Load(ctx, in, env)
	d.known = append(d.known, resolved{in, mark, services, found})
	return services, found
}
