package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// The pace of the polls: fast while an app is most likely to come up, slower and slower for one that takes its time.
const (
	firstPause = 20 * time.Millisecond
	lastPause  = time.Second
)

// pace returns the pause before the next look, after so much time since the first. It is a small part of that time, so
// that an app which was waited for for long is not kept waiting much longer.
func pace(waited time.Duration) time.Duration { return min(max(firstPause, waited/25), lastPause) }

// settling is how long a healthy app may name a wrong source before that is its final word. An app may read its
// configuration shortly after it first answers, but need not be waited for until the deadline.
const settling = 3 * time.Second

// prover polls one container until it is proved.
type prover struct {
	job
	service string
	gated   []string
	look    workload.Look
	streak  int       // good looks in a row
	wrong   time.Time // since when a healthy answer has named a wrong source; zero when it does not
	last    string    // what the last look found, for the operator
}

// prove polls the container of one service until it has answered well often enough in a row. An exited or restarting
// container, an answer that leaks a secret, and a lasting wrong source fail at once; anything else is tried again until
// the step's deadline.
func (j job) prove(ctx context.Context, service string, gated []string) (rollout.Proof, int, error) {
	id := j.state.Subject(service)
	if id == "" {
		return rollout.Proof{}, 0, fault.New(fault.Refused, "service %s has no running container", service)
	}
	check, ok := j.app.Checks[service]
	if !ok {
		return rollout.Proof{}, 0, gone(service)
	}
	p := prover{job: j, service: service, gated: gated, look: workload.Look{Check: check}}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	exited := make(chan error, 1)
	go func() { // ends with watching, at the latest when prove returns
		exited <- caught(func() error { return j.Containers.WaitExit(watching, id) })
	}()
	start := time.Now()
	for attempt := 1; ; attempt++ {
		proof, proved, err := p.attempt(ctx, id)
		if err != nil || proved {
			return proof, attempt, p.explain(ctx, attempt, err)
		}
		if ctx.Err() == nil {
			p.tell(attempt)
		}
		next := pace(time.Since(start))
		if p.streak > 0 {
			next = firstPause // only its steadiness is in doubt
		}
		if err := p.wait(ctx, next, exited); err != nil {
			return proof, attempt, p.explain(ctx, attempt, err)
		}
	}
}

// wait pauses until the next look, and cuts one pause short when the container ends. Its error is that of ctx, or a panic
// in the watch.
func (p *prover) wait(ctx context.Context, d time.Duration, exited <-chan error) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-exited:
		if _, bug := errors.AsType[*fault.Panic](err); bug {
			return err
		}
		// The container has ended or cannot be watched: the next look tells which. It is still paced, since an Engine
		// that does not answer fails the watch at once.
		pause(ctx, min(d, 50*time.Millisecond))
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// attempt takes one look. It returns true when the container is proved, and an error when it never will be.
func (p *prover) attempt(ctx context.Context, id string) (rollout.Proof, bool, error) {
	proof := rollout.Proof{Service: p.service, Container: id}
	if err := p.see(ctx, id); err != nil {
		return proof, false, p.lasting(ctx, err)
	}
	proof.StartedAt = p.look.Container.StartedAt
	look, cancel := context.WithTimeout(ctx, p.look.Check.Attempt)
	defer cancel()
	var err error
	if proof.Answer, err = p.Prober.Look(look, p.look); err != nil {
		return proof, false, p.lasting(ctx, err)
	}
	proved := p.judge(proof.Answer)
	if up := time.Since(proof.StartedAt); proved && up < p.look.Check.StayUp {
		proved, p.last = false, "healthy, but not yet up for "+p.look.Check.StayUp.String()
	}
	return proof, proved, p.settled()
}

