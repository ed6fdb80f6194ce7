package envfile

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/capakraken/fairlead/internal/fault"
)

// finding is one fault of a file, still without words. It knows no value, so its words cannot quote one.
type finding struct {
	line  int
	kind  kind
	name  string // the variable's, where it may be shown
	other int    // the other line that is part of it, where there is one
}

// mostProblems is how many faults are put into words; a file with more is not an env file.
const mostProblems = 100

// problems returns all findings in the words of an operator.
func (p *parsing) problems(path string) []fault.Problem {
	var out []fault.Problem
	for i, f := range p.findings {
		if i == mostProblems {
			more := fmt.Sprintf("has %d more faults", len(p.findings)-i)
			return append(out, fault.Problem{Where: path, What: more, Fix: "check that this is an env file"})
		}
		out = append(out, f.problem(path))
	}
	return out
}

func (f finding) problem(path string) fault.Problem {
	owner, name := "the value", "NAME"
	if f.name != "" {
		owner, name = "the value of "+f.name, f.name
	}
	fill := strings.NewReplacer("{value}", owner, "{name}", name, "{other}", strconv.Itoa(f.other))
	what, fix := f.kind.words()
	return fault.Problem{Where: fmt.Sprintf("%s:%d", path, f.line), What: fill.Replace(what), Fix: fill.Replace(fix)}
}
