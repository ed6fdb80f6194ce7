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
		if a, ok := s.around(step, now); ok {
			return a
		}
	}
	return Action{Verb: DoEnd, Outcome: Succeeded}
}

// around returns the next action of a step with its hooks, and false when they are through. A step that is left out has
// no hooks. Those after verify come before anything is settled: until then everything can be put back.
func (s State) around(step Step, now time.Time) (Action, bool) {
	if step == Restart && !s.Restarts() || step == Clear && !s.clears() {
		return Action{}, false
	}
	next, more := s.within(step, now)
	if more && s.fresh(step) {
		if a, ok := s.hooked(step, Before, now); ok {
			return a, true
		}
		if step == Clear && s.Clear == Skipped {
			return Action{}, false
		}
	}
	if through := !more && (step != Clear || s.Cleared != nil) || step == Verify && s.Verified != nil; through {
		if a, ok := s.hooked(step, After, now); ok {
			return a, true
		}
	}
	return next, more
}

// fresh reports whether nothing of the step itself was begun.
func (s State) fresh(step Step) bool {
	switch step {
	case Validate, Pull:
		_, begun := s.Deadlines[step]
		return !begun
	case Restart:
		return !s.Touched()
	case Verify:
		return s.Verify == Pending
	case Clear:
		return s.Clear == Pending
	case Revert:
	}
	return false
}

// clears reports whether the rollout clears legacy values.
func (s State) clears() bool { return s.Validated.HasLegacy && s.Request.Clears }

// within returns the next action of a step, and false when the step is through.
func (s State) within(step Step, now time.Time) (Action, bool) {
	switch step {
	case Validate:
		if s.Validated == nil {
			return s.bounded(Action{Verb: DoValidate, Step: Validate}, now), true
		}
	case Pull:
		if s.Pulled == nil {
			return s.bounded(Action{Verb: DoPull, Step: Pull}, now), true
		}
	case Restart:
		if s.prestarts() {
			if a, ok := s.prestart(now); ok {
				return a, true
			}
		}
		for _, v := range s.Services {
			if v.Replace != Complete {
				return s.bounded(Action{Verb: DoReplace, Step: Restart, Service: v.Name}, now), true
			}
		}
	case Verify:
		if s.Verified == nil {
			return s.bounded(Action{Verb: DoVerify, Step: Verify}, now), true
		}
		return s.settle(now)
	case Clear:
		if s.Cleared == nil && s.Clear != Skipped {
			return s.completing(Action{Verb: DoClear, Step: Clear}, now), true
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
			return s.completing(Action{Verb: DoPromote, Step: Verify, Service: v.Name}, now), true
		}
	}
	for _, v := range s.Services {
		if v.Replaced != nil && v.Replaced.OldID != "" && v.Retire != Complete && v.Retire != Skipped {
			return s.completing(Action{Verb: DoRetire, Step: Verify, Service: v.Name}, now), true
		}
	}
	if s.Request.Images != nil && s.Kept == nil && s.Keep != Skipped {
		return s.completing(Action{Verb: DoKeep, Step: Verify}, now), true
	}
	return Action{}, false
}

// revert goes backwards through the services, so that the last one replaced is the first one restored.
func (s State) revert(now time.Time) Action {
	for i := len(s.Services) - 1; i >= 0; i-- {
		if v := s.Services[i]; v.Replace != Pending && v.Restore != Complete {
			return s.completing(Action{Verb: DoRestore, Step: Revert, Service: v.Name}, now)
		}
	}
	if !s.discarded() {
		return s.completing(Action{Verb: DoDiscard, Step: Revert}, now)
	}
	if !s.Changes() {
		return Action{Verb: DoEnd, Outcome: Refused}
	}
	if !s.Held {
		return s.completing(Action{Verb: DoHold, Step: Revert}, now)
	}
	return Action{Verb: DoEnd, Outcome: RolledBack}
}

// bounded returns a with the deadline at which it ends, come what may.
func (s State) bounded(a Action, now time.Time) Action {
	if a.Deadline = s.deadline(a, now); !now.Before(a.Deadline) {
		a.Verb = DoExpire
	}
	return a
}

// completing returns a with a deadline that leaves it at least Grace.
func (s State) completing(a Action, now time.Time) Action {
	a.Deadline = s.deadline(a, now)
	if least := now.Add(Grace); a.Deadline.Before(least) {
		a.Deadline = least
	}
	return a
}

// deadline returns the action's deadline: the stored one once the first that shares it was begun.
func (s State) deadline(a Action, now time.Time) time.Time {
	of, limit := s.limit(a)
	if d, ok := s.Deadlines[of]; ok {
		return d
	}
	return now.Add(limit)
}

// conclusion returns the outcome of a rollout that did not go through.
func (s State) conclusion() Outcome {
	if s.Stuck != nil {
		return Halted
	}
	return Refused
}
