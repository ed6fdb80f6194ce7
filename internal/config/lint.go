package config

import (
	"slices"

	"github.com/capakraken/fairlead/internal/lint"
)

// readLint reads what a rollout does about env files that others read in another way.
func readLint(f field) lint.Policy {
	m := f.only("deny", "warn")
	deny := readRules(m.get("deny"), nil)
	return lint.Policy{Deny: deny, Warn: readRules(m.get("warn"), deny)}
}

// readRules reads a list of rules. An empty one is not nil: it takes the default's place, and names none. No
// rule that is denied may stand in it.
func readRules(f field, denied []string) []string {
	if !f.set() {
		return nil
	}
	ids := []string{}
	for _, e := range f.list() {
		id := e.text()
		switch {
		case id == "":
		case !lint.Known(id):
			e.bad("is not a rule for env files", "write an id such as E04; docs/env-rules.md lists them")
		case slices.Contains(ids, id):
			e.bad("names a rule for the second time", "keep one")
		case slices.Contains(denied, id):
			e.bad("is denied as well", "keep it in one of the two lists")
		}
		ids = append(ids, id)
	}
	return ids
}
