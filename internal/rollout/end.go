package rollout

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

// End returns the event that ends the rollout with outcome o, and all that has to be said about it.
func (s State) End(o Outcome, now time.Time) Event {
	e := Event{Type: Ended, Time: now, Outcome: o, Warnings: s.Warnings}
	if o == Succeeded {
		e.Warnings = append(e.Warnings, s.left()...)
		return e
	}
	e.Warnings = append(slices.Clone(e.Warnings), s.doubt()...)
	e.Failure = s.Failure
	if s.Stuck != nil {
		e.Failure = s.Stuck
	}
	return e
}

// left says which legacy values a successful rollout leaves in the database, and why.
func (s State) left() []string {
	var warnings []string
	for _, r := range s.Residue() {
		if r.Kept != "" && !r.Cleared {
			warnings = append(warnings, fmt.Sprintf("%s: the legacy value in column %q was kept: %s", r.Secret, r.Column, r.Kept))
		}
	}
	if names := Left(s.Residue()); s.Cleared == nil && s.Clear == Pending && len(names) > 0 {
		warnings = append(warnings, fmt.Sprintf("legacy values remain in the database (%s), since this app's clear is manual: run 'fairlead cleanup %s'",
			strings.Join(names, ", "), s.Request.App))
	}
	return warnings
}

// Fault returns the kind of failure that the ended rollout is reported as, and "" when it is a plain success or has not
// ended. A cleanup that leaves residue has succeeded as a rollout, but found a difference.
func (s State) Fault() fault.Kind {
	switch s.Outcome {
	case Refused:
		return fault.Refused
	case RolledBack:
		return fault.RolledBack
	case Halted:
		return fault.Halted
	case Succeeded:
		if s.Request.Kind == Cleanup && len(Left(s.Residue())) > 0 {
			return fault.Difference
		}
	}
	return ""
}

// Gated returns the names of the secrets whose sources verify requires to be the environment.
func (v Validated) Gated() []string {
	var names []string
	for _, s := range v.Secrets {
		if s.Gated {
			names = append(names, s.Name)
		}
	}
	return names
}

// Unproved returns what in the answers of an app's services does not prove that every gated secret comes from the
// environment: each must be named by at least one service, and by none with another source.
func Unproved(gated []string, answers map[string][]Reported) []string {
	var faults []string
	for _, name := range gated {
		reports := answers[name]
		if len(reports) == 0 {
			faults = append(faults, fmt.Sprintf("no service names the source of %s", name))
		}
		for _, r := range reports {
			switch {
			case r.Source != secret.Environment:
				faults = append(faults, fmt.Sprintf("%s takes %s from %q, not from the environment", r.Service, name, r.Source))
			case !r.Present:
				faults = append(faults, fmt.Sprintf("%s says that %s comes from the environment, but is not there", r.Service, name))
			}
		}
	}
	return faults
}

// Reported is what one service says of one secret.
type Reported struct {
	Service string
	Source  secret.Source
	Present bool
}
