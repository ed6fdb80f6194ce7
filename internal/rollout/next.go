package rollout

import "time"

// Grace is the least time for an action that completes or puts back what was begun. A daemon that was dead beyond a
// step's deadline must still look at the host, or it could neither finish the rollout nor put it back.
const Grace = 30 * time.Second

// Next returns the one next action of a rollout, and Nothing when it has ended. It does not depend on how often it was
// asked: an action that was begun and has no result yet is returned again, since every action looks at the host first.
func Next(s State, now time.Time) Action {
	switch s.Phase {
	case Forward:
		return s.forward(now)
	case Reverting:
		return s.revert(now)
	case Ending:
		return Action{Verb: DoEnd, Outcome: s.conclusion()}
	}
	return Action{Verb: Nothing}
}

func (s State) forward(now time.Time) Action {
	for _, step := range s.Request.Kind.Steps() {
		if a, ok := s.within(step, now); ok {
			return a
		}
	}
	return Action{Verb: DoEnd, Outcome: Succeeded}
}

// within returns the next action of a step, and false when the step is through.
func (s State) within(step Step, now time.Time) (Action, bool) {
	switch step {
	case Validate:
		if s.Validated == nil {
			return s.bounded(DoValidate, Validate, "", now), true
		}
	case Pull:
		if s.Pulled == nil {
			return s.bounded(DoPull, Pull, "", now), true
		}
	case Restart:
		if !s.Restarts() {
			return Action{}, false
		}
		for _, v := range s.Services {
			if v.Replace != Complete {
				return s.bounded(DoReplace, Restart, v.Name, now), true
			}
		}
	case Verify:
		if s.Verified == nil {
			return s.bounded(DoVerify, Verify, "", now), true
		}
		return s.settle(now)
	case Clear:
		if s.Validated.HasLegacy && s.Request.Clears && s.Cleared == nil && s.Clear != Skipped {
			return s.completing(DoClear, Clear, "", now), true
		}
	case Revert:
	}
	return Action{}, false
}

// settle makes verified containers the current ones. Every new container is promoted before the first old one goes,
// since until then everything can be put back. The images are put in order last: no container needs that.
func (s State) settle(now time.Time) (Action, bool) {
	for _, v := range s.Services {
		if v.Replaced != nil && v.Promote != Complete {
			return s.completing(DoPromote, Verify, v.Name, now), true
		}
	}
	for _, v := range s.Services {
		if v.Replaced != nil && v.Replaced.OldID != "" && v.Retire != Complete && v.Retire != Skipped {
			return s.completing(DoRetire, Verify, v.Name, now), true
		}
	}
	if s.Request.Images != nil && s.Kept == nil && s.Keep != Skipped {
		return s.completing(DoKeep, Verify, "", now), true
	}
	return Action{}, false
}

// revert goes backwards through the services, so that the last one replaced is the first one restored.
func (s State) revert(now time.Time) Action {
	for i := len(s.Services) - 1; i >= 0; i-- {
		if v := s.Services[i]; v.Replace != Pending && v.Restore != Complete {
			return s.completing(DoRestore, Revert, v.Name, now)
		}
	}
	if !s.Held {
		return s.completing(DoHold, Revert, "", now)
	}
	return Action{Verb: DoEnd, Outcome: RolledBack}
}

// bounded returns an action that ends at its step's deadline, come what may.
func (s State) bounded(verb Verb, step Step, service string, now time.Time) Action {
	a := Action{Verb: verb, Step: step, Service: service, Deadline: s.deadline(step, now)}
	if !now.Before(a.Deadline) {
		a.Verb = DoExpire
	}
	return a
}

// completing returns an action that gets at least Grace.
func (s State) completing(verb Verb, step Step, service string, now time.Time) Action {
	a := Action{Verb: verb, Step: step, Service: service, Deadline: s.deadline(step, now)}
	if least := now.Add(Grace); a.Deadline.Before(least) {
		a.Deadline = least
	}
	return a
}

// deadline returns the step's deadline: the stored one once the step was begun.
func (s State) deadline(step Step, now time.Time) time.Time {
	if d, ok := s.Deadlines[step]; ok {
		return d
	}
	return now.Add(s.Request.Limits.of(step))
}

// conclusion returns the outcome of a rollout that did not go through.
func (s State) conclusion() Outcome {
	if s.Stuck != nil {
		return Halted
	}
	return Refused
}
