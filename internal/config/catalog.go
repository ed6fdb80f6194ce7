package config

import (
	"slices"
	"strings"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

// Provided is what the app's env sources give, as far as they could be read.
type Provided struct {
	Env    secret.Env
	Faulty []string // variables whose lines were refused; Env lacks them
	Whole  bool     // every source could be read, so that what is in neither is missing
}

// Catalog holds the catalog's rules against what the app's env sources give. A variable whose line was refused has its
// problem already, and in a source that could not be read, nothing is missed.
func (a App) Catalog(p Provided) []fault.Problem {
	var problems []fault.Problem
	for _, spec := range a.Secrets {
		v, ok := p.Env.Lookup(spec.Env)
		switch {
		case ok:
			for _, what := range spec.Check(v.Value) {
				problems = append(problems, fault.Problem{Where: v.Origin.String(), What: spec.Env + " " + what + " (" + title(spec) + ")"})
			}
		case spec.Required && p.Whole && !slices.Contains(p.Faulty, spec.Env):
			problems = append(problems, fault.Problem{Where: a.EnvFiles(), What: spec.Env + " is missing (" + title(spec) + ", required)",
				Fix: "add the line " + spec.Env + "=…"})
		}
	}
	return problems
}

func title(s secret.Spec) string {
	if s.Description != "" {
		return s.Description
	}
	return s.Name
}

// EnvFiles returns the paths of the env sources, for a sentence.
func (a App) EnvFiles() string {
	var names []string
	for _, e := range a.Env {
		names = append(names, e.File)
	}
	return strings.Join(names, ", ")
}
