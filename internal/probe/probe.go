// Package probe takes one look at the status of one container: over HTTP at the container's own address, by a command
// inside it, by the Engine's health check, or by whether it runs. It never waits and never tries again; that is the
// caller's to decide.
//
// An answer comes from the app and is not trusted. It is bounded in size and time, it must have exactly the form of the
// status contract, and it must not contain a secret. No error quotes it.
package probe

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/itchyny/gojq"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// defaultMaxBody is how many bytes an answer may have when Options does not say.
const defaultMaxBody = 1 << 20

// dialTimeout is short because a container that has just started may be unreachable for most of a second, until its
// neighbour entry is renewed: a new dial finds the new entry sooner than a patient one.
const dialTimeout = 150 * time.Millisecond

// Options are what a Prober is made of.
type Options struct {
	// Exec runs a command inside a container and returns at most limit bytes of its standard output. It is needed
	// for checks with a command only.
	Exec func(ctx context.Context, containerID string, argv []string, limit int64) ([]byte, error)
	// MaxBody is the largest answer in bytes; 0 stands for 1 MiB.
	MaxBody int64
}

// Prober looks at containers. It is safe for concurrent use.
type Prober struct {
	exec    func(ctx context.Context, containerID string, argv []string, limit int64) ([]byte, error)
	maxBody int64
	inside  *http.Client // for containers' own addresses
	public  *http.Client

	mu       sync.Mutex
	compiled map[string]*gojq.Code // by the query's text; there are as many as the configuration has
}

// New returns a Prober.
func New(o Options) *Prober {
	if o.MaxBody <= 0 {
		o.MaxBody = defaultMaxBody
	}
	return &Prober{
		exec:     o.Exec,
		maxBody:  o.MaxBody,
		inside:   client(&net.Dialer{Timeout: dialTimeout}),
		public:   client(&net.Dialer{}),
		compiled: map[string]*gojq.Code{},
	}
}

// Look takes one look at the container of l and returns what its service says of itself. It ends with ctx, and after
// l.Check.Attempt at the latest. A Refused fault is final: looking again would not help. Every other fault may pass. An
// answer that contains a secret is a Refused fault that is ErrLeak.
func (p *Prober) Look(ctx context.Context, l workload.Look) (workload.Answer, error) {
	if l.Check.Attempt > 0 {
		bounded, cancel := context.WithTimeout(ctx, l.Check.Attempt)
		defer cancel()
		ctx = bounded
	}
	answer, err := p.own(ctx, l)
	if err == nil && answer.Healthy && l.Check.PublicURL != "" {
		err = p.lookFromOutside(ctx, l)
	}
	if err != nil {
		return workload.Answer{}, err
	}
	return answer, nil
}

// own asks the container itself, in the way that the check says.
func (p *Prober) own(ctx context.Context, l workload.Look) (workload.Answer, error) {
	switch c := l.Check; {
	case c.URL != "":
		target, err := insideURL(c.URL, l.Container)
		if err != nil {
			return workload.Answer{}, err
		}
		return p.ask(ctx, p.inside, target, shown(target), l)
	case len(c.Exec) > 0:
		return p.run(ctx, l)
	case c.Health:
		return health(l.Container)
	}
	return workload.Answer{Healthy: l.Container.Status == workload.Running}, nil
}

// lookFromOutside makes sure that the service is healthy at its public address as well: a proxy may still hold the
// address of the container that was replaced.
func (p *Prober) lookFromOutside(ctx context.Context, l workload.Look) error {
	target, err := publicURL(l.Check.PublicURL, l.Container)
	if err != nil {
		return err
	}
	where := "public address " + shown(target)
	answer, err := p.ask(ctx, p.public, target, where, l)
	if err != nil {
		return err
	}
	if !answer.Healthy {
		return fault.New(fault.Unavailable, "%s: answers, but not healthy, while the container itself is healthy", where)
	}
	return nil
}

// health returns the verdict of the Engine's own health check.
func health(c workload.Container) (workload.Answer, error) {
	switch c.Health {
	case workload.Healthy:
		return workload.Answer{Healthy: true}, nil
	case workload.Starting:
		return workload.Answer{}, nil
	case workload.Unhealthy:
		return workload.Answer{}, fault.New(fault.Unavailable, "the Engine's health check of container %s says unhealthy", c.Name)
	case workload.NoHealth:
	}
	return workload.Answer{}, refusal(c, "container %s has no health check; give the service a healthcheck, or verify it by a url or a command", c.Name)
}

// refusal returns a final fault for the service of c.
func refusal(c workload.Container, format string, args ...any) error {
	return fault.New(fault.Refused, "service %s: "+format, append([]any{c.Service}, args...)...)
}
