package rollout

import (
	"slices"

	"github.com/capakraken/fairlead/internal/fault"
)

// admit returns why e cannot follow s, or nil. Its rules are the promises and not the order in which Next happens to
// ask for things, so that a journal which an earlier version wrote in another order still replays, while one that
// breaks a promise does not.
func (s State) admit(e Event) error {
	if why := s.objection(e); why != "" {
		return fault.New(fault.Internal, "rollout %s: %s cannot follow phase %q: %s", s.Request.ID, e.Type, s.Phase, why)
	}
	return nil
}

func (s State) objection(e Event) string {
	switch {
	case s.Phase == Over:
		return "it has ended"
	case (e.Type == Requested) != (s.Phase == ""):
		return "a rollout begins with its request, and only once"
	}
	switch e.Type {
	case Requested:
		return unfit(e.Request)
	case Begun:
		return s.objectionToBegin(e.Action)
	case Done, Failed:
		return s.objectionToResult(e)
	case Cancelled:
		if !s.Cancellable() {
			return "it is too late for a cancel"
		}
	case Abandoned:
		return s.objectionToAbandon(e)
	case Ended:
		return s.objectionToEnd(e.Outcome)
	case Suspended, Resumed:
	default:
		return "it is of an unknown type"
	}
	return ""
}

// unfit says why no rollout can be made of r. A service that is named twice would never be through.
func unfit(r *Request) string {
	switch {
	case r == nil:
		return "it holds no request"
	case r.Kind.Steps() == nil:
		return "its kind is unknown"
	case len(r.Services) == 0:
		return "it names no services"
	case slices.Contains(r.Services, ""):
		return "it has a service without a name"
	case len(slices.Compact(slices.Sorted(slices.Values(r.Services)))) < len(r.Services):
		return "it names a service twice"
	}
	return ""
}

// objectionToBegin holds an action against the rollout's direction, and against what must come before it.
func (s State) objectionToBegin(a *Action) string {
	if a == nil {
		return "it names no action"
	}
	step, one := a.Verb.place()
	if a.Verb == DoHook {
		step = a.Step
	}
	switch {
	case step == "":
		return "it names an action that nobody does"
	case step != a.Step:
		return "its action is not of its step"
	case (a.Verb == DoHook) != (a.Hook != 0), a.Hook < 0, a.Hook > len(s.Request.Hooks),
		a.Hook > 0 && s.Request.Hooks[a.Hook-1].Step != a.Step:
		return "it names no hook of its step"
	case one != (a.Service != "") || one && s.index(a.Service) < 0:
		return "its action does not fit the services"
	case (step == Revert) != (s.Phase == Reverting), s.Phase == Ending:
		return "its action goes in another direction"
	case step != Revert && !slices.Contains(s.Request.Kind.Steps(), step):
		return "its action is not of the rollout's kind"
	case s.Validated == nil && a.Verb != DoValidate && (a.Verb != DoHook || step != Validate):
		return "nothing is validated"
	case s.through(*a):
		return "its action is through"
	}
	return s.untimely(*a)
}

// untimely says what must have happened before the action begins. These are the promises that nothing irreversible
// comes before the proof, and that every new container is in its place before the first old one goes.
func (s State) untimely(a Action) string {
	switch a.Verb {
	case DoHook:
		return s.untimelyHook(s.Request.Hooks[a.Hook-1])
	case DoPreStart:
		if s.Prepare != Complete {
			return "its container is not made"
		}
	case DoDiscard:
		if s.Prepare == Pending {
			return "its container was never made"
		}
	case DoPrepare, DoReplace:
		switch {
		case a.Verb == DoPrepare && s.Request.PreStart == nil:
			return "it was not asked for"
		case a.Verb == DoReplace && s.prestarts() && s.PreStart != Complete:
			return "the pre_start has not ended well"
		case s.unhooked(Restart, Before):
			return "the hooks before it have not ended well"
		case s.Verified != nil:
			return "the containers are verified"
		case s.Pulled == nil && slices.Contains(s.Request.Kind.Steps(), Pull):
			return "the image is not pulled"
		}
	case DoVerify:
		if s.Touched() && slices.ContainsFunc(s.Services, func(v Service) bool { return v.Replace != Complete }) {
			return "not every container is replaced"
		}
	case DoPromote:
		if s.unhooked(Verify, After) {
			return "the hooks after verify have not ended well"
		}
		if s.Verified == nil || s.Services[s.index(a.Service)].Replaced == nil {
			return "the container is not verified"
		}
	case DoRetire, DoKeep, DoClear:
		if s.Verified == nil || !s.settled() {
			return "not every container is verified and promoted"
		}
		if a.Verb == DoClear && s.unhooked(Clear, Before) {
			return "the hooks before it have not ended well"
		}
	case DoRestore:
		if s.Services[s.index(a.Service)].Replace == Pending {
			return "the service was not touched"
		}
	case DoHold:
		if !s.restored() || !s.discarded() {
			return "not all that was touched is put back"
		}
	case DoValidate, DoPull, DoEnd, DoExpire, Nothing:
	}
	return ""
}

