package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/rollout"
)

// story tells a rollout event by event.
type story struct {
	state    rollout.State // folded from the events; the zero State when an event does not fit
	foreign  bool          // an event did not fit, so the state is not to be relied on
	restarts bool          // whether it was already told that nothing is replaced
}

// take folds an event in and returns the lines that tell it. Most events tell something; that an action begins does
// not, since its end will.
func (s *story) take(e api.Event) []string {
	if e.Event == nil {
		return nil
	}
	next, err := rollout.Apply(s.state, *e.Event)
	if err != nil {
		s.foreign = true // an event of a later version, perhaps; what can be told of it is told
	} else {
		s.state = next
	}
	switch e.Event.Type {
	case rollout.Requested:
		return []string{headline(s.state.Request)}
	case rollout.Begun:
		return s.begun(e.Event.Action)
	case rollout.Done:
		return s.done(e.Event)
	case rollout.Failed:
		return append(line(e.Event.Action, s.how(e.Event.Action), failure(e.Event.Failure)), said(e.Event.Evidence)...)
	case rollout.Cancelled:
		return tell("cancel", "ok", e.Event.Reason)
	case rollout.Suspended:
		return tell("daemon", "stopped", "the rollout goes on when the daemon is started again")
	case rollout.Resumed:
		return tell("daemon", "started", "the rollout goes on")
	case rollout.Abandoned:
		return tell("daemon", "gave up", failure(e.Event.Failure)...)
	case rollout.Ended:
	}
	return nil
}

// how says what it means for the rollout that an action failed.
func (s *story) how(a *rollout.Action) string {
	switch {
	case a != nil && (a.Verb == rollout.DoRetire || a.Verb == rollout.DoKeep || a.Verb == rollout.DoClear):
		return "warning" // the rollout goes on without it
	case a != nil && a.Hook > 0 && a.Step == rollout.Clear && s.state.Cancel == "":
		return "warning" // likewise
	case s.state.Cancel != "" && s.state.Stuck == nil:
		return "stopped"
	}
	return "failed"
}

// headline says what was asked for.
func headline(r rollout.Request) string {
	text := fmt.Sprintf("rollout %s: %s of %s", r.ID, r.Kind, r.App)
	if image := r.Image.String(); image != "" {
		text += " to " + image
	}
	if r.To != "" {
		text += ", of release " + r.To
	}
	if r.Requester != "" {
		text += ", asked for by " + r.Requester
	}
	if r.Reason != "" {
		text += " (" + r.Reason + ")"
	}
	return text
}

// begun tells, once, that no container is replaced, where that could be expected.
func (s *story) begun(a *rollout.Action) []string {
	if a == nil || a.Verb != rollout.DoVerify || s.restarts || s.foreign || s.state.Request.Kind != rollout.Deploy || s.state.Restarts() {
		return nil
	}
	s.restarts = true
	return notReplaced()
}

// notReplaced tells that a deploy replaces nothing.
func notReplaced() []string {
	return tell(string(rollout.Restart), "skipped", "this release runs already; --force would replace its containers")
}

// done tells what an action found or did.
func (s *story) done(e *rollout.Event) []string {
	a, ev := e.Action, e.Evidence
	if a == nil {
		return nil
	}
	if ev == nil {
		ev = &rollout.Evidence{}
	}
	switch {
	case ev.Validated != nil:
		return line(a, "ok", validated(*ev.Validated))
	case ev.Pulled != nil:
		return line(a, "ok", []string{pulled(*ev.Pulled)})
	case ev.Hooked != nil:
		return append(line(a, "ok", []string{s.hooked(a, *ev.Hooked)}), said(ev)...)
	case ev.Prepared != nil:
		return line(a, "ok", []string{"the container of the pre_start is made, with the definition of " + ev.Prepared.Service})
	case ev.PreStarted != nil:
		return line(a, "ok", []string{preStarted(*ev.PreStarted)})
	case ev.Discarded != nil:
		return line(a, "ok", discarded(*ev.Discarded))
	case ev.Replaced != nil:
		return line(a, "ok", []string{replaced(*ev.Replaced)})
	case ev.Verified != nil:
		return line(a, "ok", verified(*ev.Verified))
	case ev.Kept != nil:
		return line(a, "ok", kept(*ev.Kept))
	case ev.Cleared != nil:
		return line(a, "ok", cleared(*ev.Cleared))
	case ev.Restored != nil:
		return line(a, "ok", []string{restored(*ev.Restored)})
	}
	return line(a, "ok", []string{s.plainly(a)})
}

// plainly tells an action that leaves no evidence but that it is done.
func (s *story) plainly(a *rollout.Action) string {
	switch a.Verb {
	case rollout.DoPromote:
		return promoted(a.Service)
	case rollout.DoRetire:
		return retired(a.Service)
	case rollout.DoHold:
		return held
	case rollout.DoValidate, rollout.DoPull, rollout.DoReplace, rollout.DoVerify, rollout.DoKeep, rollout.DoClear, rollout.DoRestore,
		rollout.DoHook, rollout.DoPrepare, rollout.DoPreStart, rollout.DoDiscard, rollout.DoEnd, rollout.DoExpire, rollout.Nothing:
	}
	return strings.TrimSpace(string(a.Verb) + " " + a.Service)
}

// preStarted tells of a one-off container that has ended well.
func preStarted(p rollout.PreStarted) string {
	return "the pre_start has ended well after " + p.Ran.Round(100*time.Millisecond).String()
}

// discarded tells of a one-off container that a revert took away, with its last words.
func discarded(d rollout.Discarded) []string {
	if d.ID == "" {
		return []string{"there was no container of the pre_start any more"}
	}
	out := []string{fmt.Sprintf("the container of the pre_start is removed (it was %s, exit code %d)", d.Status, d.ExitCode)}
	for text := range strings.Lines(d.Log) {
		out = append(out, "| "+strings.TrimSpace(text))
	}
	return out
}

// hooked tells of a hook that has ended well.
func (s *story) hooked(a *rollout.Action, h rollout.Hooked) string {
	hook, known := s.state.HookOf(*a)
	if !known {
		return "a hook has ended well after " + took(h.Ran)
	}
	return endedWell(hook, h)
}

// held is what a revert comes to.
const held = "all is as it was before"

func promoted(service string) string {
	return service + ": the new container has its final name and restart policy"
}

func retired(service string) string {
	return service + ": the old container is removed, and its old secrets with it"
}

// line tells facts of an action under its step.
func line(a *rollout.Action, how string, facts []string) []string {
	if a == nil {
		return tell("", how, facts...)
	}
	return tell(string(a.Step), how, facts...)
}

// tell sets facts in columns: the step, how it went, and one fact a line.
func tell(step, how string, facts ...string) []string {
	var out []string
	for _, fact := range facts {
		for text := range strings.Lines(fact) {
			out = append(out, strings.TrimRight(fmt.Sprintf("%-9s %-8s %s", step, how, strings.TrimSpace(text)), " "))
			step, how = "", ""
		}
	}
	return out
}
