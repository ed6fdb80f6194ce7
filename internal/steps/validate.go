package steps

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/capakraken/fairlead/internal/failpoint"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// minFree is the least space for images with which a rollout that pulls one is begun, in bytes.
const minFree = 256 << 20

// validate looks at everything that the rollout will depend on and changes nothing. It comes back with every fault that
// it found, so that an operator mends them in one go.
func (j job) validate(ctx context.Context) (*rollout.Evidence, error) {
	p, problems := j.provision(ctx, j.app)
	problems = append(problems, j.barred()...)
	if len(p.units) < len(j.app.Services) {
		return nil, j.refusal(problems) // without all definitions there is nothing to compare the host with
	}
	found, err := j.Runtime.Observe(ctx, j.key, services(p.units))
	if err != nil {
		return nil, j.besides(problems, "the containers", err)
	}
	failpoint.Hit(failpoint.BaselineSeen)
	v := &rollout.Validated{Sources: p.names(), Provided: p.sources, Keys: p.base.Names(), Secrets: j.facts(j.app, p.base),
		Services: services(p.units), Definitions: p.definitions, Env: p.env, Key: j.Key.Mark(), HasLegacy: j.app.Legacy != nil}
	v.Baseline, v.Warnings = baselines(p.units, found, &problems)
	v.Warnings = slices.Concat(p.warnings, v.Warnings, strays(p.units, found))
	problems = append(problems, j.startable(v)...)
	problems = append(problems, j.callable(j.state.Request.Hooks)...)
	v.Warnings = append(v.Warnings, j.outgrown(v.Image)...)
	more, err := j.surroundings(ctx, p)
	problems = append(problems, more...)
	if err != nil {
		return nil, j.besides(problems, "the surroundings", err)
	}
	if err := j.lookForResidue(ctx, p, v); err != nil {
		return nil, j.besides(problems, "the legacy database", err)
	}
	failpoint.Hit(failpoint.ResidueSeen)
	if kind := j.state.Request.Kind; v.Image.ID != "" && slices.Contains(kind.Steps(), rollout.Restart) && !slices.Contains(kind.Steps(), rollout.Pull) {
		warnings, more, err := j.compare(ctx, v.Image, v.Services, v.Baseline)
		if err != nil {
			return nil, j.besides(problems, "the running containers", err)
		}
		v.Warnings, problems = append(v.Warnings, warnings...), append(problems, more...)
	}
	v.Warnings = append(v.Warnings, j.written(ctx, v.Baseline)...)
	if len(problems) > 0 {
		return nil, j.refusal(problems)
	}
	j.askBaseline(ctx, v)
	failpoint.Hit(failpoint.ValidateBased)
	return &rollout.Evidence{Validated: v}, nil
}

// refusal returns all problems as one answer.
func (j job) refusal(problems []fault.Problem) error {
	return fault.Many(fault.Refused, j.app.Name+" cannot be rolled out as things are", problems)
}

// besides returns err, and with it the problems that were found before: what ended the looking must not hide them.
func (j job) besides(problems []fault.Problem, where string, err error) error {
	if len(problems) == 0 {
		return err
	}
	return j.refusal(append(problems, problemsOf(err, where)...))
}

// baselines picks, for each service, the container that the rollout starts from.
func baselines(units []workload.Unit, found []workload.Container, problems *[]fault.Problem) ([]rollout.Baseline, []string) {
	var out []rollout.Baseline
	var warnings []string
	for _, u := range units {
		b := rollout.Baseline{Service: u.Service.Name}
		mine := slices.DeleteFunc(slices.Clone(found), func(c workload.Container) bool { return c.Service != u.Service.Name })
		slices.SortFunc(mine, preferred)
		for i, c := range mine {
			switch {
			case i == 0:
				b.Container = &mine[0]
			case !c.Ours && !mine[0].Ours && !c.Live():
				*problems = append(*problems, fault.Problem{Where: c.Name, What: "is of service " + c.Service + " as well as " + mine[0].Name + ", Fairlead made neither, and only one can be taken over",
					Fix: "remove the one that is not wanted"})
			case c.Live():
				*problems = append(*problems, fault.Problem{Where: c.Name, What: "is a second live container of service " + c.Service,
					Fix: "find out which one is right, and remove the other"})
			default:
				warnings = append(warnings, fmt.Sprintf("%s: the stopped container %s is left over, with the secrets of its time; remove it with 'docker rm %s'",
					c.Service, c.Name, c.Name))
			}
		}
		out = append(out, b)
	}
	return out, warnings
}

// mostPaths is how many paths are named that an adopted container has written to.
const mostPaths = 5

// written warns of what the containers that are to be taken over have written beside their mounts: it stays behind. What
// cannot be seen in time is no fault.
func (j job) written(ctx context.Context, baseline []rollout.Baseline) []string {
	var warnings []string
	for _, b := range baseline {
		if b.Container == nil || b.Container.Ours || j.state.Request.Kind == rollout.Cleanup {
			continue
		}
		looking, cancel := context.WithTimeout(ctx, lookup)
		paths, err := j.Containers.Written(looking, b.Container.ID, mostPaths)
		cancel()
		if err == nil && len(paths) > 0 {
			warnings = append(warnings, fmt.Sprintf("%s: what %s has written outside its mounts stays behind in the old container, and goes with it: %s; mount a volume there if it is needed",
				b.Service, b.Container.Name, strings.Join(paths, ", ")))
		}
	}
	return warnings
}

