package probe

import (
	"context"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// run takes the output of the check's command, run inside the container, for the status.
func (p *Prober) run(ctx context.Context, l workload.Look) (workload.Answer, error) {
	if p.exec == nil {
		return workload.Answer{}, fault.New(fault.Internal, "probe: a check has a command, but nothing to run it with")
	}
	// Only the program is named: an argument may be long, and is nobody's business in a log.
	where := "command " + l.Check.Exec[0]
	body, err := p.exec(ctx, l.Container.ID, l.Check.Exec, p.maxBody+1)
	if leaked := leak(l, where, string(body)); leaked != nil {
		return workload.Answer{}, leaked
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return workload.Answer{}, failed(ctx, err, where)
	case err != nil:
		return workload.Answer{}, fault.Hide(err, kindOf(err), "%s: %s", where, fault.Text(err))
	}
	return p.understand(ctx, l, where, body)
}

// kindOf is the kind of a failed command. A failure that nobody has understood may pass.
func kindOf(err error) fault.Kind {
	if kind := fault.KindOf(err); kind != fault.Internal {
		return kind
	}
	return fault.Unavailable
}
