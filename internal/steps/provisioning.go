package steps

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/lint"
	"github.com/capakraken/fairlead/internal/parity"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// Provisioning returns how an app is provisioned on this host, as far as that can be seen without the journal: what runs
// and what proved it is the caller's to fill in. It looks at the env sources, the Engine and the database, and changes
// nothing. What cannot be looked at is unknown in it, and noted.
func (s *Steps) Provisioning(ctx context.Context, name string) (parity.Report, error) {
	s = s.looking()
	app, err := s.app(name)
	if err != nil {
		return parity.Report{}, err
	}
	p, problems := s.provision(ctx, app)
	r := parity.Report{Format: parity.Format, Time: time.Now().UTC().Truncate(time.Second), App: name, Instance: s.Instance, Environment: app.Environment,
		Rules: parity.Rules{Version: lint.Version(), Deny: app.Lint.Deny, Warn: app.Lint.Warn, Ignore: app.Parity.Ignore},
		Clear: string(app.Clear), Legacy: legacyRules(app), Image: parity.Image{Repository: app.Repository}}
	for _, problem := range problems {
		r.Notes = append(r.Notes, problem.String())
	}
	for _, source := range p.unseen {
		r.Notes = append(r.Notes, source+" was not read")
	}
	s.addEngine(ctx, &r)
	r.Sources, r.Keys = origins(app, p)
	hide := hiding(app, p)
	r.Catalog = rules(app, p, hide)
	s.addVerdicts(ctx, app, p, &r)
	for _, u := range p.units {
		r.Services = append(r.Services, definition(u, p.base, app.Checks[u.Service.Name], hide))
	}
	return r, nil
}

func legacyRules(app config.App) *parity.Legacy {
	l := app.Legacy
	if l == nil {
		return nil
	}
	out := &parity.Legacy{DSN: "a file", Schema: l.Schema, Table: l.Table, Row: l.Row.Column + "=" + l.Row.Value, Function: l.Function}
	switch {
	case l.DSN.Env != "":
		out.DSN = "the variable " + l.DSN.Env
	case l.DSN.Credential != "":
		out.DSN = "a credential"
	}
	return out
}

func (s *Steps) addEngine(ctx context.Context, r *parity.Report) {
	if s.Engine == nil {
		return
	}
	asking, cancel := context.WithTimeout(ctx, lookup)
	defer cancel()
	e, err := s.Engine.Versions(asking)
	if err != nil {
		r.Notes = append(r.Notes, "the Engine could not be asked: "+fault.Text(err))
		return
	}
	r.Engine = e
}

// origins returns the env sources by their kinds, and the variables with the kinds of the sources that give them. A variable
// whose line was refused is not there.
func origins(app config.App, p provision) ([]parity.Source, []parity.Key) {
	sources := []parity.Source{}
	for _, source := range app.Env {
		i := slices.IndexFunc(p.sources, func(f rollout.SourceFact) bool { return f.Source == source.String() })
		sources = append(sources, parity.Source{Kind: string(source.Kind()), Override: source.Override, Unread: i < 0})
	}
	keys := []parity.Key{}
	for _, name := range slices.Sorted(slices.Values(p.base.Names())) {
		k := parity.Key{Name: name}
		for _, f := range slices.Backward(p.sources) {
			if slices.Contains(f.Keys, name) || slices.Contains(f.Overridden, name) {
				k.From = append(k.From, f.Kind)
			}
		}
		keys = append(keys, k)
	}
	return sources, keys
}

// hiding returns what takes the values of all variables out of a text. A secret is looked for from fewer bytes on.
func hiding(app config.App, p provision) func(string) string {
	secrets, others := catalog(app, p.base), p.base
	if app.Legacy != nil && app.Legacy.DSN.Env != "" {
		if v, ok := p.base.Lookup(app.Legacy.DSN.Env); ok {
			secrets = secrets.With(v)
		}
	}
	for _, u := range p.units {
		others = others.Under(u.Env)
	}
	first, second := secret.NewSecretRedactor(secrets), secret.NewRedactor(others)
	return func(text string) string { return second.Redact(first.Redact(text)) }
}

