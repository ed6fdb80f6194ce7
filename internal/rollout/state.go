package rollout

import (
	"slices"
	"time"

	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// Phase is the direction in which a rollout moves.
type Phase string

// The phases. A rollout goes forward, perhaps turns back, and ends; never the other way.
const (
	Forward   Phase = "forward"
	Reverting Phase = "reverting"
	Ending    Phase = "ending" // only the end itself is still to be recorded
	Over      Phase = "over"
)

// Mark is how far one action has come.
type Mark string

// How far an action has come.
const (
	Pending  Mark = ""      // not begun
	Begin    Mark = "begun" // it may have happened, wholly or in part
	Complete Mark = "done"
	Skipped  Mark = "skipped" // given up, with a warning
)

// Service is how far the rollout has come with one service.
type Service struct {
	Name     string             `json:"name"`
	Baseline Baseline           `json:"baseline"`
	Replaced *workload.Replaced `json:"replaced,omitempty"`
	Replace  Mark               `json:"replace,omitempty"`
	Promote  Mark               `json:"promote,omitempty"`
	Retire   Mark               `json:"retire,omitempty"`
	Restore  Mark               `json:"restore,omitempty"`
	Restored *Restored          `json:"restored,omitempty"`
}

// State is all that is known of one rollout. The zero State is that of a rollout which was not requested yet.
type State struct {
	Request   Request            `json:"request"`
	Phase     Phase              `json:"phase"`
	Step      Step               `json:"step"` // the newest that was begun
	StepSince time.Time          `json:"step_since,omitzero"`
	Begun     time.Time          `json:"begun"`
	Ended     time.Time          `json:"ended,omitzero"`
	Services  []Service          `json:"services"`
	Deadlines map[Step]time.Time `json:"deadlines,omitempty"` // of the steps, the one-off container and the hooks
	Doing     *Action            `json:"doing,omitempty"`     // begun, and without a result yet

	Validated  *Validated       `json:"validated,omitempty"`
	Pulled     *Pulled          `json:"pulled,omitempty"`
	Target     workload.Release `json:"target,omitzero"`
	Hooks      []Mark           `json:"hooks,omitempty"`  // of the request's
	Hooked     []*Hooked        `json:"hooked,omitempty"` // likewise; nil where one has had no result
	Prepare    Mark             `json:"prepare,omitempty"`
	Prepared   *Prepared        `json:"prepared,omitempty"`
	PreStart   Mark             `json:"pre_start,omitempty"`
	PreStarted *PreStarted      `json:"pre_started,omitempty"`
	Discard    Mark             `json:"discard,omitempty"`
	Discarded  *Discarded       `json:"discarded,omitempty"`
	Verify     Mark             `json:"verify,omitempty"`
	Verified   *Verified        `json:"verified,omitempty"`
	Keep       Mark             `json:"keep,omitempty"`
	Kept       *Kept            `json:"kept,omitempty"`
	Reclear    bool             `json:"reclear,omitempty"` // the clear was begun before and has left no result
	Clear      Mark             `json:"clear,omitempty"`
	Cleared    *Cleared         `json:"cleared,omitempty"`
	Held       bool             `json:"held,omitempty"`

	Resumed  bool     `json:"resumed,omitempty"` // a daemon died or stopped in its middle, and another went on
	Cancel   string   `json:"cancel,omitempty"`  // who cancelled it, and why
	Failure  *Failure `json:"failure,omitempty"` // the first: what turned it back
	Stuck    *Failure `json:"stuck,omitempty"`   // why the revert failed
	Outcome  Outcome  `json:"outcome,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
}

// Touched reports whether anything on the host may have been changed.
func (s State) Touched() bool { return s.Prepare != Pending || s.Replaced() }

// Cancellable reports whether a cancel is still accepted: until the clear may have begun, or the old container or an old
// image may be gone.
func (s State) Cancellable() bool {
	return s.Phase == Forward && s.Clear == Pending && s.Keep == Pending &&
		!slices.ContainsFunc(s.Services, func(v Service) bool { return v.Retire != Pending })
}

// Restarts reports whether the rollout replaces containers. A deploy of the release that runs already does not, unless
// it is forced; nor does a cleanup.
func (s State) Restarts() bool {
	if !slices.Contains(s.Request.Kind.Steps(), Restart) {
		return false
	}
	return s.Request.Kind != Deploy || s.Request.Force || !s.runs(s.Target)
}

// runs reports whether every service's baseline already is release r.
func (s State) runs(r workload.Release) bool {
	if r.ID == "" {
		return false
	}
	return !slices.ContainsFunc(s.Services, func(v Service) bool {
		c := v.Baseline.Container
		return c == nil || !c.Ours || c.Release != r.ID || c.Status != workload.Running
	})
}

// Subject returns the id of the container that the rollout answers for in the service: the new one, or, where nothing
// is replaced, the one that runs. It is empty when there is none.
func (s State) Subject(service string) string {
	i := s.index(service)
	switch {
	case i < 0:
		return ""
	case s.Services[i].Replaced != nil:
		return s.Services[i].Replaced.NewID
	case s.Services[i].Replace == Pending && s.Services[i].Baseline.Container != nil && !s.Restarts():
		return s.Services[i].Baseline.Container.ID
	}
	return ""
}

// Residue returns what is known of the legacy values: what clear did, or else what validate found.
func (s State) Residue() []secret.Residue {
	switch {
	case s.Cleared != nil:
		return s.Cleared.Residue
	case s.Validated != nil:
		return s.Validated.Residue
	}
	return nil
}

func (s State) index(service string) int {
	return slices.IndexFunc(s.Services, func(v Service) bool { return v.Name == service })
}

// clone returns a State that shares nothing which Apply changes.
func (s State) clone() State {
	s.Services = slices.Clone(s.Services)
	s.Warnings = slices.Clone(s.Warnings)
	s.Hooks = slices.Clone(s.Hooks)
	s.Hooked = slices.Clone(s.Hooked)
	deadlines := make(map[Step]time.Time, len(s.Deadlines)+1)
	for k, v := range s.Deadlines {
		deadlines[k] = v
	}
	s.Deadlines = deadlines
	return s
}
