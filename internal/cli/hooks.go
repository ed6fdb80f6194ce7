package cli

import (
	"strings"

	"github.com/capakraken/fairlead/internal/rollout"
)

// endedWell tells of a hook that has ended well.
func endedWell(hook rollout.Hook, h rollout.Hooked) string {
	return hook.String() + " has ended well after " + took(h.Ran)
}

// said tells a hook's last words below what is told of it, and nothing of any other action. They were redacted before they
// were recorded.
func said(ev *rollout.Evidence) []string {
	if ev == nil || ev.Hooked == nil {
		return nil
	}
	var words []string
	for text := range strings.Lines(ev.Hooked.Log) {
		words = append(words, "| "+strings.TrimRight(text, " \r\n"))
	}
	return tell("", "", words...)
}

// besides tells of the hooks on one side of a step that have had a result. One that turned the rollout back is told
// with its failure.
func besides(s rollout.State, step rollout.Step, when rollout.When) []string {
	var out []string
	for i, hook := range s.Request.Hooks {
		if hook.Step != step || hook.When != when || i >= len(s.Hooked) || s.Hooked[i] == nil {
			continue
		}
		switch s.Hooks[i] {
		case rollout.Complete:
			out = append(out, tell(string(step), "ok", endedWell(hook, *s.Hooked[i]))...)
		case rollout.Skipped:
			out = append(out, tell(string(step), "warning", hook.String()+" has failed; the warning says why")...)
		case rollout.Pending, rollout.Begin:
			continue
		}
		out = append(out, said(&rollout.Evidence{Hooked: s.Hooked[i]})...)
	}
	return out
}

// lastHook tells the last words of the hook that turned the rollout back, if one did.
func lastHook(s rollout.State) []string {
	for i, mark := range s.Hooks {
		if mark == rollout.Begin && i < len(s.Hooked) {
			return said(&rollout.Evidence{Hooked: s.Hooked[i]})
		}
	}
	return nil
}
