package steps

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// maxLine is how much of one line of a hook's last words is kept, in bytes; of so many lines all fit into maxLog.
const maxLine = 400

// hooks returns those that a rollout of this kind calls, as the configuration has them now. The words of a command are
// part of the request, so that a rollout which is under way does not change with the configuration.
func hooks(app config.App, kind rollout.Kind) []rollout.Hook {
	var out []rollout.Hook
	for _, h := range app.Hooks {
		when := rollout.After
		if h.Before {
			when = rollout.Before
		}
		if step := rollout.Step(h.Step); slices.Contains(kind.Steps(), step) {
			out = append(out, rollout.Hook{Step: step, When: when, Name: h.Name, Command: h.Command, Timeout: h.Timeout})
		}
	}
	return out
}

// callable finds what would keep hooks from being run, while nothing is touched yet.
func (s *Steps) callable(hooks []rollout.Hook) []fault.Problem {
	var problems []fault.Problem
	for _, h := range hooks {
		if len(h.Command) == 0 {
			continue
		}
		for _, p := range s.Hooks.Check(h.Command[0]) {
			p.Where = h.String() + ": " + p.Where
			problems = append(problems, p)
		}
	}
	return problems
}

// hook calls a command of this host and waits for its end. After a death it is called again: nobody knows how far the
// first call came.
func (j job) hook(ctx context.Context) (*rollout.Evidence, error) {
	h, known := j.state.HookOf(j.action)
	if !known {
		return nil, fault.New(fault.Internal, "the rollout has no hook %d", j.action.Hook)
	}
	j.say("running " + h.String())
	began := time.Now()
	call := fmt.Sprintf("%s-%d", j.state.Request.ID, j.action.Hook)
	said, err := j.Hooks.Run(ctx, call, h.Command, j.told(h))
	out := rollout.Hooked{Ran: time.Since(began)}
	out.Log = j.heard(ctx, said)
	evidence := &rollout.Evidence{Hooked: &out}
	if err == nil {
		return evidence, nil
	}
	failure := fault.Hide(err, fault.KindOf(err), "%s has failed: %s; %s", h, fault.Text(err), j.state.Spared(j.action))
	if problems := fault.ProblemsOf(err); len(problems) > 0 {
		failure.Message = fmt.Sprintf("%s has failed, %s: %s", h, j.state.Spared(j.action), fault.Summary(err))
		failure.Problems = problems
	}
	return evidence, failure
}

// told returns the variables of a hook: the rollout's facts, never a secret. One that is not known yet is empty.
func (j job) told(h rollout.Hook) []string {
	r, image := j.state.Request, j.state.Target.Image
	if image == (workload.Image{}) {
		image = r.Image
	}
	trigger := "manual"
	if r.UID == nil {
		trigger = "fairlead"
	}
	var out []string
	for _, v := range [][2]string{
		{"INSTANCE", j.Instance}, {"ENVIRONMENT", j.app.Environment}, {"APP", r.App}, {"SERVICES", strings.Join(r.Services, " ")},
		{"ROLLOUT", r.ID}, {"KIND", string(r.Kind)}, {"STEP", string(h.Step)}, {"WHEN", string(h.When)}, {"HOOK", h.Name},
		{"IMAGE", named(image)}, {"DIGEST", image.Digest}, {"RELEASE", j.state.Target.ID},
		{"TRIGGER", trigger}, {"ACTOR", r.Requester}, {"REASON", r.Reason},
	} {
		out = append(out, "FAIRLEAD_"+v[0]+"="+oneLine(v[1]))
	}
	return out
}

// named returns what the Engine calls an image.
func named(i workload.Image) string {
	if i.Tag == "" && i.Digest != "" {
		return i.Repository + "@" + i.Digest
	}
	return workload.Image{Repository: i.Repository, Tag: i.Tag, ID: i.ID}.String()
}

// oneLine returns text as a variable can carry it: what a person wrote may hold anything.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

// heard returns a hook's last words without any secret in them. It may have read the env sources, asked the database, or
// looked into the containers, which may have been made with older values. Where it cannot be told which values those are,
// nothing is kept, and that is said.
func (j job) heard(ctx context.Context, said string) string {
	if said == "" {
		return ""
	}
	patience := 2 * lookup
	if ctx.Err() != nil {
		patience = lookup // somebody waits for the end: a daemon that stops, or who has cancelled the rollout
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	p, _ := j.provision(ctx, j.app)
	if p.incomplete(j.app) || len(p.units) < len(j.app.Services) {
		return "(not kept, since the app's environment cannot be read as a whole, and its values may stand in it)"
	}
	stored, err := j.stored(ctx, p)
	if err != nil {
		return unkept(err)
	}
	envs, err := j.environments(ctx, p.units)
	if err != nil {
		return "(not kept, since the environments of the app's containers may stand in it, and cannot be looked at: " + fault.Text(err) + ")"
	}
	for _, u := range p.units {
		envs = append(envs, u.Env)
	}
	return lines(j.without(said, stored, append(envs, p.base)...))
}

// environments returns those that the app's containers were created with.
func (j job) environments(ctx context.Context, units []workload.Unit) ([]secret.Env, error) {
	found, err := j.Runtime.Observe(ctx, j.key, services(units))
	if err != nil {
		return nil, err
	}
	var out []secret.Env
	for _, c := range found {
		env, err := j.Containers.Environment(ctx, c.ID)
		switch {
		case fault.KindOf(err) == fault.NotFound:
			continue // it went between the two looks
		case err != nil:
			return nil, err
		}
		out = append(out, env)
	}
	return out, nil
}

// lines returns text with every line cut to what is kept of one. It comes after the redacting, which would not know half a
// value again.
func lines(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		end := line[len(strings.TrimRight(line, "\r\n")):]
		if line = strings.TrimSuffix(line, end); len(line) > maxLine {
			line = strings.ToValidUTF8(line[:maxLine], "") + "…"
		}
		out.WriteString(line + end)
	}
	return tail(out.String())
}
