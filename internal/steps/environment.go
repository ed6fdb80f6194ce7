package steps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/capakraken/fairlead/internal/compose"
	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/envfile"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/lint"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// provision is an app's environment as its sources and its service definitions give it now. It lives only in memory.
type provision struct {
	sources     []rollout.SourceFact  // that were read, and what each gave
	unseen      []string              // sources that another process than this one reads
	files       map[string]secret.Env // what each env file gave that could be read, by its path
	warnings    []string
	base        secret.Env
	faulty      []string        // variables whose lines were refused; base lacks them
	units       []workload.Unit // in the configured order
	definitions secret.Fingerprint
	env         secret.Fingerprint
}

// provision reads the app's env sources once and resolves its services against them. All faults that a person can mend
// come back together as problems.
func (s *Steps) provision(ctx context.Context, app config.App) (provision, []fault.Problem) {
	p, problems := s.read(ctx, app, everything)
	problems = append(problems, app.Catalog(config.Provided{Env: p.base, Faulty: p.faulty, Whole: len(p.sources) == len(app.Env)})...)
	if p.incomplete(app) {
		return p, problems // every definition would seem wrong as well
	}
	services, found := s.Define(ctx, definitions(app), p.base)
	problems = append(problems, found.Problems...)
	for _, w := range found.Warnings {
		p.warnings = append(p.warnings, w.String())
	}
	if n := len(found.Noted); n > 0 {
		p.warnings = append(p.warnings, fmt.Sprintf("the Compose files hold what is not acted on, such as %s (%d in all): 'fairlead config check' lists it", found.Noted[0].Where, n))
	}
	for _, svc := range services {
		env, more := s.effective(&p, app, svc)
		problems = append(problems, more...)
		problems = append(problems, overrides(app, p.base, svc.Name, env)...)
		p.units = append(p.units, workload.Unit{Service: svc.Service, Env: env})
	}
	p.definitions, p.env = s.fingerprints(p.units)
	return p, problems
}

// what says which sources are read.
type what bool

const (
	everything what = true
	unrun      what = false // all but commands, for who looks often and needs no value
)

// read reads the app's env sources in order; a later one adds to an earlier one, and takes the place of what that one gives
// only if it is told so.
func (s *Steps) read(ctx context.Context, app config.App, w what) (provision, []fault.Problem) {
	p := provision{files: map[string]secret.Env{}}
	var problems []fault.Problem
	for _, source := range app.Env {
		if w == unrun && source.Kind() == config.ExecSource {
			continue
		}
		file, err := s.source(ctx, app.Name, source)
		if unseen, ok := errors.AsType[*envfile.Unseen](err); ok {
			p.unseen = append(p.unseen, unseen.Source)
			continue
		}
		if err != nil {
			problems = append(problems, problemsOf(err, source.String())...)
		}
		if err != nil && file.Env == nil && file.Faulty == nil {
			continue // nothing of it could be read
		}
		if !file.Content.IsEmpty() {
			found, warnings := linted(app.Lint, source, file.Content)
			problems, p.warnings = append(problems, found...), append(p.warnings, warnings...)
		}
		if source.Kind() == config.FileSource {
			p.files[source.File] = file.Env
		}
		p.faulty = append(p.faulty, file.Faulty...)
		problems = append(problems, p.add(source, file.Env)...)
	}
	return p, problems
}

// source reads one env source.
func (s *Steps) source(ctx context.Context, app string, source config.EnvSource) (envfile.File, error) {
	if source.Kind() == config.FileSource {
		return envfile.Read(source.File, s.EnvPolicy)
	}
	if s.Sources == nil {
		return envfile.File{}, fault.New(fault.Internal, "steps: nothing reads sources of the kind %s", source.Kind())
	}
	return s.Sources.Read(ctx, app, source)
}

// add puts the variables of a source over those of the sources before it. Without leave to override, a variable that is there
// already is a problem.
func (p *provision) add(source config.EnvSource, env secret.Env) []fault.Problem {
	var problems []fault.Problem
	for _, v := range env {
		if old, ok := p.base.Lookup(v.Name); ok {
			if !source.Override {
				problems = append(problems, fault.Problem{Where: v.Origin.String(), What: v.Name + " is also set in " + old.Origin.String(),
					Fix: "keep it in one of the two, or write override: true at the later source for that one to count"})
			}
			i := slices.IndexFunc(p.sources, func(s rollout.SourceFact) bool { return s.Source == old.Origin.Source })
			if i >= 0 {
				p.sources[i].Overridden = append(p.sources[i].Overridden, v.Name)
				p.sources[i].Keys = slices.DeleteFunc(p.sources[i].Keys, func(name string) bool { return name == v.Name })
			}
		}
	}
	p.base = p.base.Under(env)
	p.sources = append(p.sources, rollout.SourceFact{Source: source.String(), Kind: string(source.Kind()), Keys: env.Names()})
	return problems
}

// names returns what the sources that were read are called.
func (p provision) names() []string {
	var names []string
	for _, s := range p.sources {
		names = append(names, s.Source)
	}
	return names
}

