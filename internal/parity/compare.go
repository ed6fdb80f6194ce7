package parity

import (
	"slices"
	"strings"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
)

// Verdict says how two reports stand to each other in one point.
type Verdict string

// The verdicts.
const (
	Same      Verdict = "same"
	Different Verdict = "different"
	OnlyA     Verdict = "only_a"
	OnlyB     Verdict = "only_b"
)

// Side is one of the two that are compared.
type Side struct {
	Name        string    `json:"name"` // as the caller calls it
	App         string    `json:"app"`
	Instance    string    `json:"instance"`
	Environment string    `json:"environment"`
	Time        time.Time `json:"time"`
	Notes       []string  `json:"notes,omitempty"`
}

// Line is one point of the comparison.
type Line struct {
	Point   string  `json:"point"`
	Verdict Verdict `json:"verdict"`
	A       string  `json:"a,omitempty"`
	B       string  `json:"b,omitempty"`
	Breaks  bool    `json:"breaks"` // it differs, and was not expected to
	// OneSided tells that only one of the two apps ignores the point, which is not enough.
	OneSided bool `json:"one_sided,omitempty"`
}

// Comparison is the outcome.
type Comparison struct {
	Format   int    `json:"format"`
	A        Side   `json:"a"`
	B        Side   `json:"b"`
	Parity   bool   `json:"parity"`   // nothing breaks it
	Same     int    `json:"same"`     // points
	Expected int    `json:"expected"` // points that differ and may
	Breaking int    `json:"breaking"`
	Lines    []Line `json:"points"`
}

// Options say how two reports are compared beyond what they say themselves.
type Options struct {
	NameA, NameB string
	Expect       []string // patterns of points that are expected to differ this time
	Demand       []string // patterns of points that break parity this time, whatever the reports ignore
}

// Compare holds b against a. A difference is expected where both apps ignore the point: nobody can relax for the other.
// Where a secret, a service or the legacy block is on one side alone, one line says so for all that belongs to it.
func Compare(a, b Report, o Options) (Comparison, error) {
	for _, r := range []Report{a, b} {
		if r.Format != Format {
			return Comparison{}, fault.New(fault.Usage, "a report of format %d cannot be compared; this command knows format %d: make it anew with 'fairlead provisioning APP -o json', and use one version of Fairlead for both", r.Format, Format)
		}
	}
	out := Comparison{Format: Format, A: side(o.NameA, a), B: side(o.NameB, b)}
	left, right := a.Points(), b.Points()
	for _, point := range merged(left, right) {
		l := line(point, left, right)
		if l.Verdict != Same {
			l.Breaks, l.OneSided = breaks(point, a, b, o)
		}
		switch {
		case l.Verdict == Same:
			out.Same++
		case l.Breaks:
			out.Breaking++
		default:
			out.Expected++
		}
		out.Lines = append(out.Lines, l)
	}
	out.Parity = out.Breaking == 0
	return out, nil
}

func side(name string, r Report) Side {
	return Side{Name: name, App: r.App, Instance: r.Instance, Environment: r.Environment, Time: r.Time, Notes: r.Notes}
}

// breaks tells whether a difference in the point breaks parity, and whether only one of the two lets it pass.
func breaks(point string, a, b Report, o Options) (breaks, oneSided bool) {
	if covered(always(), point) {
		return false, false
	}
	if covered(o.Demand, point) {
		return true, false
	}
	if covered(o.Expect, point) {
		return false, false
	}
	x, y := covered(a.ignored(), point), covered(b.ignored(), point)
	return !x || !y, x != y
}

// merged returns the names of all points of both, each once, in the order of a report. What only b has stands behind what
// stands before it in b.
func merged(a, b []Point) []string {
	var names []string
	for _, p := range a {
		names = append(names, p.Name)
	}
	at := 0
	for _, p := range b {
		if i := slices.Index(names, p.Name); i >= 0 {
			at = i + 1
			continue
		}
		names = slices.Insert(names, at, p.Name)
		at++
	}
	return slices.DeleteFunc(names, func(name string) bool {
		whole := parent(name)
		return whole != "" && (has(a, whole) != has(b, whole))
	})
}

// parent returns the point that stands for all that a point is a part of, and "" where there is none.
func parent(name string) string {
	words := strings.Split(name, "/")
	switch words[0] {
	case "catalog", "services":
		if len(words) == 3 {
			return words[0] + "/" + words[1]
		}
	case "verify":
		return "services/" + words[1]
	case "provisioned", "residue":
		return "catalog/" + words[1]
	case "legacy":
		if len(words) == 2 {
			return "legacy"
		}
	}
	return ""
}

func has(all []Point, name string) bool {
	return slices.ContainsFunc(all, func(p Point) bool { return p.Name == name })
}

func line(name string, a, b []Point) Line {
	i := slices.IndexFunc(a, func(p Point) bool { return p.Name == name })
	j := slices.IndexFunc(b, func(p Point) bool { return p.Name == name })
	switch {
	case j < 0:
		return Line{Point: name, Verdict: OnlyA, A: a[i].Value}
	case i < 0:
		return Line{Point: name, Verdict: OnlyB, B: b[j].Value}
	}
	l := Line{Point: name, Verdict: Different, A: a[i].Value, B: b[j].Value}
	if l.A == l.B && l.A != Unknown {
		l.Verdict = Same
	}
	return l
}

// Breaks returns the names of the points that break parity.
func (c Comparison) Breaks() []string {
	var names []string
	for _, l := range c.Lines {
		if l.Breaks {
			names = append(names, l.Point)
		}
	}
	return names
}
