package orchestrator

import (
	"context"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/rollout"
)

// requestUnneeded is the type of the record of a request that asked for a rotation if anything has changed, where nothing
// had.
const requestUnneeded = "request.unneeded"

// unneeded returns the answer to a request that is for a change of the environment, where there is none: a State that has
// no id, since no rollout was begun. Where that cannot be told (an env file is refused, the host cannot be seen), the
// rollout is needed: it will say why. Nothing is looked at while the app is held. The caller does not hold the pen.
func (o *Orchestrator) unneeded(ctx context.Context, r Request, request rollout.Request, w *waiter) (rollout.State, bool) {
	if !r.IfChanged || o.Refusing() != "" || o.unrecognised(r.App) != nil {
		return rollout.State{}, false
	}
	o.mu.Lock()
	_, known, doubtful := o.repeated(r, request)
	busy := o.held(r.App, o.place(r.App, w))
	o.mu.Unlock()
	if known || doubtful != nil || busy != nil {
		return rollout.State{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, laterLook)
	defer cancel()
	same, err := o.Steps.Unchanged(ctx, r.App)
	if err != nil || !same {
		return rollout.State{}, false
	}
	return rollout.State{Request: request, Phase: rollout.Over, Outcome: rollout.Succeeded}, true
}

// noteUnneeded records, within the bounds of refusals, that nothing was done. The caller does not hold the pen.
func (o *Orchestrator) noteUnneeded(by journal.Actor, r Request) {
	o.noteAnswer(by, r, requestUnneeded, nil)
}

// conditional refuses a condition that belongs to a rotation alone.
func (r Request) conditional() error {
	if r.IfChanged && r.Kind != rollout.Rotate {
		return fault.New(fault.Usage, "only a rotation can depend on whether the environment has changed, and this is a %s", r.Kind)
	}
	return nil
}