// untimelyHook says why a hook cannot begin: what it comes after is not done, or what it comes before is begun.
func (s State) untimelyHook(h Hook) string {
	switch {
	case h.When == Before && !s.fresh(h.Step), h.Step == Clear && (s.Verified == nil || !s.settled()):
		return "its step has not come, or is begun"
	case h.Step == Verify && h.When == After && s.Verified == nil, h.Step == Clear && h.When == After && s.Cleared == nil:
		return "its step is not through"
	}
	return ""
}

// objectionToResult holds a result against the action that is under way. An expired deadline has a result although
// nothing was begun.
func (s State) objectionToResult(e Event) string {
	switch {
	case e.Action == nil:
		return "it names no action"
	case e.Type == Failed && e.Failure == nil:
		return "it does not say why"
	case e.Action.Hook < 0, e.Action.Hook > len(s.Request.Hooks):
		return "it names no hook"
	case e.Type == Failed && e.Action.Verb == DoExpire && s.Phase == Forward:
		return ""
	case s.Doing == nil || s.Doing.Verb != e.Action.Verb || s.Doing.Service != e.Action.Service || s.Doing.Hook != e.Action.Hook:
		return "its action is not under way"
	}
	return ""
}

// objectionToAbandon holds the outcome that is to come against what is known: what may have been touched is not refused.
func (s State) objectionToAbandon(e Event) string {
	switch {
	case e.Failure == nil:
		return "it does not say why"
	case s.Phase == Ending:
		return "only its end is to be recorded"
	case e.Outcome != Halted && (e.Outcome != Refused || s.Touched()):
		return "it cannot end as " + string(e.Outcome)
	}
	return ""
}

// objectionToEnd holds an outcome against what is known: a rollout ends true.
func (s State) objectionToEnd(o Outcome) string {
	var is bool
	switch o {
	case Succeeded:
		is = s.Phase == Forward && s.Verified != nil && s.settled()
	case Refused:
		is = s.Phase == Ending && !s.Touched() || s.Phase == Reverting && !s.Changes() && s.discarded()
	case RolledBack:
		is = s.Phase == Reverting && s.Held && s.restored() && s.discarded() && s.Changes()
	case Halted:
		is = s.Phase == Ending && s.Stuck != nil
	}
	if !is {
		return "the outcome is not " + string(o)
	}
	return ""
}

// settled reports whether every new container is promoted.
func (s State) settled() bool {
	return !slices.ContainsFunc(s.Services, func(v Service) bool { return v.Replace != Pending && v.Promote != Complete })
}

// restored reports whether every touched service is restored.
func (s State) restored() bool {
	return !slices.ContainsFunc(s.Services, func(v Service) bool { return v.Replace != Pending && v.Restore != Complete })
}

// through reports whether the action has had its last result.
func (s State) through(a Action) bool {
	last := func(of func(Service) Mark) bool {
		m := of(s.Services[s.index(a.Service)])
		return m == Complete || m == Skipped
	}
	switch a.Verb {
	case DoValidate:
		return s.Validated != nil
	case DoPull:
		return s.Pulled != nil
	case DoHook:
		return len(s.Hooks) > 0 && (s.Hooks[a.Hook-1] == Complete || s.Hooks[a.Hook-1] == Skipped)
	case DoPrepare:
		return s.Prepare == Complete
	case DoPreStart:
		return s.PreStart == Complete
	case DoDiscard:
		return s.Discard == Complete || s.Discard == Skipped
	case DoVerify:
		return s.Verified != nil
	case DoKeep:
		return s.Kept != nil || s.Keep == Skipped
	case DoClear:
		return s.Cleared != nil || s.Clear == Skipped
	case DoHold:
		return s.Held
	case DoReplace:
		return last(func(v Service) Mark { return v.Replace })
	case DoPromote:
		return last(func(v Service) Mark { return v.Promote })
	case DoRetire:
		return last(func(v Service) Mark { return v.Retire })
	case DoRestore:
		return last(func(v Service) Mark { return v.Restore })
	case DoEnd, DoExpire, Nothing:
	}
	return true
}

// place returns the step that the verb belongs to, and whether it is for one service. Verbs that are only recorded
// have none, nor have hooks.
func (v Verb) place() (step Step, one bool) {
	switch v {
	case DoValidate:
		return Validate, false
	case DoPull:
		return Pull, false
	case DoPrepare, DoPreStart:
		return Restart, false
	case DoReplace:
		return Restart, true
	case DoVerify:
		return Verify, false
	case DoPromote, DoRetire:
		return Verify, true
	case DoKeep:
		return Verify, false
	case DoClear:
		return Clear, false
	case DoRestore:
		return Revert, true
	case DoHold, DoDiscard:
		return Revert, false
	case DoHook, DoEnd, DoExpire, Nothing:
	}
	return "", false
}
