package rollout

import (
	"fmt"
	"slices"
	"time"

	"github.com/capakraken/fairlead/internal/workload"
)

// What an app's configuration has done beside the steps: one container that runs to its end before the old ones are
// stopped, and the host's own commands.

// PreStart asks for a one-off container of the new image and environment, such as a migration of the database.
type PreStart struct {
	Service string        `json:"service"` // whose definition it has
	Command []string      `json:"command"`
	Timeout time.Duration `json:"timeout"`
}

// When tells on which side of its step a hook is.
type When string

// The sides of a step.
const (
	Before When = "before"
	After  When = "after"
)

// Hook is a command of the host that is called beside a step.
type Hook struct {
	Step    Step          `json:"step"`
	When    When          `json:"when"`
	Name    string        `json:"name"`
	Command []string      `json:"command,omitempty"` // the program by its path, and what it is given
	Timeout time.Duration `json:"timeout"`
}

// String returns the hook for people.
func (h Hook) String() string { return fmt.Sprintf("the hook %s %s (%s)", h.When, h.Step, h.Name) }

// Prepared is the one-off container, made and not started.
type Prepared struct {
	Service string `json:"service"`
	ID      string `json:"id"`
}

// PreStarted is what the one-off container has come to. It has ended well.
type PreStarted struct {
	ID  string        `json:"id"`
	Ran time.Duration `json:"ran"`
	Log string        `json:"log,omitempty"` // its last lines, redacted
}

// Discarded is what is kept of a one-off container that a revert took away.
type Discarded struct {
	ID       string          `json:"id,omitempty"`     // empty where there was none any more
	Status   workload.Status `json:"status,omitempty"` // in which it was found
	ExitCode int             `json:"exit_code"`
	Log      string          `json:"log,omitempty"` // its last lines, redacted
}

// Hooked is what a hook has come to, whether it has ended well or not.
type Hooked struct {
	Ran time.Duration `json:"ran"`
	Log string        `json:"log,omitempty"` // its last lines, redacted
}

// prestarts reports whether a one-off container runs to its end before the first container is replaced.
func (s State) prestarts() bool { return s.Request.PreStart != nil && s.Restarts() }

// Changes reports whether anything that cannot be undone without a trace may have happened: a container was replaced, or
// the one-off container may have been started.
func (s State) Changes() bool { return s.PreStart != Pending || s.Replaced() }

// Replaced reports whether a container was replaced, or may have been.
func (s State) Replaced() bool {
	return slices.ContainsFunc(s.Services, func(v Service) bool { return v.Replace != Pending })
}

// Entered reports whether anything of a step was begun, if only one of its hooks or the one-off container.
func (s State) Entered(step Step) bool {
	for i, m := range s.Hooks {
		if m != Pending && s.Request.Hooks[i].Step == step {
			return true
		}
	}
	_, begun := s.Deadlines[step]
	return begun || step == Restart && s.Prepare != Pending
}

// discarded reports whether nothing of the one-off container is to be taken away any more.
func (s State) discarded() bool {
	return s.Prepare == Pending || s.Discard == Complete || s.Discard == Skipped
}

// hooked returns the next hook on that side of a step, and false when all have had their result. The hooks after a
// step are only asked for when it is through.
func (s State) hooked(step Step, when When, now time.Time) (Action, bool) {
	for i, h := range s.Request.Hooks {
		if h.Step == step && h.When == when && (i >= len(s.Hooks) || s.Hooks[i] != Complete && s.Hooks[i] != Skipped) {
			return s.bounded(Action{Verb: DoHook, Step: step, Hook: i + 1}, now), true
		}
	}
	return Action{}, false
}

// unhooked reports whether a hook on that side of a step has not ended well.
func (s State) unhooked(step Step, when When) bool {
	for i, h := range s.Request.Hooks {
		if h.Step == step && h.When == when && (i >= len(s.Hooks) || s.Hooks[i] != Complete) {
			return true
		}
	}
	return false
}

// markHook sets how far a hook has come.
func (s *State) markHook(a Action, m Mark) {
	if s.Hooks == nil {
		s.Hooks = make([]Mark, len(s.Request.Hooks))
	}
	s.Hooks[a.Hook-1] = m
}

// heard keeps what a hook said.
func (s *State) heard(a Action, ev *Evidence) {
	if a.Verb != DoHook || ev == nil || ev.Hooked == nil {
		return
	}
	if s.Hooked == nil {
		s.Hooked = make([]*Hooked, len(s.Request.Hooks))
	}
	s.Hooked[a.Hook-1] = ev.Hooked
}

// HookOf returns the hook that the action calls, and false where it calls none.
func (s State) HookOf(a Action) (Hook, bool) {
	if a.Hook < 1 || a.Hook > len(s.Request.Hooks) {
		return Hook{}, false
	}
	return s.Request.Hooks[a.Hook-1], true
}

// Spared says what a failure of the hook that the action calls leaves as it was.
func (s State) Spared(a Action) string {
	switch h, _ := s.HookOf(a); {
	case h.Step == Clear && h.When == Before:
		return "the legacy values are left where they are"
	case h.Step == Clear:
		return "what was cleared stays cleared"
	case s.Touched():
		return "what ran before is put back"
	}
	return "no container was touched"
}

// prestart returns the next action of the one-off container, and false when it has ended well. An action that was begun
// looks at it first, however late: it may have come to its end while nobody was there.
func (s State) prestart(now time.Time) (Action, bool) {
	switch {
	case s.Prepare != Complete:
		return s.bounded(Action{Verb: DoPrepare, Step: Restart}, now), true
	case s.PreStart == Pending:
		return s.bounded(Action{Verb: DoPreStart, Step: Restart}, now), true
	case s.PreStart != Complete:
		return s.completing(Action{Verb: DoPreStart, Step: Restart}, now), true
	}
	return Action{}, false
}

// limit returns what the action's deadline is stored under, and how long it may take: the step's, but the one-off
// container and each hook have their own.
func (s State) limit(a Action) (Step, time.Duration) {
	switch {
	case a.Verb == DoHook:
		h := s.Request.Hooks[a.Hook-1]
		return Step(fmt.Sprintf("%s %d", DoHook, a.Hook)), h.Timeout
	case a.Verb == DoPrepare:
		return Step(DoPrepare), s.Request.Limits.Restart
	case a.Verb == DoPreStart:
		return Step(DoPreStart), s.Request.PreStart.Timeout
	}
	return a.Step, s.Request.Limits.of(a.Step)
}

// doubt says what the one-off container of a rollout that was turned back may have left behind.
func (s State) doubt() []string {
	switch {
	case s.PreStart == Complete:
		return []string{"the pre_start ran to its end, so the database's schema may be newer than the release that runs"}
	case s.PreStart != Pending:
		return []string{"the pre_start may have changed the database's schema"}
	}
	return nil
}
