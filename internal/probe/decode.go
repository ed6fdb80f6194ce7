package probe

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/itchyny/gojq"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// How much a service may say of itself. An answer is journalled, so it must stay small.
const (
	maxVersion = 128 // bytes
	maxName    = 128 // bytes
	maxSource  = 64  // bytes
	maxSecrets = 256
)

// decode reads {healthy, version, secrets} strictly. Its problem names the field and never what stands in it.
func decode(v any) (workload.Answer, *fault.Problem) {
	o := reader{path: "the status"}
	o.open(v, "healthy", "version", "secrets")
	a := workload.Answer{Healthy: value[bool](&o, "healthy")}
	if o.object["version"] != nil { // an app that does not know its version may say null
		a.Version = o.text("version", maxVersion)
	}
	if list, ok := o.object["secrets"]; ok && o.problem == nil {
		a.Secrets, o.problem = decodeSecrets(list)
	}
	if o.problem != nil {
		return workload.Answer{}, o.problem
	}
	return a, nil
}

func decodeSecrets(v any) ([]workload.Report, *fault.Problem) {
	list, ok := v.([]any)
	switch {
	case !ok:
		return nil, &fault.Problem{Where: "secrets", What: "is " + typeOf(v) + " and not a list"}
	case len(list) > maxSecrets:
		return nil, &fault.Problem{Where: "secrets", What: fmt.Sprintf("has more than %d entries", maxSecrets)}
	}
	reports := make([]workload.Report, 0, len(list))
	for i, e := range list {
		o := reader{path: fmt.Sprintf("secrets[%d]", i)}
		o.open(e, "name", "source", "present")
		r := workload.Report{Name: o.text("name", maxName), Source: secret.Source(o.text("source", maxSource)), Present: value[bool](&o, "present")}
		twice := slices.ContainsFunc(reports, func(other workload.Report) bool { return other.Name == r.Name })
		switch {
		case o.problem != nil:
			return nil, o.problem
		case r.Name == "":
			return nil, &fault.Problem{Where: o.path + ".name", What: "is empty"}
		case twice:
			return nil, &fault.Problem{Where: o.path + ".name", What: "names a secret that the list has named before"}
		}
		reports = append(reports, r)
	}
	return reports, nil
}

// reader reads the fields of one object and keeps the first problem.
type reader struct {
	path    string
	object  map[string]any
	problem *fault.Problem
}

// open takes v for the object, which may have the known fields only.
func (o *reader) open(v any, known ...string) {
	object, ok := v.(map[string]any)
	if !ok {
		o.fail("", "is "+typeOf(v)+" and not an object")
		return
	}
	o.object = object
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if !slices.Contains(known, name) {
			o.fail("", "has the unknown field "+quoted(name)+"; known are "+strings.Join(known, ", "))
		}
	}
}

// value returns the field called name, which must be there and of type T.
func value[T bool | string](o *reader, name string) T {
	var zero T
	v, ok := o.object[name]
	if !ok {
		o.fail(name, "is missing")
		return zero
	}
	typed, ok := v.(T)
	if !ok {
		o.fail(name, "is "+typeOf(v)+" and not "+typeOf(zero))
	}
	return typed
}

// text returns the string field called name, which may have up to limit bytes, all of them printable.
func (o *reader) text(name string, limit int) string {
	s := value[string](o, name)
	switch {
	case len(s) > limit:
		o.fail(name, fmt.Sprintf("is longer than %d bytes", limit))
	case !printable(s):
		o.fail(name, "holds characters that cannot be printed")
	}
	return s
}

func (o *reader) fail(field, what string) {
	if o.problem != nil {
		return
	}
	where := o.path
	switch {
	case field != "" && where == "the status":
		where = field
	case field != "":
		where += "." + field
	}
	o.problem = &fault.Problem{Where: where, What: what}
}

// quoted returns a field's name for people, unless it is more than a name.
func quoted(name string) string {
	if len(name) > 40 || !printable(name) {
		return "(a long or unprintable name)"
	}
	return fmt.Sprintf("%q", name)
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

func typeOf(v any) string {
	switch t := gojq.TypeOf(v); t {
	case "null":
		return t
	case "array", "object":
		return "an " + t
	default:
		return "a " + t
	}
}

// size returns n bytes for people.
func size(n int64) string {
	if n%(1<<20) == 0 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}
