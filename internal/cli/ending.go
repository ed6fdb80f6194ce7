package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/rollout"
)

// How many of a failed container's last lines are shown: to who followed the rollout, and to who wants to see all.
const (
	fewLines = 20
	allLines = 10_000
)

// wording puts the failure of a step into words: briefly where it was told before, at length where nothing else is said.
type wording func(step rollout.Step, f *rollout.Failure) string

// conclusion is the one line that says how a rollout ended.
func conclusion(r api.Rollout, why wording) string {
	d := took(r.Ended.Sub(r.Begun))
	cause := func() string {
		if r.Cancel != "" {
			return r.Cancel
		}
		return why(turnedBackIn(r.State), r.Failure)
	}
	switch r.Outcome {
	case rollout.Succeeded:
		return succeeded(r, d)
	case rollout.Refused:
		return fmt.Sprintf("refused after %s, nothing was changed: %s", d, cause())
	case rollout.RolledBack:
		return fmt.Sprintf("rolled back in %s, %s: %s", d, asBefore(r.State), cause())
	case rollout.Halted:
		return fmt.Sprintf("halted after %s, a person is needed: %s; it was being turned back because: %s", d, why(rollout.Revert, r.Stuck), cause())
	}
	return "not ended: " + running(r)
}

// asBefore says what a revert brought back.
func asBefore(s rollout.State) string {
	for _, v := range s.Services {
		if c := v.Baseline.Container; c != nil && c.Live() {
			if s.Replaced() {
				return "what ran before runs again"
			}
			return "the old containers were not touched"
		}
	}
	return "nothing runs, as before"
}

func succeeded(r api.Rollout, d string) string {
	text := "succeeded in " + d
	if left := rollout.Left(r.Residue()); r.Request.Kind == rollout.Cleanup && len(left) > 0 {
		return fmt.Sprintf("succeeded in %s, but %s: %s", d, count(len(left), "legacy value remains", "legacy values remain"), strings.Join(left, ", "))
	}
	if n := len(r.Warnings); n > 0 {
		text += ", with " + count(n, "warning", "warnings")
	}
	return text
}

// running says where a rollout stands that has not ended.
func running(r api.Rollout) string {
	switch {
	case r.Phase == rollout.Reverting:
		return "being turned back: " + inLine(r.Failure)
	case r.Step == "":
		return "about to begin"
	}
	return "in " + string(r.Step)
}

// inLine returns a failure with all its problems as one line.
func inLine(f *rollout.Failure) string { return flat(strings.Join(failure(f), "; ")) }

// atLength is the wording that says all.
func atLength(_ rollout.Step, f *rollout.Failure) string { return inLine(f) }

// briefly is the wording that points to what was told under the step.
func briefly(step rollout.Step, f *rollout.Failure) string {
	switch {
	case f == nil:
		return inLine(f)
	case len(f.Problems) == 0:
		return string(step) + " failed (see above)"
	}
	return flat(fmt.Sprintf("%s (%s, named above)", f.Message, count(len(f.Problems), "problem", "problems")))
}

// aftermath returns what has to be said behind the conclusion: warnings, the last words of containers that failed, and
// what to do next.
func aftermath(r api.Rollout, most int) []string {
	lines := prefixed("warning: ", r.Warnings)
	for _, s := range r.Services {
		if s.Restored != nil && s.Restored.Log != "" {
			lines = append(lines, lastWords(r.ID, *s.Restored, most)...)
		}
	}
	return append(lines, next(r)...)
}

// lastWords returns the end of a container's output. It was redacted before it was recorded.
func lastWords(id string, r rollout.Restored, most int) []string {
	log := strings.Split(strings.TrimRight(r.Log, "\n"), "\n")
	head := fmt.Sprintf("the last output of %s's new container:", r.Service)
	if left := len(log) - most; left > 0 {
		log = log[left:]
		head = fmt.Sprintf("the last output of %s's new container (%s before it: fairlead show %s):",
			r.Service, count(left, "line", "lines"), id)
	}
	return append([]string{head}, prefixed("  | ", log)...)
}

// next says what the operator does now.
func next(r api.Rollout) []string {
	app := r.Request.App
	switch {
	case r.Outcome == rollout.Refused && r.Cancel == "":
		return []string{"next: mend what is named above, and ask again"}
	case r.Outcome == rollout.RolledBack && r.Cancel == "":
		return []string{"next: mend the release or its configuration, and ask again"}
	case r.Outcome == rollout.Halted:
		return []string{
			"next: see what runs (fairlead status " + app + "; docker ps -a), and put it right by hand",
			"      " + app + " stays locked until then; give it free with: fairlead unlock " + app + " --reason \"what was done\"",
		}
	case r.Outcome == rollout.Succeeded && r.Request.Kind == rollout.Cleanup && len(rollout.Left(r.Residue())) > 0:
		return []string{afterCleanup(r)}
	}
	return nil
}

// stale is what the warning of a clear says that found an older value in a container than in the env sources.
const stale = "was not created with the present value"

// afterCleanup says what the operator does about what a cleanup left. Only a clear that ran has judged the values.
func afterCleanup(r api.Rollout) string {
	app := r.Request.App
	switch {
	case r.Cleared != nil:
		return "next: provision what remains in the environment, or say in the configuration what shall become of it (on_mismatch); see fairlead residue " + app
	case slices.ContainsFunc(r.Warnings, func(w string) bool { return strings.Contains(w, stale) }):
		return "next: rotate first, so that the containers get the present values (fairlead rotate " + app + "), then run the cleanup again"
	}
	return "next: mend what the warning names, then run the cleanup again"
}
