package rollout

import (
	"fmt"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// Apply returns the state after e. It is the only way in which a state changes, both live and in replay. An event that
// cannot follow the state, such as anything after the end, is an Internal fault and leaves the state as it was.
func Apply(s State, e Event) (State, error) {
	if (e.Type == Requested) != (s.Phase == "") || s.Phase == Over {
		return s, fault.New(fault.Internal, "rollout %s: %s cannot follow phase %q", s.Request.ID, e.Type, s.Phase)
	}
	next := s.clone()
	switch e.Type {
	case Requested:
		return begin(e)
	case Begun:
		return next, next.begun(e)
	case Done:
		return next, next.done(e)
	case Failed:
		next.failed(*e.Action, e.Failure)
	case Cancelled:
		next.Cancel = e.Reason
		next.turnBack(&Failure{Kind: fault.Conflict, Message: e.Reason})
	case Resumed:
		next.Resumed = true
	case Suspended:
	case Ended:
		next.Phase, next.Outcome, next.Ended = Over, e.Outcome, e.Time
		next.Warnings = e.Warnings
	default:
		return s, fault.New(fault.Internal, "rollout %s: unknown event %q", s.Request.ID, e.Type)
	}
	return next, nil
}

func begin(e Event) (State, error) {
	if e.Request == nil || len(e.Request.Kind.Steps()) == 0 || len(e.Request.Services) == 0 {
		return State{}, fault.New(fault.Internal, "a rollout was requested without a kind or without services")
	}
	s := State{Request: *e.Request, Phase: Forward, Begun: e.Time}
	for _, name := range e.Request.Services {
		s.Services = append(s.Services, Service{Name: name})
	}
	return s, nil
}

// begun records that the action may have happened from now on.
func (s *State) begun(e Event) error {
	a := *e.Action
	if s.Step != a.Step {
		s.Step, s.StepSince = a.Step, e.Time
	}
	if _, ok := s.Deadlines[a.Step]; !ok {
		s.Deadlines[a.Step] = a.Deadline
	}
	return s.mark(a, Begin)
}

// mark sets how far the action has come.
func (s *State) mark(a Action, m Mark) error {
	switch a.Verb {
	case DoVerify:
		s.Verify = m
		return nil
	case DoClear:
		s.Clear = m
		return nil
	case DoReplace, DoPromote, DoRetire, DoRestore:
	case DoValidate, DoPull, DoHold, DoEnd, DoExpire, Nothing:
		return nil
	}
	i := s.index(a.Service)
	if i < 0 {
		return fault.New(fault.Internal, "rollout %s: %s names the unknown service %q", s.Request.ID, a.Verb, a.Service)
	}
	switch v := &s.Services[i]; a.Verb {
	case DoReplace:
		v.Replace = m
	case DoPromote:
		v.Promote = m
	case DoRetire:
		v.Retire = m
	case DoRestore:
		v.Restore = m
	case DoValidate, DoPull, DoVerify, DoClear, DoHold, DoEnd, DoExpire, Nothing:
	}
	return nil
}

// done folds in what an action found or did. After a cancel the facts still count, though the direction has changed.
func (s *State) done(e Event) error {
	a, ev := *e.Action, e.Evidence
	if err := s.mark(a, Complete); err != nil {
		return err
	}
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
	case DoReplace:
		v := &s.Services[s.index(a.Service)]
		if v.Replaced = ev.Replaced; v.Replaced == nil {
			return missing(a)
		}
	case DoVerify:
		if s.Verified = ev.Verified; s.Verified == nil {
			return missing(a)
		}
		s.warn(s.Verified.Warnings...)
	case DoClear:
		if s.Cleared = ev.Cleared; s.Cleared == nil {
			return missing(a)
		}
	case DoRestore:
		s.Services[s.index(a.Service)].Restored = ev.Restored
	case DoHold:
		s.Held = true
	case DoPromote, DoRetire, DoEnd, DoExpire, Nothing:
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
	if s.Request.Kind != Deploy {
		s.aim(v.Image)
	}
	return nil
}

// aim fixes the release that the rollout moves to.
func (s *State) aim(image workload.Image) {
	identity := image.Digest
	if identity == "" {
		identity = image.ID
	}
	s.Target = workload.Release{
		ID:          workload.ReleaseID(identity, s.Validated.Definitions, s.Validated.Env),
		Image:       image,
		Definitions: s.Validated.Definitions,
		Env:         s.Validated.Env,
	}
}

// failed decides what a failure means: a failed revert halts; what is left over after the proof is only a warning;
// everything else turns the rollout back.
func (s *State) failed(a Action, f *Failure) {
	switch {
	case s.Phase == Reverting && a.Step == Revert:
		s.Stuck, s.Phase = f, Ending
	case a.Verb == DoRetire:
		s.Services[s.index(a.Service)].Retire = Skipped
		s.warn(fmt.Sprintf("%s: the old container is still there, with its old secrets: %s", a.Service, f.Message))
	case a.Verb == DoClear:
		s.Clear = Skipped
		s.warn("legacy values were not cleared: " + f.Text())
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

func (s *State) warn(warnings ...string) { s.Warnings = append(s.Warnings, warnings...) }
