package secret

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// OnMismatch says what clear does with a legacy value that differs from the environment's.
type OnMismatch string

// What may be done with a differing legacy value.
const (
	Keep   OnMismatch = "keep"   // leave it in the database and report it
	Clear  OnMismatch = "clear"  // clear it all the same
	Refuse OnMismatch = "refuse" // clear nothing at all
)

// Spec is one secret of an app's catalog: the variable that carries it, what a value must look like, and where the
// database may still hold a legacy value.
type Spec struct {
	Name         string // as the status contract and the reports call it
	Env          string // the variable
	Description  string
	Required     bool
	MinLength    int            // in bytes; 0 for no minimum
	Pattern      *regexp.Regexp // must match, where not nil
	URL          bool           // must be an absolute URL with a host
	OneOf        []string       // must be one of these, where not empty
	LegacyColumn string         // the column of the legacy table; empty when there never was one
	OnMismatch   OnMismatch
}

// placeholder matches values that stand in example files and were never meant to be used.
var placeholder = regexp.MustCompile(`(?i)^(change[-_ ]?me.*|replace[-_ ]?me.*|todo|tbd|your[-_ ].*|x{3,}([^a-z0-9].*)?|<.*>|\.\.\.|placeholder|example)$`)

// Check returns what is wrong with v, in words that never quote it. An empty value is wrong only for a required secret.
func (s Spec) Check(v Value) []string {
	if v.IsEmpty() {
		if s.Required {
			return []string{"is required and empty"}
		}
		return nil
	}
	text := v.Reveal()
	var faults []string
	if placeholder.MatchString(strings.TrimSpace(text)) {
		return []string{"still holds a placeholder"}
	}
	if strings.TrimSpace(text) == "" {
		return []string{"holds only white space"}
	}
	if len(text) < s.MinLength {
		faults = append(faults, fmt.Sprintf("is shorter than %d bytes", s.MinLength))
	}
	if s.Pattern != nil && !s.Pattern.MatchString(text) {
		faults = append(faults, "does not match the pattern "+s.Pattern.String())
	}
	if s.URL {
		// The parser's error quotes the whole URL, so only its being nil is used.
		if u, err := url.Parse(text); err != nil || u.Scheme == "" || u.Host == "" {
			faults = append(faults, "is not an absolute URL")
		}
	}
	if len(s.OneOf) > 0 && !slices.Contains(s.OneOf, text) {
		faults = append(faults, "is none of the allowed values")
	}
	return faults
}
