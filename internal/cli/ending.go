package cli

import (
	"fmt"
	"strings"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/rollout"
)

// How many of a failed container's last lines are shown: to who followed the rollout, and to who wants to see all.
const (
	fewLines = 20
	allLines = 10_000
)

// conclusion is the one line that says how a rollout ended. why puts a failure into words: briefly where its problems
// were told before, at length where this line is all that is said.
func conclusion(r api.Rollout, why func(*rollout.Failure) string) string {
	d := took(r.Ended.Sub(r.Begun))
	switch r.Outcome {
	case rollout.Succeeded:
		return succeeded(r, d)
	case rollout.Refused:
		return fmt.Sprintf("refused after %s, nothing was changed: %s", d, why(r.Failure))
	case rollout.RolledBack:
		return fmt.Sprintf("rolled back in %s, %s: %s", d, asBefore(r.State), why(r.Failure))
	case rollout.Halted:
		return fmt.Sprintf("halted after %s, a person is needed: %s; it was being turned back because: %s", d, why(r.Stuck), why(r.Failure))
	}
	return "not ended: " + running(r)
}

// asBefore says what a revert brought back.
func asBefore(s rollout.State) string {
	for _, v := range s.Services {
		if c := v.Baseline.Container; c != nil && c.Live() {
			return "what ran before runs again"
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

// briefly returns a failure as one line with the number of its problems, where there are several.
func briefly(f *rollout.Failure) string {
	if f == nil || len(f.Problems) < 2 {
		return inLine(f)
	}
	return flat(fmt.Sprintf("%s (%d problems, named above)", f.Message, len(f.Problems)))
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
		return []string{"next: provision what remains in the environment, or say in the configuration what shall become of it (on_mismatch); see fairlead residue " + app}
	}
	return nil
}
