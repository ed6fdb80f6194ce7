package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/capakraken/fairlead/internal/fault"
)

// reader collects what is wrong with one file.
type reader struct {
	file  string
	found []located
}

type located struct {
	line    int
	problem fault.Problem
}

// sorted returns all problems in the order of their lines.
func (r *reader) sorted() []fault.Problem {
	slices.SortStableFunc(r.found, func(a, b located) int { return cmp.Compare(a.line, b.line) })
	problems := make([]fault.Problem, len(r.found))
	for i, l := range r.found {
		problems[i] = l.problem
	}
	return problems
}

// field is one place in the file: a value, or, with a nil node, where a value is missing. Reading a missing field gives
// a zero value and no further problem, so that code which reads need not ask at every turn.
type field struct {
	*reader
	path string // such as apps.capakraken.image; empty for the whole file
	node *yaml.Node
	line int
}

// bad records a problem with the field.
func (f field) bad(what, fix string) {
	where := at(f.file, f.line)
	if f.path != "" {
		where += ": " + f.path
	}
	f.found = append(f.found, located{f.line, fault.Problem{Where: where, What: what, Fix: fix}})
}

func (f field) set() bool { return f.node != nil }

// child returns the field of n below f.
func (f field) child(name string, n *yaml.Node) field {
	name = fault.Key(name)
	if f.path != "" && !strings.HasPrefix(name, "[") {
		name = "." + name
	}
	c := field{reader: f.reader, path: f.path + name, node: n, line: n.Line}
	if n.Kind == yaml.AliasNode {
		c.node = n.Alias
	}
	return c
}

// mapping is a field's mapping, key by key in the file's order.
type mapping struct {
	field
	keys   []string
	fields map[string]field
}

// mapping returns the field as a mapping with any keys. One that is no mapping is recorded, and then counts as missing.
func (f field) mapping() mapping {
	m := mapping{field: f, fields: map[string]field{}}
	if !f.set() {
		return m
	}
	if f.node.Kind != yaml.MappingNode {
		f.bad("must be a mapping", "write its keys below it, indented, each with a colon")
		m.node = nil
		return m
	}
	for i := 0; i+1 < len(f.node.Content); i += 2 {
		m.add(f.node.Content[i], f.node.Content[i+1])
	}
	return m
}

func (m *mapping) add(key, value *yaml.Node) {
	if key.Kind == yaml.AliasNode {
		key = key.Alias
	}
	entry := field{reader: m.reader, path: m.path, line: key.Line}
	switch {
	case key.Kind != yaml.ScalarNode:
		entry.bad("has a key that is not a word", "write a plain key")
		return
	case key.ShortTag() == "!!merge":
		entry.bad("uses a merge key (<<), which is understood only inside a service's definition", "write the keys out")
		return
	}
	f := m.child(key.Value, value)
	f.line = key.Line
	if first, twice := m.fields[key.Value]; twice {
		f.bad(fmt.Sprintf("is set twice; the first is in line %d", first.line), "keep one")
		return
	}
	if f.node.Kind == yaml.ScalarNode && f.node.ShortTag() == "!!null" {
		f.bad("has no value", "write one, or take the key out")
		f.node = nil
	}
	m.keys = append(m.keys, key.Value)
	m.fields[key.Value] = f
}

// only returns the field as a mapping that may have these keys and no others.
func (f field) only(known ...string) mapping {
	m := f.mapping()
	for _, key := range m.keys {
		if !slices.Contains(known, key) {
			m.fields[key].bad("is an unknown key", "known here: "+strings.Join(known, ", "))
		}
	}
	return m
}

// get returns the field called key, which may be missing.
func (m mapping) get(key string) field {
	if f, ok := m.fields[key]; ok {
		return f
	}
	f := field{reader: m.reader, path: key, line: m.line}
	if m.path != "" {
		f.path = m.path + "." + key
	}
	return f
}

// has tells whether the key stands in the mapping, even without a value.
func (m mapping) has(key string) bool {
	_, ok := m.fields[key]
	return ok
}

// need is get for a key that must be there.
func (m mapping) need(key, fix string) field {
	f := m.get(key)
	if m.field.set() && !m.has(key) {
		f.bad("is missing", fix)
	}
	return f
}

// all yields the entries in the file's order.
func (m mapping) all(yield func(string, field) bool) {
	for _, key := range m.keys {
		if !yield(key, m.fields[key]) {
			return
		}
	}
}

// list returns the field's elements.
func (f field) list() []field {
	if !f.set() {
		return nil
	}
	if f.node.Kind != yaml.SequenceNode {
		f.bad("must be a list", "write [one, two], or one element a line behind a dash")
		return nil
	}
	var out []field
	for i, n := range f.node.Content {
		out = append(out, f.child("["+strconv.Itoa(i)+"]", n))
	}
	return out
}

// text returns a scalar as it is written; a number stays the digits that stand in the file.
func (f field) text() string {
	if !f.set() {
		return ""
	}
	if f.node.Kind != yaml.ScalarNode || !slices.Contains([]string{"!!str", "!!int", "!!float", "!!bool", "!!timestamp"}, f.node.ShortTag()) {
		f.bad("must be a text", "write one value, in quotes if need be")
		return ""
	}
	if strings.TrimSpace(f.node.Value) == "" {
		f.bad("is empty", "write a value, or take the key out")
	}
	return f.node.Value
}

// texts returns a list of scalars.
func (f field) texts() []string {
	var out []string
	for _, e := range f.list() {
		out = append(out, e.text())
	}
	return out
}

// flag returns a boolean, and false for a missing one.
func (f field) flag() bool {
	if !f.set() {
		return false
	}
	if f.node.Kind != yaml.ScalarNode || f.node.ShortTag() != "!!bool" {
		f.bad("must be true or false", "write one of the two")
		return false
	}
	return strings.EqualFold(f.node.Value, "true")
}

// number returns a whole number from low to high, and otherwise the given default.
func (f field) number(otherwise, low, high int) int {
	if !f.set() {
		return otherwise
	}
	n, err := strconv.Atoi(f.node.Value)
	if f.node.Kind != yaml.ScalarNode || err != nil || n < low || n > high {
		f.bad("must be a whole number", fmt.Sprintf("write one from %d to %d", low, high))
		return otherwise
	}
	return n
}

// duration returns a duration from low to high, and otherwise the given default.
func (f field) duration(otherwise, low, high time.Duration) time.Duration {
	if !f.set() {
		return otherwise
	}
	d, err := time.ParseDuration(f.node.Value)
	if f.node.Kind != yaml.ScalarNode || err != nil || d < low || d > high {
		f.bad("must be a duration with its unit", fmt.Sprintf("write one from %s to %s, such as %s", brief(low), brief(high), brief(otherwise)))
		return otherwise
	}
	return d
}

// brief writes a duration without the zero units behind it.
func brief(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"0s", "0m"} {
		if len(s) > len(zero)+1 && strings.HasSuffix(s, zero) && !strings.ContainsAny(s[len(s)-len(zero)-1:len(s)-len(zero)], "0123456789") {
			s = strings.TrimSuffix(s, zero)
		}
	}
	return s
}

// isText tells whether the field is a scalar.
func (f field) isText() bool { return f.set() && f.node.Kind == yaml.ScalarNode }

// isEmptyList tells whether the field is a list without elements.
func (f field) isEmptyList() bool {
	return f.set() && f.node.Kind == yaml.SequenceNode && len(f.node.Content) == 0
}
