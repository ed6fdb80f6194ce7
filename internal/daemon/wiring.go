package daemon

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/engine"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/hook"
	"github.com/capakraken/fairlead/internal/legacy"
	"github.com/capakraken/fairlead/internal/parity"
	"github.com/capakraken/fairlead/internal/probe"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/steps"
	"github.com/capakraken/fairlead/internal/workload"
)

// newSteps puts the adapters behind the interfaces that the steps declare. The caller closes the Engine.
func newSteps(cfg config.Config, key secret.Key, by hands) (*steps.Steps, *engine.Engine, error) {
	if cfg.Registry.ConfigFile == "" {
		return nil, nil, fault.New(fault.Internal, "the credential of the registries has no place")
	}
	docker, err := engine.New(engine.Options{Host: cfg.Engine.Host, RegistryConfig: cfg.Registry.ConfigFile, Mirrors: cfg.Registry.MirrorsOf, Key: key})
	if err != nil {
		return nil, nil, err
	}
	s, err := stepsOn(docker, cfg, key, by)
	if err != nil {
		_ = docker.Close() // nothing was asked of it yet
		return nil, nil, err
	}
	return s, docker, nil
}

// stepsOn returns the steps of a configuration, with the host's Engine.
func stepsOn(docker *engine.Engine, cfg config.Config, key secret.Key, by hands) (*steps.Steps, error) {
	return steps.New(steps.Options{
		Instance:   cfg.Instance,
		Apps:       cfg.Apps,
		Key:        key,
		EnvPolicy:  by.policy,
		Runtime:    docker,
		Containers: docker,
		Host:       docker,
		Images:     images{docker},
		Prober:     probe.New(probe.Options{Exec: docker.Exec}),
		Database:   database{docker},
		Hooks:      hook.New(by.commands),
		Sources:    by.rollouts,
		Views:      by.views,
		Engine:     versions{docker},
	})
}

// reach asks the Engine for a sign of life. One that does not answer yet is no reason not to start: status and audit
// work without it.
func reach(docker *engine.Engine) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_, err := docker.Info(ctx)
	return err
}

// images speaks of pulls in the words of the steps.
type images struct{ *engine.Engine }

func (i images) Pull(ctx context.Context, image workload.Image, progress func(done, total int64)) (workload.Fetched, error) {
	return i.Engine.Pull(ctx, image, func(p engine.Progress) { progress(p.Done, p.Total) })
}

// versions tells of the Engine in the words of a report.
type versions struct{ engine *engine.Engine }

func (v versions) Versions(ctx context.Context) (parity.Engine, error) {
	i, err := v.engine.Info(ctx)
	if err != nil {
		return parity.Engine{}, err
	}
	return parity.Engine{Version: i.EngineVersion, API: i.APIVersion, Platform: strings.TrimSuffix(i.OS+"/"+i.Arch+"/"+i.Variant, "/")}, nil
}

// database looks at legacy values by the names that the app's containers know.
type database struct{ engine *engine.Engine }

func (d database) Inspect(ctx context.Context, l steps.Legacy, expected map[string]secret.Value) ([]secret.Residue, error) {
	return d.open(l).Inspect(ctx, target(l), expected)
}

func (d database) Survey(ctx context.Context, l steps.Legacy) (secret.Survey, error) {
	return d.open(l).Survey(ctx, target(l))
}

func (d database) Analyze(ctx context.Context, l steps.Legacy) error {
	return d.open(l).Analyze(ctx, target(l))
}

func (d database) Stored(ctx context.Context, l steps.Legacy) (secret.Env, error) {
	return d.open(l).Stored(ctx, target(l))
}

func (d database) Clear(ctx context.Context, l steps.Legacy, expected map[string]secret.Value, proceed func() error) ([]secret.Residue, error) {
	return d.open(l).Clear(ctx, target(l), expected, func([]secret.Residue) error { return proceed() })
}

func (d database) open(l steps.Legacy) *legacy.Database {
	return legacy.New(legacy.Options{Lookup: func(ctx context.Context, name string) ([]netip.Addr, error) {
		return d.engine.Lookup(ctx, name, l.Networks, l.ExtraHosts)
	}})
}

func target(l steps.Legacy) legacy.Target {
	t := legacy.Target{App: l.App, DSN: l.DSN, DSNOrigin: l.Origin, Schema: l.Config.Schema, Table: l.Config.Table,
		RowColumn: l.Config.Row.Column, RowValue: l.Config.Row.Value, Function: l.Config.Function, Identity: l.Identity}
	for _, s := range l.Secrets {
		t.Columns = append(t.Columns, legacy.Column{Secret: s.Name, Column: s.LegacyColumn, OnMismatch: s.OnMismatch})
	}
	return t
}