// incomplete reports whether a source or a line of one could not be read, so that what is not in base may yet be set.
func (p provision) incomplete(app config.App) bool {
	return len(p.sources) < len(app.Env) || len(p.faulty) > 0
}

// definitions returns the app's services as compose reads them.
func definitions(app config.App) compose.Input {
	in := compose.Input{Project: app.Name, Secrets: app.SecretVariables()}
	if c := app.Compose; c != nil {
		in.Files = &compose.Files{Paths: c.Files, Project: c.Project, Repository: app.Repository, Asked: app.Asked()}
	}
	for _, d := range app.Services {
		in.Source = d.Source
		in.Services = append(in.Services, compose.Raw{Name: d.Name, YAML: d.YAML, Line: d.Line})
	}
	return in
}

// effective returns the environment that the service's container is created with: the env sources, over them the env
// files that its definition names, in their order, and over all of it the definition's own entries.
func (s *Steps) effective(p *provision, app config.App, svc compose.Service) (secret.Env, []fault.Problem) {
	env := p.base
	var problems []fault.Problem
	for _, f := range svc.EnvFiles {
		content, more := s.envFile(p, app.Lint, f)
		problems = append(problems, more...)
		env = env.Under(content)
	}
	return env.Under(svc.Environment), problems
}

// envFile returns what an env file gives that a service's definition names. Each file is read once.
func (s *Steps) envFile(p *provision, policy lint.Policy, f compose.EnvFile) (secret.Env, []fault.Problem) {
	if content, ok := p.files[f.Path]; ok {
		return content, nil
	}
	if _, err := os.Lstat(f.Path); !f.Required && errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	file, err := envfile.Read(f.Path, s.EnvPolicy)
	if err != nil {
		return file.Env, problemsOf(err, f.Origin.String()+", "+f.Path)
	}
	p.files[f.Path] = file.Env
	problems, warnings := linted(policy, config.EnvSource{File: f.Path}, file.Content)
	p.warnings = append(p.warnings, warnings...)
	return file.Env, problems
}

// overrides finds what gives a secret of the catalog another value than the env sources do: typically a blank entry in
// the service's own environment, which would hide the secret from the app, or an env file of its own.
func overrides(app config.App, base secret.Env, service string, env secret.Env) []fault.Problem {
	var problems []fault.Problem
	for _, spec := range app.Secrets {
		v, ok := env.Lookup(spec.Env)
		if ok && !v.Value.Equal(base.Value(spec.Env)) {
			problems = append(problems, fault.Problem{Where: v.Origin.String(),
				What: "service " + service + " sets " + spec.Env + " to another value than the env sources",
				Fix:  "remove the entry: the container gets the variable from the env sources"})
		}
	}
	return problems
}

// fingerprints returns those of all definitions and of all environments, services in their configured order.
func (s *Steps) fingerprints(units []workload.Unit) (definitions, env secret.Fingerprint) {
	var defs, envs strings.Builder
	for _, u := range units {
		text, err := json.Marshal(u.Service)
		if err != nil { // the type holds nothing that JSON cannot say
			panic("a service definition cannot be encoded")
		}
		defs.Write(text)
		envs.WriteString(u.Service.Name + " " + string(s.Key.OfEnv(u.Env)) + "\n")
	}
	return s.Key.OfText("definitions", defs.String()), s.Key.OfText("environments", envs.String())
}

// facts returns what may be recorded of the catalog's secrets in env.
func (s *Steps) facts(app config.App, env secret.Env) []rollout.SecretFact {
	var facts []rollout.SecretFact
	for _, spec := range app.Secrets {
		v, ok := env.Lookup(spec.Env)
		f := rollout.SecretFact{Name: spec.Name, Env: spec.Env, Provisioned: !v.Value.IsEmpty()}
		f.Gated = spec.Required || f.Provisioned
		if ok {
			f.Origin = v.Origin.String()
		}
		if f.Provisioned {
			f.Fingerprint = s.Key.Of(spec.Env, v.Value)
		}
		facts = append(facts, f)
	}
	return facts
}

// catalog returns the part of env that holds the catalog's secrets.
func catalog(app config.App, env secret.Env) secret.Env {
	var out secret.Env
	for _, spec := range app.Secrets {
		if v, ok := env.Lookup(spec.Env); ok {
			out = out.With(v)
		}
	}
	return out
}

// expected returns the catalog's values by the secrets' names.
func expected(app config.App, env secret.Env) map[string]secret.Value {
	values := map[string]secret.Value{}
	for _, spec := range app.Secrets {
		values[spec.Name] = env.Value(spec.Env)
	}
	return values
}

// services returns the definitions of the units.
func services(units []workload.Unit) []workload.Service {
	out := make([]workload.Service, len(units))
	for i, u := range units {
		out[i] = u.Service
	}
	return out
}

// problemsOf returns err as problems of where.
func problemsOf(err error, where string) []fault.Problem {
	if p := fault.ProblemsOf(err); len(p) > 0 {
		return p
	}
	return []fault.Problem{{Where: where, What: fault.Text(err)}}
}
