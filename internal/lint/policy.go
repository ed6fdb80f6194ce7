package lint

import "slices"

// Policy says what a rollout does about findings. A list that is given, be it empty, takes the place of its default:
// errors are denied, and all that is not denied is warned of. The zero Policy is the default, which is the strict one.
type Policy struct {
	Deny, Warn []string // ids of rules; nil for the default
}

// Verdict is what a Policy makes of a finding.
type Verdict int

// The verdicts.
const (
	Ignored Verdict = iota
	Warned
	Denied
)

// Of returns the verdict on f. What Fairlead cannot read is denied whatever the policy says.
func (p Policy) Of(f Finding) Verdict {
	switch {
	case f.Refused, slices.Contains(p.Deny, f.Rule):
		return Denied
	case slices.Contains(p.Warn, f.Rule):
		return Warned
	case p.Deny == nil && f.Severity == Error:
		return Denied
	case p.Warn == nil:
		return Warned
	}
	return Ignored
}

// Under returns the report as p sees it: what is denied is an error, what is warned of a warning, and the rest is left
// out. Findings that are only counted stay counted.
func (r Report) Under(p Policy) Report {
	out := Report{Errors: r.Errors, Warnings: r.Warnings}
	for _, f := range r.Findings {
		if f.Severity == Error {
			out.Errors--
		} else {
			out.Warnings--
		}
		switch p.Of(f) {
		case Denied:
			f.Severity = Error
			out.Errors++
		case Warned:
			f.Severity = Warning
			out.Warnings++
		case Ignored:
			continue
		}
		out.Findings = append(out.Findings, f)
	}
	return out
}
