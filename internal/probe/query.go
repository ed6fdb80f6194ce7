package probe

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/itchyny/gojq"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// understand makes the body of an answer into an Answer by the check's query.
func (p *Prober) understand(ctx context.Context, l workload.Look, where string, body []byte) (workload.Answer, error) {
	unusable := func(why string) (workload.Answer, error) {
		return workload.Answer{}, fault.New(fault.Unavailable, "%s: %s", where, why)
	}
	if int64(len(body)) > p.maxBody {
		return unusable("answers more than " + size(p.maxBody))
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return unusable("the answer is empty")
	}
	var status any
	if json.Unmarshal(body, &status) != nil {
		return unusable("the answer is not JSON")
	}
	if err := leakInside(l, where, status); err != nil {
		return workload.Answer{}, err
	}
	status, err := p.apply(ctx, l, where, status)
	if err != nil {
		return workload.Answer{}, err
	}
	// Once more, since a query can decode what hid a value until now.
	if err := leakInside(l, where, status); err != nil {
		return workload.Answer{}, err
	}
	answer, misfit := decode(status)
	if misfit != nil {
		return unusable("the status cannot be used: " + misfit.String())
	}
	return answer, nil
}

// apply runs the check's query over the answer and returns its first result; without a query that is the answer itself.
func (p *Prober) apply(ctx context.Context, l workload.Look, where string, status any) (any, error) {
	if l.Check.Query == "" {
		return status, nil
	}
	code, err := p.compile(l)
	if err != nil {
		return nil, err
	}
	result, ok := code.RunWithContext(ctx, status).Next()
	if !ok {
		return nil, fault.New(fault.Unavailable, "%s: the query gives no result for the answer", where)
	}
	if err, bad := result.(error); bad {
		if ctx.Err() != nil {
			return nil, fault.Hide(err, fault.TimedOut, "%s: the query does not end in time", where)
		}
		return nil, fault.Hide(err, fault.Unavailable, "%s: the query fails on the answer", where)
	}
	return result, nil
}

// compile returns the check's compiled query. It is compiled without any of gojq's loaders, so that it sees the answer
// and neither our environment nor our files.
func (p *Prober) compile(l workload.Look) (*gojq.Code, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if code, ok := p.compiled[l.Check.Query]; ok {
		return code, nil
	}
	query, err := gojq.Parse(l.Check.Query)
	if err != nil {
		return nil, refusal(l.Container, "the verify query is not a jq expression")
	}
	code, err := gojq.Compile(query)
	if err != nil {
		return nil, refusal(l.Container, "the verify query cannot be compiled: it names a function or variable that does not exist here")
	}
	p.compiled[l.Check.Query] = code
	return code, nil
}
