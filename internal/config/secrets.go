package config

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"

	"github.com/capakraken/fairlead/internal/secret"
)

// secretName is what a secret may be called; the app names it in its status.
var secretName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// readSecrets reads the catalog. No name, variable or column may stand for two secrets: what is proved of one would be
// taken for the other.
func readSecrets(f field, hasLegacy bool) []secret.Spec {
	var specs []secret.Spec
	for _, entry := range f.list() {
		spec := readSecret(entry, hasLegacy)
		for i, other := range specs {
			if what := shared(spec, other); what != "" {
				entry.bad(fmt.Sprintf("has the same %s as secrets[%d]", what, i), "give each secret its own")
			}
		}
		specs = append(specs, spec)
	}
	return specs
}

// shared returns what two secrets must not have in common, and do.
func shared(a, b secret.Spec) string {
	switch {
	case a.Name != "" && a.Name == b.Name:
		return "name"
	case a.Env != "" && a.Env == b.Env:
		return "variable"
	case a.LegacyColumn != "" && a.LegacyColumn == b.LegacyColumn:
		return "column"
	}
	return ""
}

func readSecret(f field, hasLegacy bool) secret.Spec {
	m := f.only("name", "env", "description", "required", "min_length", "pattern", "format", "one_of", "legacy", "on_mismatch")
	s := secret.Spec{
		Name:        m.need("name", "name it as the app's status does").secretName(),
		Env:         m.need("env", "name the variable that carries it").variable(),
		Description: m.get("description").oneLine(),
		Required:    m.get("required").flag(),
		MinLength:   m.get("min_length").number(0, 0, 1<<20),
		Pattern:     m.get("pattern").pattern(),
		URL:         m.get("format").isURL(),
		OneOf:       m.get("one_of").texts(),
		OnMismatch:  m.get("on_mismatch").onMismatch(),
	}
	if oneOf := m.get("one_of"); oneOf.isEmptyList() {
		oneOf.bad("allows nothing", "list the allowed values, or take the key out")
	}
	s.LegacyColumn = readColumn(m.get("legacy"), hasLegacy)
	if m.has("on_mismatch") && !m.has("legacy") {
		m.get("on_mismatch").bad("says what happens to a legacy value, but there is no column", "add legacy: {column: …}, or take the key out")
	}
	return s
}

// readColumn reads where the database may hold the secret.
func readColumn(f field, hasLegacy bool) string {
	if f.set() && !hasLegacy {
		f.bad("names a column, but the app has no legacy block that says in which table", "add legacy: {dsn: …, table: …, row: …} to the app, or take the key out")
	}
	return f.only("column").need("column", "name the column of the legacy table").identifier()
}

func (f field) secretName() string {
	s := f.text()
	if s != "" && !secretName.MatchString(s) {
		f.bad("is not a usable name for a secret", "use letters, digits, dots, hyphens and _, 63 at most")
	}
	return s
}

// oneLine returns a text that fits on one line of a report.
func (f field) oneLine() string {
	s := f.text()
	if len(s) > 200 || strings.ContainsFunc(s, unicode.IsControl) {
		f.bad("does not fit on a line", "write at most 200 bytes, without line breaks")
	}
	return s
}

func (f field) pattern() *regexp.Regexp {
	s := f.text()
	if s == "" {
		return nil
	}
	re, err := regexp.Compile(s)
	if err != nil {
		what := "is not a regular expression"
		if e, ok := errors.AsType[*syntax.Error](err); ok {
			what += ": " + e.Code.String()
		}
		f.bad(what, "use RE2 syntax, in single quotes, anchored with ^ and $ where the whole value is meant")
	}
	return re
}

func (f field) isURL() bool {
	s := f.text()
	if s != "" && s != "url" {
		f.bad("is not a format", "write format: url, or use pattern for anything else")
	}
	return s == "url"
}

func (f field) onMismatch() secret.OnMismatch {
	s := secret.OnMismatch(f.text())
	switch {
	case s == "":
		return secret.Keep
	case !slices.Contains([]secret.OnMismatch{secret.Keep, secret.Clear, secret.Refuse}, s):
		f.bad("is not a way to treat a differing legacy value", "write keep (leave it and report it), clear (clear it all the same) or refuse (clear nothing at all)")
	}
	return s
}
