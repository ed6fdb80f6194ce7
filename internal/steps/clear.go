package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/envfile"
	"github.com/capakraken/fairlead/internal/failpoint"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// clear removes the legacy values from the database. It is the one action that nothing can put back, so everything that
// verify proved is proved again first, and the containers once more when the row is already locked.
func (j job) clear(ctx context.Context) (*rollout.Evidence, error) {
	p, problems := j.provision(ctx, j.app)
	if err := fault.Many(fault.Refused, "the environment no longer passes", problems); err != nil {
		return nil, err
	}
	l, err := j.legacy(p)
	if err != nil {
		return nil, err
	}
	if err := j.sameAsProved(ctx, p, l); err != nil {
		return nil, err
	}
	failpoint.Hit(failpoint.ClearProved)
	if survey := j.state.Validated.Survey; survey != nil { // of an older version there is none
		l.Identity = survey.Identity
	}
	values := expected(j.app, p.base)
	residue, err := j.Database.Clear(ctx, l, values, func() error { return j.lastLook(ctx, p) })
	unknown := err != nil && fault.KindOf(err) != fault.Refused
	if unknown {
		residue, err = j.lookAgain(ctx, l, values, err)
	}
	if err != nil {
		return nil, err
	}
	if unknown || j.state.Reclear {
		j.credit(residue)
	}
	c := &rollout.Cleared{Residue: residue}
	if len(c.Names()) > 0 {
		j.aftercare(ctx, l, c)
	}
	return &rollout.Evidence{Cleared: c}, nil
}

// lastLook is taken with the row locked: at what may have changed since everything was proved again. The app is not asked
// once more, since it may be waiting for the row itself.
func (j job) lastLook(ctx context.Context, p provision) error {
	if !j.printed() {
		now, problems := j.provision(ctx, j.app)
		if len(problems) > 0 || now.env != p.env {
			return fault.New(fault.Refused, "%s changed while the clear waited for the row", j.app.EnvFiles())
		}
	}
	if err := j.stillProved(ctx, j.state.Verified.Proofs); err != nil {
		return err
	}
	return j.noOtherConsumer(ctx, p)
}

// printed reports whether a part of the environment is what a command prints. Nobody waits for that with a row locked: it was
// asked just before.
func (j job) printed() bool {
	return slices.ContainsFunc(j.app.Env, func(s config.EnvSource) bool { return s.Kind() == config.ExecSource })
}

// sameAsProved holds all that clearing depends on against what was proved. Anything that differs is a refusal, which
// leaves the release running and the database as it is.
func (j job) sameAsProved(ctx context.Context, p provision, l Legacy) error {
	v := j.state.Validated
	switch {
	case j.rekeyed():
		return fault.New(fault.Refused, "the host's key for fingerprints was lost or replaced since, so nobody can tell whether %s is what was validated", j.app.EnvFiles())
	case p.env != v.Env || p.definitions != v.Definitions:
		return fault.New(fault.Refused, "%s or the service definitions changed since they were validated", j.app.EnvFiles())
	case j.Key.OfText("database", l.DSN.Reveal()) != v.Database:
		return fault.New(fault.Refused, "%s names another database than when it was validated", l.Origin)
	case !slices.ContainsFunc(j.state.Services, func(s rollout.Service) bool { return j.app.Checks[s.Name].Reports() }):
		return fault.New(fault.Refused, "no service reports the sources of its secrets, so nothing shows that the legacy values are unused")
	}
	if err := j.stillProved(ctx, j.state.Verified.Proofs); err != nil {
		return err
	}
	if err := j.createdWith(ctx, p); err != nil {
		return err
	}
	if err := j.sayItAgain(ctx); err != nil {
		return err
	}
	return j.noOtherConsumer(ctx, p)
}

// createdWith makes sure that every container really got each secret that is to be cleared: the env source alone says
// only what the next container would get.
func (j job) createdWith(ctx context.Context, p provision) error {
	for _, proof := range j.state.Verified.Proofs {
		env, err := j.Containers.Environment(ctx, proof.Container)
		if err != nil {
			return err
		}
		for _, spec := range legacySecrets(j.app) {
			want := p.base.Value(spec.Env)
			if !want.IsEmpty() && !env.Value(spec.Env).Equal(want) {
				return fault.New(fault.Refused, "the container of service %s was not created with the present value of %s", proof.Service, spec.Env)
			}
		}
	}
	return nil
}

// sayItAgain asks every proved container once more where it takes its secrets from.
func (j job) sayItAgain(ctx context.Context) error {
	var again []rollout.Proof
	for _, proof := range j.state.Verified.Proofs {
		c, err := j.Containers.Inspect(ctx, proof.Container)
		if err != nil {
			return err
		}
		env, err := j.Containers.Environment(ctx, proof.Container)
		if err != nil {
			return err
		}
		look := workload.Look{Check: j.app.Checks[proof.Service], Container: c, Env: env, Forbidden: secret.NewRedactor(catalog(j.app, env))}
		attempt, cancel := context.WithTimeout(ctx, look.Check.Attempt)
		answer, err := j.Prober.Look(attempt, look)
		cancel()
		if err != nil {
			return fault.New(fault.KindOf(err), "service %s does not answer as it did when it was verified: %s", proof.Service, fault.Text(err))
		}
		if !answer.Healthy {
			return fault.New(fault.Refused, "service %s is no longer healthy", proof.Service)
		}
		again = append(again, rollout.Proof{Service: proof.Service, Container: proof.Container, Answer: answer})
	}
	if faults := rollout.Unproved(j.state.Validated.Gated(), reported(again)); len(faults) > 0 {
		return fault.New(fault.Refused, "the app no longer takes every secret from the environment: %s", strings.Join(faults, "; "))
	}
	return nil
}

