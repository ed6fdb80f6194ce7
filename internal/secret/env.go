package secret

import (
	"fmt"
	"slices"
	"strings"
)

// Origin is where a variable was read: a file and a line, or another source's name with line 0.
type Origin struct {
	Source string
	Line   int
}

// String returns "source:line", or the source alone where there is no line.
func (o Origin) String() string {
	if o.Line == 0 {
		return o.Source
	}
	return fmt.Sprintf("%s:%d", o.Source, o.Line)
}

// Var is one variable of an environment.
type Var struct {
	Name   string
	Value  Value
	Origin Origin
}

// Env is an environment: each name once, sorted by name. Names and origins may be shown, values never.
type Env []Var

// NewEnv returns the environment of vars. Of several variables with one name the last wins.
func NewEnv(vars ...Var) Env { return Env(nil).Under(vars) }

// Lookup returns the variable called name.
func (e Env) Lookup(name string) (Var, bool) {
	i, ok := e.search(name)
	if !ok {
		return Var{}, false
	}
	return e[i], true
}

// Value returns the value of the variable called name; an absent one is empty.
func (e Env) Value(name string) Value {
	v, _ := e.Lookup(name)
	return v.Value
}

// With returns e with v added, or put in the place of the variable of that name. It does not change e.
func (e Env) With(v Var) Env {
	i, ok := e.search(v.Name)
	out := slices.Clone(e)
	if ok {
		out[i] = v
		return out
	}
	return slices.Insert(out, i, v)
}

// Under returns e with vars over it, which may stand in any order; of several with one name the last wins. It changes
// neither. An env file may hold a hundred thousand variables, so they are not put in one by one.
func (e Env) Under(vars []Var) Env {
	all := slices.Concat(e, vars)
	slices.SortStableFunc(all, func(a, b Var) int { return strings.Compare(a.Name, b.Name) })
	out := all[:0]
	for i, v := range all {
		if i+1 == len(all) || all[i+1].Name != v.Name {
			out = append(out, v)
		}
	}
	clear(all[len(out):]) // no value stays where nobody looks for it
	return out
}

// Names returns the variables' names, sorted.
func (e Env) Names() []string {
	names := make([]string, len(e))
	for i, v := range e {
		names[i] = v.Name
	}
	return names
}

func (e Env) search(name string) (int, bool) {
	return slices.BinarySearchFunc(e, name, func(v Var, n string) int { return strings.Compare(v.Name, n) })
}
