package steps

import (
	"fmt"
	"slices"
	"strings"

	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/lint"
	"github.com/capakraken/fairlead/internal/secret"
)

// mostLinted is how many findings of one env file are told of. A linter lists them all.
const mostLinted = 10

// linted holds the rules on how others read an env file against it, under the app's policy. What Fairlead itself refuses
// is a problem already. What is warned of is told once for each rule, since it stands in the record of every rollout.
func linted(policy lint.Policy, source config.EnvSource, content secret.Value) (problems []fault.Problem, warnings []string) {
	report := lint.Check(content).Under(policy)
	path := source.String()
	all := fmt.Sprintf("'fairlead env check %s' lists all", path)
	if source.Kind() != config.FileSource {
		all = "'fairlead env check -' lists all, when it is given what the source gives"
	}
	var warned []lint.Finding // the first of each rule
	times := map[string]int{}
	denied := 0
	for _, f := range report.Findings {
		switch {
		case f.Refused:
		case f.Severity == lint.Error:
			if denied++; denied <= mostLinted {
				problems = append(problems, fault.Problem{Where: fmt.Sprintf("%s:%d", path, f.Line), What: f.Rule + ": " + f.Text,
					Fix: f.Instead + "; lint: {warn: [" + f.Rule + "]} in the app's configuration allows it"})
			}
		default:
			if times[f.Rule]++; times[f.Rule] == 1 {
				warned = append(warned, f)
			}
		}
	}
	if more := denied - mostLinted; more > 0 {
		problems = append(problems, fault.Problem{Where: path, What: fmt.Sprintf("has %d more lines of this kind", more), Fix: all})
	}
	for _, f := range warned[:min(len(warned), mostLinted)] {
		w := fmt.Sprintf("%s:%d: %s: %s", path, f.Line, f.Rule, f.Text)
		if n := times[f.Rule] - 1; n > 0 {
			w += fmt.Sprintf(" (and %s)", moreLines(n))
		}
		warnings = append(warnings, w)
	}
	if len(warned) > 0 {
		warnings[len(warnings)-1] += "; " + all
	}
	if more := len(warned) - mostLinted; more > 0 {
		var rules []string
		for _, f := range warned[mostLinted:] {
			rules = append(rules, f.Rule)
		}
		slices.Sort(rules)
		warnings = append(warnings, path+": breaks "+strings.Join(rules, ", ")+" as well; "+all)
	}
	return problems, warnings
}

func moreLines(n int) string {
	if n == 1 {
		return "one more line"
	}
	return fmt.Sprintf("%d more lines", n)
}
