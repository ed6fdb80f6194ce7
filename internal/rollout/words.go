// Package rollout is the state machine of one rollout, pure: no I/O and no clock. Next says the one next action,
// Apply folds what happened into the state. The orchestrator journals an action before it does it and its result
// after, so the state that Apply builds from the journal is always what may have happened on the host.
//
// The words: a rollout moves an app from its current release to another. Its kind fixes its steps; a step is made of
// actions, most of them for one service. A failed action turns the rollout back when something was touched, and ends
// it as refused when nothing was. States never go back: what is turned back is reverted, and a revert is never
// reverted.
package rollout

import (
	"time"

	"github.com/capakraken/fairlead/internal/fault"
)

// Kind says what a rollout is for.
type Kind string

// The kinds of rollout.
const (
	Deploy   Kind = "deploy"   // all five steps
	Rotate   Kind = "rotate"   // the running image with today's environment
	Rollback Kind = "rollback" // an earlier release's image with today's environment
	Cleanup  Kind = "cleanup"  // clears residue; touches no container
)

// Steps returns the kind's steps in order, and nil for an unknown kind.
func (k Kind) Steps() []Step {
	switch k {
	case Deploy:
		return []Step{Validate, Pull, Restart, Verify, Clear}
	case Rotate:
		return []Step{Validate, Restart, Verify}
	case Rollback:
		return []Step{Validate, Pull, Restart, Verify}
	case Cleanup:
		return []Step{Validate, Verify, Clear}
	}
	return nil
}

// Step is one of the five steps, or Revert, which puts back what the others touched.
type Step string

// The steps, in their order.
const (
	Validate Step = "validate"
	Pull     Step = "pull"
	Restart  Step = "restart"
	Verify   Step = "verify"
	Clear    Step = "clear"
	Revert   Step = "revert"
)

// Outcome is how a rollout ended.
type Outcome string

// The outcomes.
const (
	Succeeded  Outcome = "succeeded"   // perhaps with warnings
	Refused    Outcome = "refused"     // nothing was changed
	RolledBack Outcome = "rolled_back" // something was changed, and the baseline is restored
	Halted     Outcome = "halted"      // not restored: a person is needed
)

// Verb is what an action does.
type Verb string

// The verbs. Replace, Promote, Retire and Restore are for one service, the others for the whole app. A hook belongs to any
// step.
const (
	DoValidate Verb = "validate"
	DoPull     Verb = "pull"
	DoHook     Verb = "hook"      // a command of the host, before or after a step
	DoPrepare  Verb = "prepare"   // restart: the one-off container is made, not started
	DoPreStart Verb = "pre_start" // restart: the one-off container runs to its end
	DoReplace  Verb = "replace"   // restart: the new container is made and started, the old one stopped and kept
	DoVerify   Verb = "verify"    // the containers are polled until they are proved or have failed
	DoPromote  Verb = "promote"   // verified: the new container gets its final name and restart policy
	DoRetire   Verb = "retire"    // verified: the old container is removed
	DoKeep     Verb = "keep"      // verified: the release's image is kept for a rollback, and images of long ago are let go
	DoClear    Verb = "clear"
	DoDiscard  Verb = "discard" // revert: the one-off container goes
	DoRestore  Verb = "restore" // revert: the new container goes, the old one is as it was
	DoHold     Verb = "hold"    // revert: the restored baseline is held to what it was
	DoEnd      Verb = "end"     // only recorded: the rollout ends with the action's outcome
	DoExpire   Verb = "expire"  // only recorded: the step's deadline has passed, so its action fails
	Nothing    Verb = ""        // the rollout has ended
)

// Action is one thing to do next.
type Action struct {
	Verb     Verb      `json:"verb"`
	Step     Step      `json:"step,omitempty"`
	Service  string    `json:"service,omitempty"`
	Hook     int       `json:"hook,omitempty"`    // which of the request's hooks, from 1
	Deadline time.Time `json:"deadline,omitzero"` // absolute, so that a restart does not lengthen it
	Outcome  Outcome   `json:"outcome,omitempty"` // of DoEnd
}

// Limits are how long each step may take.
type Limits struct {
	Validate time.Duration `json:"validate"`
	Pull     time.Duration `json:"pull"`
	Restart  time.Duration `json:"restart"`
	Verify   time.Duration `json:"verify"`
	Clear    time.Duration `json:"clear"`
	Revert   time.Duration `json:"revert"`
}

func (l Limits) of(s Step) time.Duration {
	switch s {
	case Validate:
		return l.Validate
	case Pull:
		return l.Pull
	case Restart:
		return l.Restart
	case Verify:
		return l.Verify
	case Clear:
		return l.Clear
	case Revert:
		return l.Revert
	}
	return 0
}

// Failure is why an action failed, for the operator and safe to store.
type Failure struct {
	Kind     fault.Kind      `json:"kind"`
	Message  string          `json:"message"`
	Problems []fault.Problem `json:"problems,omitempty"`
}

// NewFailure returns what may be stored of err.
func NewFailure(err error) *Failure {
	f := &Failure{Kind: fault.KindOf(err), Message: fault.Text(err)}
	if p := fault.ProblemsOf(err); len(p) > 0 {
		f.Message, f.Problems = fault.Summary(err), p
	}
	return f
}

// Text returns the failure as one message, its problems on lines of their own.
func (f *Failure) Text() string {
	return (&fault.Error{Kind: f.Kind, Message: f.Message, Problems: f.Problems}).Error()
}
