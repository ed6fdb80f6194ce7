package steps

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// Observe returns what the configuration says of an app, and the containers that the host shows of it.
func (s *Steps) Observe(ctx context.Context, name string) (rollout.App, []workload.Container, error) {
	s = s.looking()
	app, err := s.app(name)
	if err != nil {
		return rollout.App{}, nil, err
	}
	out := rollout.App{Name: app.Name, Environment: app.Environment, Repository: app.Repository}
	for _, d := range app.Services {
		out.Services = append(out.Services, d.Name)
	}
	definitions := s.adoptable(ctx, app)
	out.Restarts = map[string]workload.RestartPolicy{}
	for _, d := range definitions {
		out.Restarts[d.Name] = d.Restart
	}
	found, err := s.Runtime.Observe(ctx, s.key(app), definitions)
	if err != nil {
		return out, nil, err
	}
	if kept, bytes, err := s.Images.Kept(ctx, s.key(app)); err == nil { // else there are containers to see, at least
		free, _ := s.Host.Free(ctx)
		out.KeptImages, out.Disk = kept, &rollout.Disk{Images: len(kept), Bytes: bytes, Free: free}
	}
	return out, found, nil
}

// adoptable returns the service definitions as far as they can be read, so that a container which is to be taken over
// is found by its name. An env source that does not pass must not keep anybody from seeing what runs, and a command that opens a
// secret manager is not called each time that somebody looks.
func (s *Steps) adoptable(ctx context.Context, app config.App) []workload.Service {
	p, _ := s.read(ctx, app, unrun)
	loaded, found := s.Define(ctx, definitions(app), p.base)
	if len(found.Problems) > 0 && len(p.sources) < len(app.Env) {
		part, cancel := thirdOf(ctx)
		defer cancel()
		p, _ = s.read(part, app, everything) // it may be a variable that was missing
		loaded, _ = s.Define(ctx, definitions(app), p.base)
	}
	var out []workload.Service
	for _, l := range loaded {
		out = append(out, l.Service)
	}
	return out
}

// thirdOf returns a context with a third of the time that ctx has: a command that hangs leaves the rest to those who look at
// the host itself.
func thirdOf(ctx context.Context) (context.Context, context.CancelFunc) {
	end, bounded := ctx.Deadline()
	if !bounded {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(end)/3)
}

// Secrets returns what is known of each secret of the app's catalog, and the fingerprints of the values that the env
// sources hold now. What cannot be looked at is left out and said.
func (s *Steps) Secrets(ctx context.Context, name string) (rollout.SecretReport, map[string]secret.Fingerprint, error) {
	s = s.looking()
	app, err := s.app(name)
	if err != nil {
		return rollout.SecretReport{}, nil, err
	}
	report := rollout.SecretReport{App: name}
	p, problems := s.provision(ctx, app)
	for _, problem := range problems {
		report.Notes = append(report.Notes, problem.String())
	}
	fingerprints := map[string]secret.Fingerprint{}
	for i, f := range s.facts(app, p.base) {
		spec := app.Secrets[i]
		report.Secrets = append(report.Secrets, rollout.SecretStatus{Name: f.Name, Env: f.Env, Description: spec.Description, Required: spec.Required,
			Provisioned: f.Provisioned, Origin: f.Origin, Faults: spec.Check(p.base.Value(spec.Env)), Sources: map[string]secret.Source{}})
		fingerprints[f.Name] = f.Fingerprint
	}
	if err := s.addSources(ctx, app, &report); err != nil {
		report.Notes = append(report.Notes, "the running app could not be asked: "+fault.Text(err))
	}
	if app.Legacy != nil {
		if err := s.addResidue(ctx, app, p, &report); err != nil {
			report.Notes = append(report.Notes, "the database could not be asked: "+fault.Text(err))
		}
	}
	return report, fingerprints, nil
}

// addSources asks every running service that reports sources.
func (s *Steps) addSources(ctx context.Context, app config.App, report *rollout.SecretReport) error {
	found, err := s.Runtime.Observe(ctx, s.key(app), s.adoptable(ctx, app))
	if err != nil {
		return err
	}
	for _, c := range found {
		check := app.Checks[c.Service]
		if c.Status != workload.Running || !check.Reports() {
			continue
		}
		env, err := s.Containers.Environment(ctx, c.ID)
		if err != nil {
			return err
		}
		check.PublicURL = ""
		attempt, cancel := context.WithTimeout(ctx, check.Attempt+time.Second)
		answer, err := s.Prober.Look(attempt, workload.Look{Check: check, Container: c, Env: env, Forbidden: secret.NewRedactor(catalog(app, env))})
		cancel()
		if err != nil {
			report.Notes = append(report.Notes, fmt.Sprintf("service %s did not say where its secrets come from: %s", c.Service, fault.Text(err)))
			continue
		}
		for _, r := range answer.Secrets {
			if i := slices.IndexFunc(report.Secrets, func(s rollout.SecretStatus) bool { return s.Name == r.Name }); i >= 0 {
				report.Secrets[i].Sources[c.Service] = r.Source
			}
		}
	}
	return nil
}

func (s *Steps) addResidue(ctx context.Context, app config.App, p provision, report *rollout.SecretReport) error {
	residue, err := s.residue(ctx, app, p)
	if err != nil {
		return err
	}
	for _, r := range residue {
		if i := slices.IndexFunc(report.Secrets, func(s rollout.SecretStatus) bool { return s.Name == r.Secret }); i >= 0 {
			report.Secrets[i].Residue = r.Verdict
		}
	}
	return nil
}

// Residue returns what the app's database still holds.
func (s *Steps) Residue(ctx context.Context, name string) (rollout.ResidueReport, error) {
	s = s.looking()
	app, err := s.app(name)
	if err != nil {
		return rollout.ResidueReport{}, err
	}
	report := rollout.ResidueReport{App: name}
	if app.Legacy == nil {
		return report, fault.New(fault.Refused, "%s has no legacy database configured", name)
	}
	p, problems := s.provision(ctx, app)
	if p.incomplete(app) {
		return report, fault.Many(fault.Refused, incomparable, problems)
	}
	if report.Residue, err = s.residue(ctx, app, p); err != nil {
		return report, err
	}
	l, err := s.legacyOf(app, p)
	if err != nil {
		return report, err
	}
	survey, err := s.Database.Survey(ctx, l)
	if err != nil {
		report.Notes = append(report.Notes, "what may keep copies of a value was not seen: "+fault.Text(err))
	}
	report.Hazards = survey.Hazards
	return report, nil
}

// incomparable is said where a part of the environment is missing: what is the same would seem to differ.
const incomparable = "the environment cannot be read as a whole, so the legacy values cannot be compared with it"

// residue asks the database what it holds, compared with what the env sources hold now.
func (s *Steps) residue(ctx context.Context, app config.App, p provision) ([]secret.Residue, error) {
	if p.incomplete(app) {
		return nil, fault.New(fault.Refused, incomparable)
	}
	l, err := s.legacyOf(app, p)
	if err != nil {
		return nil, err
	}
	return s.Database.Inspect(ctx, l, expected(app, p.base))
}