// strays warns of the app's containers whose service is no longer configured: no rollout replaces or verifies them.
func strays(units []workload.Unit, found []workload.Container) []string {
	var warnings []string
	for _, c := range found {
		if c.OneOff() {
			warnings = append(warnings, fmt.Sprintf("the container %s of an earlier pre_start is left over (%s); remove it with 'docker rm %s' when it has ended", c.Name, c.Status, c.Name))
		} else if !slices.ContainsFunc(units, func(u workload.Unit) bool { return u.Service.Name == c.Service }) {
			warnings = append(warnings, fmt.Sprintf("%s: the service is no longer configured, but its container %s is still there (%s), with the secrets of its time; remove it with 'docker rm -f %s'",
				c.Service, c.Name, c.Status, c.Name))
		}
	}
	return warnings
}

// preferred orders a service's containers: a live one first, then ours, then the newest.
func preferred(a, b workload.Container) int {
	rank := func(yes bool) int {
		if yes {
			return 0
		}
		return 1
	}
	if d := rank(a.Live()) - rank(b.Live()); d != 0 {
		return d
	}
	if d := rank(a.Ours) - rank(b.Ours); d != 0 {
		return d
	}
	return b.CreatedAt.Compare(a.CreatedAt)
}

// startable holds the kind's own conditions against the baseline, and takes from it the image that a kind keeps.
func (j job) startable(v *rollout.Validated) []fault.Problem {
	var problems []fault.Problem
	kind := j.state.Request.Kind
	for _, b := range v.Baseline {
		c := b.Container
		if c != nil && c.AutoRemove && kind != rollout.Cleanup {
			problems = append(problems, fault.Problem{Where: c.Name, What: "was started with --rm, so stopping it would delete it and nothing could be put back",
				Fix: "start it again without --rm"})
		}
		switch {
		case kind == rollout.Deploy || kind == rollout.Rollback:
		case c == nil || c.Status != workload.Running:
			problems = append(problems, fault.Problem{Where: "service " + b.Service, What: "has no running container, so there is nothing to " + purpose(kind),
				Fix: "deploy it first"})
		case v.Image.Repository == "" && v.Image.ID == "":
			v.Image = c.Image
		case !sameImage(v.Image, c.Image):
			problems = append(problems, fault.Problem{Where: "service " + b.Service, What: "runs another image than the app's other services",
				Fix: "deploy one image for all of them first"})
		}
	}
	return problems
}

// purpose says what a kind does to a running container.
func purpose(k rollout.Kind) string {
	if k == rollout.Cleanup {
		return "verify before the clean-up"
	}
	return string(k)
}

// sameImage compares two images of one Engine, of which one may be known by its id alone.
func sameImage(a, b workload.Image) bool {
	return a.ID != "" && a.ID == b.ID || a.Digest != "" && a.Digest == b.Digest
}

// surroundings looks at what is not ours but is needed: networks, names, ports, space.
func (j job) surroundings(ctx context.Context, p provision) ([]fault.Problem, error) {
	if j.state.Request.Kind == rollout.Cleanup {
		return nil, nil
	}
	problems, err := j.Host.Check(ctx, j.key, services(p.units))
	if err != nil {
		return nil, err
	}
	if free, ok := j.Host.Free(ctx); ok && free < minFree && j.state.Request.Kind == rollout.Deploy {
		problems = append(problems, fault.Problem{Where: "the Engine's data directory", What: fmt.Sprintf("has only %d MiB free", free>>20),
			Fix: fmt.Sprintf("make room for at least %d MiB", minFree>>20)})
	}
	return problems, nil
}

// askBaseline records whether the running containers are healthy and where they say their secrets come from. A baseline
// that does not answer is no fault: a first release knows no status endpoint.
func (j job) askBaseline(ctx context.Context, v *rollout.Validated) {
	for i := range v.Baseline {
		b := &v.Baseline[i]
		if b.Container == nil || b.Container.Status != workload.Running {
			continue
		}
		env, err := j.Containers.Environment(ctx, b.Container.ID)
		if err != nil {
			continue
		}
		check := j.app.Checks[b.Service]
		check.PublicURL = ""
		attempt, cancel := context.WithTimeout(ctx, check.Attempt+time.Second)
		b.Answer, err = j.Prober.Look(attempt, workload.Look{Check: check, Container: *b.Container, Env: env,
			Forbidden: secret.NewRedactor(catalog(j.app, env))})
		b.Answered = err == nil
		cancel()
	}
}

// networks returns the names of all networks that the services are on.
func networks(units []workload.Unit) []string {
	var names []string
	for _, u := range units {
		for _, n := range u.Service.Networks {
			names = append(names, n.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// extraHosts returns the additional host names of all services.
func extraHosts(units []workload.Unit) []string {
	var hosts []string
	for _, u := range units {
		hosts = append(hosts, u.Service.ExtraHosts...)
	}
	return hosts
}

// describe names a baseline's container for the operator.
func describe(c *workload.Container) string {
	switch {
	case c == nil:
		return "absent"
	case c.Live():
		return strings.ToLower(string(c.Status))
	}
	return "stopped"
}
