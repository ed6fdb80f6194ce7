package config

import (
	"slices"
	"strings"

	"github.com/capakraken/fairlead/internal/parity"
)

// readParity reads which points are expected to differ from another host's. An empty list is not nil: it takes the
// default's place, and lets nothing differ.
func readParity(f field) Parity {
	ignore := f.only("ignore").get("ignore")
	if !ignore.set() {
		return Parity{}
	}
	p := Parity{Ignore: []string{}}
	for _, e := range ignore.list() {
		point := e.text()
		switch {
		case point == "":
		case !parity.Known(point):
			e.bad("is not a point of parity", "write one such as keys/DEBUG, services/*/labels or residue; it begins with one of "+strings.Join(parity.Groups(), ", "))
		case slices.Contains(p.Ignore, point):
			e.bad("names a point for the second time", "keep one")
		}
		p.Ignore = append(p.Ignore, point)
	}
	return p
}
