package envsource

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/capakraken/fairlead/internal/envfile"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

// fromJSON returns the variables of one flat JSON object of strings. A number or a truth value is refused, since it can be
// written in several ways and an environment has one; so is anything nested, and a name that stands there twice.
func fromJSON(label string, content []byte) (envfile.File, error) {
	f := envfile.File{Path: label, Env: secret.Env{}}
	if what := unreadable(content); what != "" {
		return envfile.File{}, problem(label, what, "it must print one JSON object in UTF-8, such as {\"NAME\": \"value\"}")
	}
	r := reading{label: label, content: content, tokens: json.NewDecoder(bytes.NewReader(content)), lines: map[string]int{}, file: &f}
	r.tokens.UseNumber()
	whole := r.object()
	if !whole && len(r.problems) == 0 {
		r.wrong(r.line(), "is not one JSON object", "it must print {\"NAME\": \"value\", …} and nothing else")
	}
	if !whole {
		return envfile.File{}, refused(r.problems) // what comes behind the fault is not known
	}
	slices.Sort(f.Faulty)
	f.Faulty = slices.Compact(f.Faulty)
	f.Env = slices.DeleteFunc(f.Env, func(v secret.Var) bool {
		_, faulty := slices.BinarySearch(f.Faulty, v.Name)
		return faulty
	})
	slices.SortFunc(f.Env, func(a, b secret.Var) int { return strings.Compare(a.Name, b.Name) })
	return f, refused(r.problems)
}

// unreadable returns what makes a text none that JSON's reader would take as it is: it puts another character in the place of
// what it cannot decode, and the value would be another one.
func unreadable(content []byte) string {
	switch {
	case bytes.HasPrefix(content, []byte("\xef\xbb\xbf")):
		return "prints a byte order mark"
	case !utf8.Valid(content):
		return "prints what is not in UTF-8"
	case halfPair(content):
		return "prints half of a surrogate pair (\\ud800 to \\udfff), which is no character"
	}
	return ""
}

// halfPair looks for an escape of a surrogate without its other half. Outside of strings there are no backslashes.
func halfPair(content []byte) bool {
	unit := func(i int) (uint64, bool) {
		if i+6 > len(content) || content[i] != '\\' || content[i+1] != 'u' {
			return 0, false
		}
		n, err := strconv.ParseUint(string(content[i+2:i+6]), 16, 16)
		return n, err == nil
	}
	for i := 0; i < len(content); i++ {
		if content[i] != '\\' {
			continue
		}
		switch n, ok := unit(i); {
		case !ok, n < 0xd800 || n > 0xdfff:
			i++ // what is escaped
		case n >= 0xdc00:
			return true
		default:
			if low, ok := unit(i + 6); !ok || low < 0xdc00 || low > 0xdfff {
				return true
			}
			i += 11
		}
	}
	return false
}

// reading is one pass over a JSON object.
type reading struct {
	label    string
	content  []byte
	tokens   *json.Decoder
	lines    map[string]int // where a name stood first
	file     *envfile.File
	problems []fault.Problem
	breaks   int // before counted
	counted  int // how much of the content was looked through for line breaks
}

// object reads the whole text, and tells whether it is one object and nothing else.
func (r *reading) object() bool {
	if first, err := r.tokens.Token(); err != nil || first != json.Delim('{') {
		return false
	}
	for r.tokens.More() {
		key, err := r.tokens.Token()
		name, ok := key.(string)
		if err != nil || !ok {
			return false
		}
		line := r.line()
		value, err := r.tokens.Token()
		if err != nil || !r.entry(name, line, value) {
			return false
		}
	}
	if last, err := r.tokens.Token(); err != nil || last != json.Delim('}') {
		return false
	}
	_, err := r.tokens.Token()
	return errors.Is(err, io.EOF)
}

// entry takes one name with its value, and tells whether the reading can go on.
func (r *reading) entry(name string, line int, value json.Token) bool {
	if envfile.ProperName(name) == "" {
		r.wrong(line, "has a name that is none of a variable", "use letters, digits and _, not beginning with a digit")
		return r.skip(value)
	}
	if first, twice := r.lines[name]; twice {
		r.refuse(name, line, fmt.Sprintf("%s stands there for the second time, and first on line %d", name, first), "print it once")
		return r.skip(value)
	}
	r.lines[name] = line
	const asText = "print it as a string, in double quotes"
	switch v := value.(type) {
	case string:
		if what := text(v); what != "" {
			r.refuse(name, line, name+" "+what, "print plain text")
			return true
		}
		r.file.Env = append(r.file.Env, secret.Var{Name: name, Value: secret.NewValue(v), Origin: secret.Origin{Source: r.label, Line: line}}) // sorted at the end
	case json.Number:
		r.refuse(name, line, name+" is a number, which can be written in several ways", asText)
	case bool:
		r.refuse(name, line, name+" is a truth value and not a string", asText)
	case nil:
		r.refuse(name, line, name+" is null", `print "" where it is meant to be empty, or leave it out`)
	default:
		r.refuse(name, line, name+" is an object or a list", "print one flat object: most clients can be told which part to print")
	}
	return r.skip(value)
}

// skip reads what stands inside of an object or a list.
func (r *reading) skip(value json.Token) bool {
	depth := 0
	for {
		switch value {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return true
		}
		var err error
		if value, err = r.tokens.Token(); err != nil {
			return false
		}
	}
}

func (r *reading) refuse(name string, line int, what, fix string) {
	r.wrong(line, what, fix)
	r.file.Faulty = append(r.file.Faulty, name)
}

// mostProblems is how many faults are told one by one.
const mostProblems = 100

func (r *reading) wrong(line int, what, fix string) {
	if len(r.problems) < mostProblems {
		r.problems = append(r.problems, fault.Problem{Where: fmt.Sprintf("%s:%d", r.label, line), What: what, Fix: fix})
	}
}

// line returns the line on which the last token ends.
func (r *reading) line() int {
	end := int(r.tokens.InputOffset())
	r.breaks += bytes.Count(r.content[r.counted:end], []byte("\n"))
	r.counted = end
	return 1 + r.breaks
}
