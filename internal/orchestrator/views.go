package orchestrator

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/workload"
)

// Rollout returns one rollout.
func (o *Orchestrator) Rollout(id string) (rollout.State, error) {
	s, first, err := o.find(id)
	if err != nil || s.Phase != "" {
		return s, err
	}
	return o.reread(id, first)
}

// Rollouts returns the newest rollouts, newest first, of one app or, with an empty name, of all; at most limit.
func (o *Orchestrator) Rollouts(name string, limit int) []rollout.State {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []rollout.State
	for _, id := range slices.Backward(o.ledger.Order) {
		if len(out) >= limit {
			break
		}
		if s := o.ledger.Rollouts[id]; name == "" || s.Request.App == name {
			out = append(out, s)
		}
	}
	return out
}

// Apps returns what is known of every configured app.
func (o *Orchestrator) Apps(ctx context.Context) []rollout.App {
	var out []rollout.App
	for _, name := range o.Steps.Apps() {
		if a, err := o.App(ctx, name); err == nil {
			out = append(out, a)
		}
	}
	return out
}

// App returns what is known of one app. A host that cannot be looked at is said in the answer, not as an error.
func (o *Orchestrator) App(ctx context.Context, name string) (rollout.App, error) {
	a, containers, err := o.Steps.Observe(ctx, name)
	if err != nil {
		if a.Name == "" {
			return a, err
		}
		a.Unobserved = fault.Text(err)
	}
	why := o.Refusing()
	o.mu.Lock()
	defer o.mu.Unlock()
	known := o.ledger.app(name)
	a.Current, a.Active, a.Last, a.Lock, a.Containers = known.Current, known.Active, known.Last, aged(known.Lock), containers
	a.Waiting, a.Adopted = o.waiting(name), known.Adopted
	a.Targets = known.targets()
	for i, t := range a.Targets {
		a.Targets[i].Kept = slices.Contains(a.KeptImages, workload.ShortDigest(t.Release.Image.Identity()))
	}
	if r := o.apps[name]; r != nil && r.why != nil {
		a.Unrecognised = fault.Text(r.why)
	}
	if a.Active != "" {
		a.Stands = why
	}
	if a.Unobserved == "" && a.Active == "" {
		a.Drift = drift(a)
	}
	return a, nil
}

// aged returns a lock with its age.
func aged(l *rollout.Lock) *rollout.Lock {
	if l == nil {
		return nil
	}
	shown := *l
	shown.Age, shown.Before = int64(time.Since(l.Since).Seconds()), aged(l.Before)
	return &shown
}

// drift says how the host differs from what the last successful rollout left.
func drift(a rollout.App) []string {
	if a.Current == nil {
		return nil
	}
	var out []string
	for _, service := range a.Services {
		live := slices.DeleteFunc(slices.Clone(a.Containers), func(c workload.Container) bool { return c.Service != service || !c.Live() })
		switch {
		case len(live) == 0:
			out = append(out, fmt.Sprintf("service %s has no running container", service))
		case len(live) > 1:
			out = append(out, fmt.Sprintf("service %s has %d live containers", service, len(live)))
		case !live[0].Ours:
			out = append(out, fmt.Sprintf("service %s runs container %s, which %s made and not Fairlead; the next deploy takes it over again", service, live[0].Name, maker(live[0])))
		case live[0].Status != workload.Running:
			out = append(out, fmt.Sprintf("service %s is %s", service, live[0].Status))
		case live[0].Release != a.Current.ID:
			out = append(out, fmt.Sprintf("service %s runs container %s, which is not of the current release", service, live[0].Name))
		}
	}
	return out
}

// maker returns who made a container that is not ours.
func maker(c workload.Container) string {
	if c.Project != "" {
		return "docker compose"
	}
	return "somebody"
}

// Secrets returns what is known of an app's secrets.
func (o *Orchestrator) Secrets(ctx context.Context, name string) (rollout.SecretReport, error) {
	report, fingerprints, err := o.Steps.Secrets(ctx, name)
	if err != nil {
		return report, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, s := range report.Secrets {
		if k, ok := o.ledger.app(name).Secrets[s.Name]; ok {
			report.Secrets[i].Changed = k.Since
			report.Secrets[i].Pending = k.Fingerprint != fingerprints[s.Name]
		}
	}
	return report, nil
}

// Residue returns what the database of an app still holds.
func (o *Orchestrator) Residue(ctx context.Context, name string) (rollout.ResidueReport, error) {
	return o.Steps.Residue(ctx, name)
}

// Audit yields the journal's records from a sequence number on.
func (o *Orchestrator) Audit(from uint64) iter.Seq2[journal.Record, error] {
	return o.Journal.Records(from)
}
