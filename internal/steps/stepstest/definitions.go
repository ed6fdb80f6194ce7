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
	mu    sync.Mutex
	known []resolved
}

type resolved struct {
	in       compose.Input
	env      secret.Env
	services []compose.Service
	found    compose.Findings
}

func (d *definitions) define(ctx context.Context, in compose.Input, env secret.Env) ([]compose.Service, compose.Findings) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, k := range d.known {
		if reflect.DeepEqual(k.in, in) && reflect.DeepEqual(k.env, env) {
			return k.services, k.found
		}
	}
	services, found := compose.Load(ctx, in, env)
	d.known = append(d.known, resolved{in, env, services, found})
	return services, found
}
