package compose

import (
	"regexp"
	"strings"

	"github.com/capakraken/fairlead/internal/secret"
)

// variableKey is what an entry of environment may be called.
var variableKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// ownLabels is how the labels begin by which this program knows its containers.
const ownLabels = "fairlead."

// pair is one entry of a mapping of names to texts, or of a list of NAME=value.
type pair struct {
	position
	name, value string
	bare        bool // a name without a value
}

// pairs returns the entries whose values are known. A name may stand there only once.
func (d *definition) pairs(it *item) []pair {
	var out []pair
	seen := map[string]bool{}
	add := func(p pair) {
		if seen[p.name] {
			d.bad(p.position, "sets a name for the second time", "keep one")
			return
		}
		seen[p.name] = true
		out = append(out, p)
	}
	for _, key := range it.keys {
		if e := it.fields[key]; !e.unsure() {
			add(pair{position: e.position, name: key, value: e.text, bare: e.null})
		}
	}
	for _, e := range it.list {
		name, value, found := strings.Cut(e.text, "=")
		written, _, _ := strings.Cut(e.raw, "=")
		switch {
		case strings.Contains(written, "$") && !d.expanded:
			// A name is shown everywhere, so it must not be what a variable holds.
			d.bad(e.position, "has a variable in its name", "write the name out: only the value may have one")
		case !e.unsure():
			add(pair{position: e.position, name: name, value: value, bare: !found})
		}
	}
	return out
}

// environment returns the definition's own variables.
func (d *definition) environment(it *item) []secret.Var {
	var out []secret.Var
	for _, p := range d.pairs(it) {
		if !variableKey.MatchString(p.name) {
			d.bad(p.position, "is not the name of a variable", "use letters, digits and _, not beginning with a digit")
			continue
		}
		v := secret.Var{Name: p.name, Value: secret.NewValue(p.value), Origin: d.origin(p.line)}
		switch {
		case p.bare && d.expanded:
			continue // the variable is passed as it is without the entry
		case p.bare:
			passed, ok := d.env.Lookup(p.name)
			if !ok {
				continue
			}
			v.Value = passed.Value
		}
		out = append(out, v)
	}
	return out
}

// labels returns the definition's own labels; one without a value is empty.
func (d *definition) labels(it *item) map[string]string {
	var out map[string]string
	for _, p := range d.pairs(it) {
		switch {
		case strings.TrimSpace(p.name) == "":
			d.bad(p.position, "has no name", "write name: value")
			continue
		case strings.HasPrefix(p.name, ownLabels):
			d.bad(p.position, "begins with "+ownLabels+", by which the daemon knows its own containers", "choose another name")
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[p.name] = p.value
	}
	return out
}
