package parity

import (
	"reflect"
	"slices"
	"strings"

	"github.com/capakraken/fairlead/internal/workload"
)

// always are the points that no two hosts share.
func always() []string { return []string{"app", "instance", "environment", "time"} }

// DefaultIgnore returns what is expected to differ where an app does not say: what one host has ahead of the other, what
// the host itself is, and names that no two hosts share. An app's own list takes its place.
func DefaultIgnore() []string {
	return []string{"image/digest", "residue", "clear", "engine", "fairlead",
		"services/*/container_name", "services/*/hostname", "services/*/project", "verify/*/public_url"}
}

// Ahead returns what differs by nature before a release goes from one host to the next: the release itself, and its proof.
func Ahead() []string { return []string{"image/digest", "proof", "residue"} }

// shape says what may stand behind a group's name.
type shape struct {
	named  bool     // a name of the configuration comes first
	fields []string // then, or without a name at once, one of these
}

func shapes() map[string]shape {
	return map[string]shape{
		"app": {}, "instance": {}, "environment": {}, "time": {}, "fairlead": {}, "sources": {}, "clear": {},
		"engine":      {fields: []string{"version", "api", "platform"}},
		"rules":       {fields: []string{"version", "deny", "warn", "ignore"}},
		"image":       {fields: []string{"repository", "digest"}},
		"legacy":      {fields: []string{"dsn", "schema", "table", "row", "function"}},
		"keys":        {named: true},
		"provisioned": {named: true},
		"residue":     {named: true},
		"proof":       {named: true},
		"catalog":     {named: true, fields: []string{"env", "required", "min_length", "pattern", "format", "one_of", "column", "on_mismatch"}},
		"services":    {named: true, fields: append(jsonNames(workload.Service{}), "environment")},
		"verify":      {named: true, fields: jsonNames(workload.Check{})},
	}
}

// jsonNames returns what the fields of a struct are called in JSON.
func jsonNames(v any) []string {
	var names []string
	for t, i := reflect.TypeOf(v), 0; i < t.NumField(); i++ {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name != "" && name != "name" {
			names = append(names, name)
		}
	}
	return names
}

// Groups returns the first words of all points, sorted.
func Groups() []string {
	var names []string
	for name := range shapes() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Known tells whether a pattern can name a point: its words, one behind the other, or the beginning of them. A star
// stands for any one name.
func Known(pattern string) bool {
	words := strings.Split(pattern, "/")
	s, ok := shapes()[words[0]]
	rest := words[1:]
	if !ok || slices.Contains(rest, "") {
		return false
	}
	if s.named && len(rest) > 0 {
		rest = rest[1:]
	}
	switch len(rest) {
	case 0:
		return true
	case 1:
		return slices.Contains(s.fields, rest[0]) || rest[0] == "*" && len(s.fields) > 0
	}
	return false
}

// covers tells whether a pattern names the point, or something that it is a part of.
func covers(pattern, point string) bool {
	want, is := strings.Split(pattern, "/"), strings.Split(point, "/")
	if len(want) > len(is) {
		return false
	}
	for i, w := range want {
		if w != "*" && w != is[i] {
			return false
		}
	}
	return true
}

func covered(patterns []string, point string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return covers(p, point) })
}

// ignored returns the patterns of a report.
func (r Report) ignored() []string {
	if r.Rules.Ignore == nil {
		return DefaultIgnore()
	}
	return r.Rules.Ignore
}