// see looks at the container itself, and the first time at its environment.
func (p *prover) see(ctx context.Context, id string) error {
	c, err := p.Containers.Inspect(ctx, id)
	if err == nil && p.look.Env == nil {
		p.look.Env, err = p.Containers.Environment(ctx, id)
		p.look.Forbidden = secret.NewRedactor(catalog(p.app, p.look.Env))
	}
	switch before := p.look.Container.StartedAt; {
	case fault.KindOf(err) == fault.NotFound:
		return fault.New(fault.Refused, "service %s: its container is gone: somebody removed it", p.service)
	case err != nil:
		return err
	case !before.IsZero() && !c.StartedAt.Equal(before):
		return fault.New(fault.Refused, "service %s: its container was restarted while it was being verified (exit code %d)", p.service, c.ExitCode)
	}
	p.look.Container = c
	return alive(p.service, c)
}

// lasting returns an error that no further look would mend, and remembers any other as what was seen last.
func (p *prover) lasting(ctx context.Context, err error) error {
	if fault.KindOf(err) == fault.Refused {
		return err
	}
	p.fail(ctx, err)
	return nil
}

// judge counts an answer, and returns true when it was the last that was needed.
func (p *prover) judge(a workload.Answer) bool {
	if !a.Healthy {
		p.streak, p.wrong, p.last = 0, time.Time{}, "not healthy yet"
		return false
	}
	if wrong := p.wrongSources(a); len(wrong) > 0 {
		if p.wrong.IsZero() {
			p.wrong = time.Now()
		}
		p.streak, p.last = 0, "healthy, but "+strings.Join(wrong, "; ")
		return false
	}
	p.wrong, p.last = time.Time{}, "healthy"
	p.streak++
	return p.streak >= p.look.Check.Successes
}

// wrongSources returns what this service says of the gated secrets that is not "environment". A secret that it does not
// name is another service's to name.
func (p *prover) wrongSources(a workload.Answer) []string {
	named := reported([]rollout.Proof{{Service: p.service, Answer: a}})
	mine := slices.DeleteFunc(slices.Clone(p.gated), func(name string) bool { return len(named[name]) == 0 })
	return rollout.Unproved(mine, named)
}

// settled returns an error when a wrong source has become the app's final word.
func (p *prover) settled() error {
	if p.wrong.IsZero() || time.Since(p.wrong) < settling {
		return nil
	}
	return fault.New(fault.Refused, "service %s is %s", p.service, p.last)
}

// fail remembers why a look failed, unless it only failed because the time was up.
func (p *prover) fail(ctx context.Context, err error) {
	if ctx.Err() == nil {
		p.streak, p.last = 0, fault.Text(err)
	}
}

// tell shows how the polling goes.
func (p *prover) tell(attempt int) {
	p.progress(rollout.Progress{Step: rollout.Verify, Service: p.service, Text: fmt.Sprintf("look %d: %s", attempt, p.last)})
}

// explain makes the end of ctx into words: what was seen last is what the operator needs.
func (p *prover) explain(ctx context.Context, attempts int, err error) error {
	if err == nil || ctx.Err() == nil || !errors.Is(err, ctx.Err()) {
		return err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fault.Hide(err, fault.TimedOut, "service %s did not prove itself in time (%d looks; the last: %s)", p.service, attempts, p.last)
	}
	return fault.Hide(context.Cause(ctx), fault.Conflict, "verify of service %s was interrupted", p.service)
}

// alive returns why a container can no longer prove itself.
func alive(service string, c workload.Container) error {
	switch {
	case c.OOMKilled:
		return fault.New(fault.Refused, "service %s: its container was killed for want of memory (exit code %d)", service, c.ExitCode)
	case c.Status == workload.Running:
		return nil
	case c.Status == workload.Restarting:
		return fault.New(fault.Refused, "service %s: its container keeps restarting (exit code %d)", service, c.ExitCode)
	case c.Status == workload.Paused:
		return fault.New(fault.Refused, "service %s: its container was paused by somebody", service)
	case c.Status == workload.Removing:
		return fault.New(fault.Refused, "service %s: its container is being removed by somebody", service)
	}
	return fault.New(fault.Refused, "service %s: its container has ended with exit code %d (%s)", service, c.ExitCode, c.Status)
}

func sortProofs(proofs []rollout.Proof) {
	slices.SortFunc(proofs, func(a, b rollout.Proof) int { return strings.Compare(a.Service, b.Service) })
}
