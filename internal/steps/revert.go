package steps

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/capakraken/fairlead/internal/failpoint"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// lastWords is how many lines of a failed container's log are kept in the journal.
const lastWords = 20

// maxLog is how much of it is kept at most, in bytes.
const maxLog = 8 << 10

// lookup is how long a revert may wait for the database, which it does not need.
const lookup = 3 * time.Second

// steady is how long a restored container without a health of its own must run without a break.
const steady = 2 * time.Second

// restore takes this rollout's container of one service away and puts the baseline back. The new container's last
// lines and exit code are read first: they are what tells the operator why.
func (j job) restore(ctx context.Context) (*rollout.Evidence, error) {
	b := j.baseline(j.action.Service)
	kept := rollout.Restored{Service: b.Service, Baseline: describe(b.Container)}
	var definitions []workload.Service                     // by label only: what is taken over by name is never this rollout's
	found, _ := j.Runtime.Observe(ctx, j.key, definitions) // or nothing: what comes next asks the Engine again
	if err := j.outrun(found); err != nil {
		return nil, err
	}
	words := j.keepEvidence(ctx, found, &kept)
	failpoint.Hit(failpoint.WordsKept)
	err := j.putBack(ctx, b)
	if fault.KindOf(err) == fault.NotFound && j.isGone(ctx, b) {
		kept.Remade, err = j.remake(ctx, b)
	}
	if err != nil {
		return nil, err
	}
	failpoint.Hit(failpoint.RestoreLooked)
	kept.Log = j.redact(ctx, words) // only now: the service must not wait for the database
	return &rollout.Evidence{Restored: &kept}, nil
}

// outrun returns a fault when this rollout's container of the service is promoted, which nothing that is recorded can have
// done: the host has gone on without the journal, and what runs may be proved.
func (j job) outrun(found []workload.Container) error {
	for _, c := range j.state.Outrun(found) {
		if c.Service == j.action.Service {
			return fault.New(fault.Conflict, "container %s of service %s has its final name, and the journal does not know that it was proved: it must have been lost in part, or restored from a copy; nothing was touched", c.Name, c.Service)
		}
	}
	return nil
}

// words are a container's last lines, not redacted yet, and the environment that they were written with.
type words struct {
	log string
	env secret.Env
}

// putBack restores the baseline. What may pass, such as a port that somebody else holds or an Engine that restarts, is
// tried again until ctx ends: nothing else would bring the service back.
func (j job) putBack(ctx context.Context, b rollout.Baseline) error {
	for start := time.Now(); ; {
		err := j.Runtime.Restore(ctx, j.key, j.state.Request.ID, b.Service, b.Container)
		passing := slices.Contains([]fault.Kind{fault.Unavailable, fault.Conflict, fault.TimedOut}, fault.KindOf(err))
		if err == nil || !passing || ctx.Err() != nil {
			return err
		}
		j.say("trying again: " + fault.Text(err))
		if !pause(ctx, pace(time.Since(start))) {
			return err
		}
	}
}

// keepEvidence reads what the rollout's container of the service has left behind, and returns its last words. What cannot
// be read must not stand in the way of restoring.
func (j job) keepEvidence(ctx context.Context, found []workload.Container, kept *rollout.Restored) words {
	i := slices.IndexFunc(found, func(c workload.Container) bool {
		return c.Service == kept.Service && c.Rollout == j.state.Request.ID
	})
	if i < 0 {
		return words{} // it was never made, or is already gone
	}
	c := found[i]
	kept.Removed, kept.Status, kept.ExitCode = c.ID, c.Status, c.ExitCode
	env, err := j.Containers.Environment(ctx, c.ID)
	if err != nil {
		return words{} // without its environment nothing could be redacted, so nothing is kept
	}
	log, err := j.Containers.Logs(ctx, c.ID, lastWords)
	if err != nil {
		return words{}
	}
	return words{log, env}
}

// redact returns the end of the last words without any secret in it. Where it cannot be told which values those are,
// nothing is kept, and that is said.
func (j job) redact(ctx context.Context, w words) string {
	if w.log == "" {
		return ""
	}
	p := provision{base: w.env}
	for _, svc := range j.state.Validated.Services {
		p.units = append(p.units, workload.Unit{Service: svc}) // whose networks may be the ones that know the database
	}
	stored, err := j.stored(ctx, p)
	if err != nil {
		return unkept(err)
	}
	return tail(j.without(w.log, stored, w.env))
}

// unkept is said in the place of words that may hold what nobody can look up.
func unkept(err error) string {
	return "(not kept, since the legacy values that may stand in it cannot be looked up: " + fault.Text(err) + ")"
}

// without returns text without the values of these environments. Those of the catalog, and those of the database, are
// looked for however short they are.
func (j job) without(text string, stored secret.Env, envs ...secret.Env) string {
	var secrets secret.Env
	for _, env := range envs {
		secrets = slices.Concat(secrets, catalog(j.app, env))
	}
	secrets = slices.Concat(secrets, stored) // last, since of two names for one value the first is shown
	return secret.NewRedactor(slices.Concat(envs...)).Redact(secret.NewSecretRedactor(secrets).Redact(text))
}

