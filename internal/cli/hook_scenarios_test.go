package cli_test

import (
	"slices"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
)

// hookedBy puts a hook into the request of a story, and what came of it before the first event of the verb.
func hookedBy(events []rollout.Event, h rollout.Hook, verb rollout.Verb, result func(*rollout.Action) rollout.Event) []rollout.Event {
	out := slices.Clone(events)
	request := *out[0].Request
	request.Hooks = append(slices.Clone(request.Hooks), h)
	out[0].Request = &request
	a := act(rollout.DoHook, h.Step, "")
	a.Hook = len(request.Hooks)
	at := slices.IndexFunc(out, func(e rollout.Event) bool { return e.Action != nil && e.Action.Verb == verb })
	return slices.Insert(out, at, begun(a), result(a))
}

func endsWell(log string) func(*rollout.Action) rollout.Event {
	return func(a *rollout.Action) rollout.Event {
		return done(a, &rollout.Evidence{Hooked: &rollout.Hooked{Ran: 1500 * time.Millisecond, Log: log}})
	}
}

func drained() rollout.Hook {
	return rollout.Hook{Step: rollout.Restart, When: rollout.Before, Name: "drain", Command: []string{"/usr/local/bin/drain"}, Timeout: time.Minute}
}

func announced() rollout.Hook {
	return rollout.Hook{Step: rollout.Verify, When: rollout.After, Name: "tell", Command: []string{"/usr/local/bin/tell"}, Timeout: time.Minute}
}

// hooked is a deploy with two hooks that end well.
func hooked() []rollout.Event {
	return hookedBy(hookedBy(deployed(), drained(), rollout.DoReplace, endsWell("taken out of the balancer\n\x1b[2J  2 connections left\n")),
		announced(), rollout.DoPromote, endsWell(""))
}

// hookFailed is a deploy whose hook before restart fails.
func hookFailed() []rollout.Event {
	f := rollout.Failure{Kind: fault.Refused, Message: "the hook before restart (drain) has failed: its exit code is 3; no container was touched"}
	events := hookedBy(deployed(), drained(), rollout.DoReplace, func(a *rollout.Action) rollout.Event {
		e := failed(a, f)
		e.Evidence = &rollout.Evidence{Hooked: &rollout.Hooked{Ran: time.Second, Log: "no such balancer\n"}}
		return e
	})
	at := slices.IndexFunc(events, func(e rollout.Event) bool { return e.Type == rollout.Failed })
	return append(events[:at+1], rollout.Event{Type: rollout.Ended, Outcome: rollout.Refused, Failure: &f})
}

// hookUnclear is a deploy whose hook before clear fails.
func hookUnclear() []rollout.Event {
	h := rollout.Hook{Step: rollout.Clear, When: rollout.Before, Name: "backup", Command: []string{"/usr/local/bin/backup"}, Timeout: time.Minute}
	events := hookedBy(deployed(), h, rollout.DoClear, func(a *rollout.Action) rollout.Event {
		e := failed(a, rollout.Failure{Kind: fault.Refused, Message: "the hook before clear (backup) has failed: its exit code is 1; the legacy values are left where they are"})
		e.Evidence = &rollout.Evidence{Hooked: &rollout.Hooked{Ran: time.Second, Log: "the disk is full\n"}}
		return e
	})
	at := slices.IndexFunc(events, func(e rollout.Event) bool { return e.Type == rollout.Failed })
	return append(events[:at+1], rollout.Event{Type: rollout.Ended, Outcome: rollout.Succeeded,
		Warnings: []string{"nothing was cleared: the hook before clear (backup) has failed: its exit code is 1; the legacy values are left where they are"}})
}
