package config

import (
	"slices"

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
				Fix: a.adding(spec.Env)})
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

// adding says how a variable gets into the app's environment.
func (a App) adding(name string) string {
	if len(a.Env) > 0 && a.Env[0].Kind() == FileSource {
		return "add the line " + name + "=…"
	}
	return "add it to one of the sources"
}