// stored returns the legacy values of the app's database, and the database's address where a file of its own holds it. An
// app may take a secret from there that the environment does not have, or has with another value, and write it down when
// it dies.
func (j job) stored(ctx context.Context, p provision) (secret.Env, error) {
	if j.app.Legacy == nil {
		return nil, nil
	}
	l, err := j.legacy(p)
	if err != nil {
		return nil, err
	}
	var address secret.Env
	if j.app.Legacy.DSN.File != "" {
		address = secret.NewEnv(secret.Var{Name: "the database's address", Value: l.DSN})
	}
	ctx, cancel := context.WithTimeout(ctx, lookup)
	defer cancel()
	if j.app.Legacy.Function != "" {
		// What is the same as the environment's is known by that.
		return slices.Concat(address, catalog(j.app, p.base)), j.untold(ctx, p, l)
	}
	values, err := j.Database.Stored(ctx, l)
	if fault.KindOf(err) == fault.NotFound {
		return address, nil // no table, or no row in it: nothing is stored
	}
	return slices.Concat(address, values), err
}

// untold is an error when the database holds a value that it does not tell and that the environment does not have: nobody could
// take it out of a text.
func (j job) untold(ctx context.Context, p provision, l Legacy) error {
	residue, err := j.Database.Inspect(ctx, l, expected(j.app, p.base))
	if fault.KindOf(err) == fault.NotFound {
		return nil
	}
	for _, r := range residue {
		if r.Verdict == secret.Differs {
			return fault.New(fault.Refused, "column %q holds another value than the environment, and the function %s does not tell it", r.Column, l.Config.Function)
		}
	}
	return err
}

// tail returns the end of a log that is too long for a record: one line can be a megabyte.
func tail(log string) string {
	if len(log) <= maxLog {
		return log
	}
	return "…" + strings.ToValidUTF8(log[len(log)-maxLog:], "")
}

// hold waits until every restored container is what it was: running, and healthy if it was healthy; or paused, or
// restarting again and again, if that is how it was found. Where its secrets come from is not asked, since an old release
// may legitimately take them from the database.
func (j job) hold(ctx context.Context) (*rollout.Evidence, error) {
	for _, svc := range j.state.Services {
		c := svc.Baseline.Container
		if svc.Replace == rollout.Pending || c == nil || !c.Live() {
			continue
		}
		if err := j.holdOne(ctx, svc); err != nil {
			return nil, err
		}
		failpoint.Hit(failpoint.HoldHeld)
	}
	return nil, nil
}

func (j job) holdOne(ctx context.Context, svc rollout.Service) error {
	old := *svc.Baseline.Container
	if svc.Restored != nil && svc.Restored.Remade != "" {
		old.ID = svc.Restored.Remade
	}
	check := j.app.Checks[svc.Name]
	check.PublicURL = ""
	start, last := time.Now(), "it was not looked at"
	for {
		c, err := j.Containers.Inspect(ctx, old.ID)
		switch {
		case fault.KindOf(err) == fault.NotFound:
			return fault.New(fault.Halted, "service %s: the restored container %s is gone: somebody removed it; a person is needed", svc.Name, old.Name)
		case err == nil && old.Status != workload.Running && c.Live():
			return nil
		case err == nil && old.Status == workload.Running && c.Status != workload.Running && c.Status != workload.Restarting:
			return fault.New(fault.Halted, "service %s: the restored container %s does not stay up (%s, exit code %d); a person is needed", svc.Name, old.Name, c.Status, c.ExitCode)
		case err == nil && j.asItWas(ctx, svc.Baseline, c, check):
			return nil
		case err == nil:
			last = "it runs, but is not what it was"
		default:
			last = fault.Text(err)
		}
		j.say("waiting for the restored container of " + svc.Name)
		if !pause(ctx, pace(time.Since(start))) {
			break
		}
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return fault.Hide(context.Cause(ctx), fault.Conflict, "holding service %s was interrupted", svc.Name)
	}
	return fault.New(fault.Halted, "service %s: the restored container %s did not come back to what it was in time (%s); a person is needed", svc.Name, old.Name, last)
}

// asItWas tells whether a restored container is as good as the baseline was.
func (j job) asItWas(ctx context.Context, was rollout.Baseline, c workload.Container, check workload.Check) bool {
	switch {
	case c.Status != workload.Running:
		return false
	case was.Container.Health == workload.Healthy && c.Health != workload.Healthy:
		return false
	case was.Answered && was.Answer.Healthy && check.Reports():
		env, err := j.Containers.Environment(ctx, c.ID)
		if err != nil {
			return false
		}
		attempt, cancel := context.WithTimeout(ctx, check.Attempt)
		defer cancel()
		answer, err := j.Prober.Look(attempt, workload.Look{Check: check, Container: c, Env: env})
		return err == nil && answer.Healthy
	}
	return time.Since(c.StartedAt) >= steady
}