// noOtherConsumer makes sure that nobody else on this host may still read the legacy values: no live container of the
// app that was not proved, and none outside it of the same image or project.
func (j job) noOtherConsumer(ctx context.Context, p provision) error {
	own, err := j.Runtime.Observe(ctx, j.key, services(p.units))
	if err != nil {
		return err
	}
	for _, c := range own {
		proved := slices.ContainsFunc(j.state.Verified.Proofs, func(p rollout.Proof) bool { return p.Container == c.ID })
		if c.Live() && !proved {
			return fault.New(fault.Refused, "container %s of this app is live but was not verified by this rollout", c.Name)
		}
	}
	var projects []string
	for _, c := range own {
		if c.Project != "" {
			projects = append(projects, c.Project)
		}
	}
	others, err := j.Host.Consumers(ctx, j.key, j.app.Repository, projects)
	if err != nil {
		return err
	}
	for _, c := range others {
		if !slices.Contains(j.app.NotConsumers, c.Name) {
			return fault.New(fault.Refused, "container %s shares the image or the Compose project and may still read the legacy values; stop it, or name it under not_consumers if it does not", c.Name)
		}
	}
	return nil
}

// secondLook bounds the look after a clear of which nobody knows whether it happened.
const secondLook = 10 * time.Second

// lookAgain finds out what a failed clear has really done, since a commit whose answer got lost may have happened. It
// may outlast the step's deadline; a daemon that stops leaves it to the next one.
func (j job) lookAgain(ctx context.Context, l Legacy, values map[string]secret.Value, failed error) ([]secret.Residue, error) {
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil, failed
	}
	bounded, stop := context.WithTimeout(context.WithoutCancel(ctx), secondLook)
	defer stop()
	residue, err := j.Database.Inspect(bounded, l, values)
	if err != nil {
		return nil, failed
	}
	for i, r := range residue {
		switch {
		case r.Verdict == secret.Empty:
		case r.Verdict == secret.Same || !values[r.Secret].IsEmpty() && !keeps(l, r.Secret):
			return nil, failed // it would have been cleared, or have refused the whole
		default:
			residue[i].Kept = "the environment has another value for it, or none"
		}
	}
	return residue, nil
}

// keeps reports whether a legacy value of the secret that differs is left alone.
func keeps(l Legacy, name string) bool {
	return !slices.ContainsFunc(l.Secrets, func(s secret.Spec) bool {
		return s.Name == name && (s.OnMismatch == secret.Clear || s.OnMismatch == secret.Refuse)
	})
}

// credit marks what is empty now, but was not when the rollout was validated, as cleared by this rollout: its commit was
// followed by a death, or its answer got lost.
func (j job) credit(residue []secret.Residue) {
	for i, r := range residue {
		for _, before := range j.state.Validated.Residue {
			if before.Secret == r.Secret && r.Verdict == secret.Empty && before.Verdict != secret.Empty {
				residue[i].Verdict, residue[i].Cleared = before.Verdict, true
			}
		}
	}
}

// legacySecrets returns the secrets of the catalog that have a column.
func legacySecrets(app config.App) []secret.Spec {
	return slices.DeleteFunc(slices.Clone(app.Secrets), func(s secret.Spec) bool { return s.LegacyColumn == "" })
}

// legacy returns where the app's legacy values are. A DSN in a file is read anew each time, so that a rotated password
// is picked up.
func (j job) legacy(p provision) (Legacy, error) { return j.legacyOf(j.app, p) }

// address returns the variable that holds the database's address: of the env sources, or else of the first service whose
// definition gives it one, as many Compose files do.
func (p provision) address(name string) secret.Var {
	if v, ok := p.base.Lookup(name); ok && !v.Value.IsEmpty() {
		return v
	}
	for _, u := range p.units {
		if v, ok := u.Env.Lookup(name); ok && !v.Value.IsEmpty() {
			return v
		}
	}
	return secret.Var{}
}

func (s *Steps) legacyOf(app config.App, p provision) (Legacy, error) {
	if app.Legacy == nil { // of a rollout that was begun under another configuration
		return Legacy{}, fault.New(fault.Refused, "%s has no legacy database configured any more", app.Name)
	}
	l := Legacy{App: app.Name, Config: *app.Legacy, Secrets: legacySecrets(app), Networks: networks(p.units), ExtraHosts: extraHosts(p.units)}
	if file := app.Legacy.DSN.File; file != "" {
		dsn, err := envfile.ReadValue(file, s.EnvPolicy)
		l.DSN, l.Origin = dsn, file
		return l, err
	}
	name := app.Legacy.DSN.Env
	v := p.address(name)
	if v.Value.IsEmpty() {
		return l, fault.New(fault.Refused, "%s: %s is missing or empty, so the legacy values cannot be looked at", app.EnvFiles(), name)
	}
	l.DSN, l.Origin = v.Value, fmt.Sprintf("%s (%s)", name, v.Origin)
	return l, nil
}
