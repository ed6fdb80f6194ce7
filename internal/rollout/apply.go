package rollout

import (
	"fmt"
	"slices"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// Apply returns the state after e. It is the only way in which a state changes, both live and in replay. An event that
// cannot follow the state, such as anything after the end, is an Internal fault and leaves the state as it was.
func Apply(s State, e Event) (State, error) {
	if err := s.admit(e); err != nil {
		return s, err
	}
	if e.Type == Requested {
		return begin(e), nil
	}
	next := s.clone()
	switch e.Type {
	case Begun:
		next.begun(e)
	case Done:
		if err := next.done(e); err != nil {
			return s, err
		}
	case Failed:
		next.heard(*e.Action, e.Evidence)
		next.failed(*e.Action, e.Failure)
	case Cancelled:
		next.Cancel = e.Reason
		next.turnBack(&Failure{Kind: fault.Conflict, Message: e.Reason})
	case Resumed:
		next.Resumed = true
	case Abandoned:
		next.abandoned(e)
	case Ended:
		next.Phase, next.Outcome, next.Ended = Over, e.Outcome, e.Time
		next.Warnings = e.Warnings
	case Requested, Suspended:
	}
	return next, nil
}

func begin(e Event) State {
	s := State{Request: *e.Request, Phase: Forward, Begun: e.Time}
	for _, name := range e.Request.Services {
		s.Services = append(s.Services, Service{Name: name})
	}
	return s
}

// begun records that the action may have happened from now on.
func (s *State) begun(e Event) {
	a := *e.Action
	if s.Step != a.Step {
		s.Step, s.StepSince = a.Step, e.Time
	}
	if of, _ := s.limit(a); s.Deadlines[of].IsZero() {
		s.Deadlines[of] = a.Deadline
	}
	if a.Verb == DoClear && s.Clear == Begin {
		s.Reclear = true
	}
	s.Doing = &a
	s.mark(a, Begin)
}

// mark sets how far the action has come.
func (s *State) mark(a Action, m Mark) {
	switch a.Verb {
	case DoHook:
		s.markHook(a, m)
	case DoPrepare:
		s.Prepare = m
	case DoPreStart:
		s.PreStart = m
	case DoDiscard:
		s.Discard = m
	case DoVerify:
		s.Verify = m
	case DoKeep:
		s.Keep = m
	case DoClear:
		s.Clear = m
	case DoReplace:
		s.Services[s.index(a.Service)].Replace = m
	case DoPromote:
		s.Services[s.index(a.Service)].Promote = m
	case DoRetire:
		s.Services[s.index(a.Service)].Retire = m
	case DoRestore:
		s.Services[s.index(a.Service)].Restore = m
	case DoValidate, DoPull, DoHold, DoEnd, DoExpire, Nothing:
	}
}

// done folds in what an action found or did. After a cancel the facts still count, though the direction has changed.
func (s *State) done(e Event) error {
	a, ev := *e.Action, e.Evidence
	s.Doing = nil
	s.mark(a, Complete)
	s.heard(a, ev)
	if ev == nil {
		ev = &Evidence{}
	}
	switch a.Verb {
	case DoValidate:
		return s.validated(ev.Validated)
	case DoPull:
		if s.Pulled = ev.Pulled; s.Pulled == nil {
			return missing(a)
		}
		s.aim(s.Pulled.Image)
		s.warn(s.Pulled.Warnings...)
	case DoPrepare:
		if s.Prepared = ev.Prepared; s.Prepared == nil {
			return missing(a)
		}
	case DoPreStart:
		if s.PreStarted = ev.PreStarted; s.PreStarted == nil {
			return missing(a)
		}
	case DoDiscard:
		s.Discarded = ev.Discarded
	case DoReplace:
		v := &s.Services[s.index(a.Service)]
		if v.Replaced = ev.Replaced; v.Replaced == nil {
			return missing(a)
		}
		for _, d := range v.Replaced.Differences {
			s.warn(fmt.Sprintf("%s differs from the container that it replaces: %s %s", v.Name, d.Field, d.What))
		}
	case DoVerify:
		if s.Verified = ev.Verified; s.Verified == nil {
			return missing(a)
		}
		s.warn(s.Verified.Warnings...)
	case DoKeep:
		if s.Kept = ev.Kept; s.Kept == nil {
			return missing(a)
		}
		s.warn(s.Kept.Left...)
	case DoClear:
		if s.Cleared = ev.Cleared; s.Cleared == nil {
			return missing(a)
		}
	case DoRestore:
		s.Services[s.index(a.Service)].Restored = ev.Restored
	case DoHold:
		s.Held = true
	case DoHook, DoPromote, DoRetire, DoEnd, DoExpire, Nothing:
	}
	return nil
}

func missing(a Action) error {
	return fault.New(fault.Internal, "%s is recorded as done without what it found", a.Verb)
}

func (s *State) validated(v *Validated) error {
	if v == nil {
		return missing(Action{Verb: DoValidate})
	}
	s.Validated = v
	for _, b := range v.Baseline {
		if i := s.index(b.Service); i >= 0 {
			s.Services[i].Baseline = b
		}
	}
	s.warn(v.Warnings...)
	if !slices.Contains(s.Request.Kind.Steps(), Pull) {
		s.aim(v.Image)
	}
	return nil
}

// aim fixes the release that the rollout moves to.
func (s *State) aim(image workload.Image) {
	s.Target = workload.Release{
		ID:          workload.ReleaseID(image.Identity(), s.Validated.Definitions, s.Validated.Env),
		Image:       image,
		Definitions: s.Validated.Definitions,
		Env:         s.Validated.Env,
	}
}

// failed decides what a failure means: a failed revert halts; what is left over after the proof is only a warning;
// everything else turns the rollout back.
func (s *State) failed(a Action, f *Failure) {
	s.Doing = nil
	switch {
	case a.Verb == DoDiscard && s.PreStart == Complete:
		s.Discard = Skipped
		s.warn("the container of the pre_start is still there: " + f.Message)
	case s.Phase == Reverting && a.Step == Revert:
		s.Stuck, s.Phase = f, Ending
	case a.Verb == DoRetire:
		s.Services[s.index(a.Service)].Retire = Skipped
		s.warn(fmt.Sprintf("%s: the old container is still there, with its old secrets: %s", a.Service, f.Message))
	case a.Verb == DoKeep:
		s.Keep = Skipped
		s.warn("the images were not put in order, which the next rollout does again; until then one may be missing for a rollback, or too many are there: " + f.Message)
	case a.Verb == DoClear:
		s.Clear = Skipped
		s.warn(fmt.Sprintf("the clear failed, so legacy values may be left (see 'fairlead residue %s'): %s", s.Request.App, f.Text()))
	case a.Hook > 0 && a.Step == Clear && s.Phase == Forward:
		s.markHook(a, Skipped)
		if s.Request.Hooks[a.Hook-1].When == Before {
			s.Clear = Skipped
			s.warn("nothing was cleared: " + f.Text())
		} else {
			s.warn(f.Text())
		}
	default:
		s.turnBack(f)
	}
}

// turnBack ends the rollout as refused when nothing was touched, and otherwise begins to revert it. Once it has turned
// it stays turned.
func (s *State) turnBack(f *Failure) {
	if s.Phase != Forward {
		return
	}
	s.Failure = f
	s.Phase = Ending
	if s.Touched() {
		s.Phase = Reverting
	}
}

// abandoned ends the rollout where it is: nothing more is done for it, neither forwards nor backwards.
func (s *State) abandoned(e Event) {
	s.Phase = Ending
	if e.Outcome == Halted {
		s.Stuck = e.Failure
		return
	}
	s.Failure = e.Failure
}

func (s *State) warn(warnings ...string) { s.Warnings = append(s.Warnings, warnings...) }