// rules returns the catalog, and whether what the sources give passes it.
func rules(app config.App, p provision, hide func(string) string) []parity.Secret {
	all := []parity.Secret{}
	for _, spec := range app.Secrets {
		s := parity.Secret{Name: spec.Name, Env: spec.Env, Required: spec.Required, MinLength: spec.MinLength, OneOf: len(spec.OneOf),
			Column: spec.LegacyColumn, OnMismatch: string(spec.OnMismatch)}
		if spec.Pattern != nil {
			s.Pattern = hide(spec.Pattern.String())
		}
		if spec.URL {
			s.Format = "url"
		}
		v, ok := p.base.Lookup(spec.Env)
		faults := spec.Check(v.Value)
		if spec.Pattern != nil {
			for i, f := range faults {
				faults[i] = strings.ReplaceAll(f, spec.Pattern.String(), s.Pattern)
			}
		}
		switch {
		case slices.Contains(p.faulty, spec.Env):
			s.Provisioned = "its line is refused"
		case !ok && p.incomplete(app):
			s.Provisioned = parity.Unknown
		case v.Value.IsEmpty():
			s.Provisioned = parity.Missing
		case len(faults) > 0:
			s.Provisioned = strings.Join(faults, ", ")
		default:
			s.Provisioned = parity.Passes
		}
		all = append(all, s)
	}
	return all
}

// addVerdicts asks the database what it still holds.
func (s *Steps) addVerdicts(ctx context.Context, app config.App, p provision, r *parity.Report) {
	if app.Legacy == nil {
		return
	}
	for i := range r.Catalog {
		if r.Catalog[i].Column != "" {
			r.Catalog[i].Residue = parity.Unknown
		}
	}
	residue, err := s.residue(ctx, app, p)
	if err != nil {
		r.Notes = append(r.Notes, "the database could not be asked: "+fault.Text(err))
		return
	}
	for _, found := range residue {
		if i := slices.IndexFunc(r.Catalog, func(c parity.Secret) bool { return c.Name == found.Secret }); i >= 0 {
			r.Catalog[i].Residue = string(found.Verdict)
		}
	}
}

// definition returns a service's definition and how it proves itself. Of its environment there are the names of the
// variables that the definition adds to those of the sources.
func definition(u workload.Unit, base secret.Env, check workload.Check, hide func(string) string) parity.Service {
	out := parity.Service{Name: u.Service.Name, Fields: fields(u.Service, hide), Verify: fields(check, hide)}
	var own []string
	for _, name := range u.Env.Names() {
		v, _ := u.Env.Lookup(name)
		if given, ok := base.Lookup(name); !ok || given.Origin != v.Origin {
			own = append(own, name)
		}
	}
	slices.Sort(own)
	if len(own) > 0 {
		out.Fields["environment"] = encoded(own)
	}
	delete(out.Fields, "name")
	out.Hash = parity.HashOf(out.Fields)
	return out
}

// fields returns what is set of a struct, field by field as its JSON has it, with every value of a variable taken out.
func fields(v any, hide func(string) string) map[string]json.RawMessage {
	all := map[string]any{}
	d := json.NewDecoder(bytes.NewReader(encoded(v)))
	d.UseNumber()
	if err := d.Decode(&all); err != nil { // it was encoded just now
		panic("a definition cannot be decoded")
	}
	out := map[string]json.RawMessage{}
	for name, value := range all {
		if m, ok := value.(map[string]any); ok && len(m) == 0 {
			continue
		}
		out[name] = encoded(hidden(value, hide))
	}
	return out
}

func hidden(v any, hide func(string) string) any {
	switch v := v.(type) {
	case string:
		return hide(v)
	case []any:
		for i := range v {
			v[i] = hidden(v[i], hide)
		}
	case map[string]any:
		out := map[string]any{}
		for key, value := range v {
			out[hide(key)] = hidden(value, hide)
		}
		return out
	}
	return v
}

func encoded(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil { // the types hold nothing that JSON cannot say
		panic(fmt.Sprintf("a %T cannot be encoded", v))
	}
	return bytes.TrimSpace(b.Bytes())
}
