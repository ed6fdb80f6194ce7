package orchestrator

import (
	"context"
	"slices"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
)

// requestUnneeded is the type of the record of a request that asked for a rotation if anything has changed, where nothing
// had.
const requestUnneeded = "request.unneeded"

// changeLook bounds the look whether the environment has changed, which may have to wait for a secret manager.
const changeLook = 30 * time.Second

// unneeded answers a request that is for a change of the environment, where no rollout is to come of it: with a State that has
// no id where there is no change, and with an error where that cannot be told, or where the change was given to the app
// already and turned back, since whoever asks so is a unit that asks again every hour. Where an env source is refused, the
// rollout is needed: it will say why. Nothing is looked at while the app is held. The caller does not hold the pen.
func (o *Orchestrator) unneeded(ctx context.Context, r Request, request rollout.Request, w *waiter) (rollout.State, bool, error) {
	if !r.IfChanged || o.Refusing() != "" || o.unrecognised(r.App) != nil {
		return rollout.State{}, false, nil
	}
	o.mu.Lock()
	_, known, doubtful := o.repeated(r, request)
	busy := o.held(r.App, o.place(r.App, w))
	o.mu.Unlock()
	if known || doubtful != nil || busy != nil {
		return rollout.State{}, false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, changeLook)
	defer cancel()
	same, env, err := o.Steps.Unchanged(ctx, r.App)
	switch {
	case err == nil && same:
		return rollout.State{Request: request, Phase: rollout.Over, Outcome: rollout.Succeeded}, true, nil
	case err == nil:
		return rollout.State{}, false, o.turnedBack(r.App, env)
	case fault.KindOf(err) == fault.Refused:
		return rollout.State{}, false, nil
	}
	return rollout.State{}, false, fault.Hide(err, fault.KindOf(err), "whether the environment of %s has changed cannot be told, so nothing was done: %s", r.App, fault.Text(err))
}

// turnedBack returns a fault if the app's newest rotation to have a verdict was with this environment, and was rolled back.
func (o *Orchestrator) turnedBack(app string, env secret.Fingerprint) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, id := range slices.Backward(o.ledger.Order) {
		s := o.ledger.Rollouts[id]
		if s.Request.App != app || s.Outcome == rollout.Refused || s.Validated == nil {
			continue
		}
		if s.Outcome == rollout.RolledBack && s.Request.Kind == rollout.Rotate && s.Validated.Env == env {
			return fault.New(fault.Refused, "rollout %s gave %s this environment, and was rolled back; nothing was done: mend the env source, or try it once more with 'fairlead rotate %[2]s'", id, app)
		}
		return nil
	}
	return nil
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
