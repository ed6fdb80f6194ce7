package compose

import (
	"regexp"
	"strings"
)

// maxNesting is how deep defaults may stand in defaults.
const maxNesting = 8

// expansion replaces the variables of one text: $NAME, ${NAME}, ${NAME:-default}, ${NAME:?message}, ${NAME:+other},
// the same without the colon, and $$ for a dollar sign. This is Compose's syntax, and where compose-go finds a value
// this finds the same. It is not left to compose-go, because that puts an unset variable's blank silently into the
// middle of a default, and tells only of the first fault, in words that quote the text.
type expansion struct {
	lookup func(name string) (string, bool)
	flaws  []flaw
}

// flaw is what is wrong with a text.
type flaw struct {
	unset     bool // a variable that has no value; otherwise the syntax is wrong
	what, fix string
}

// expand returns text with its variables replaced, and what is wrong with it.
func expand(text string, lookup func(string) (string, bool)) (string, []flaw) {
	e := expansion{lookup: lookup}
	out := e.run(text, 0)
	return out, e.flaws
}

func (e *expansion) run(text string, depth int) string {
	var out strings.Builder
	for {
		before, after, found := strings.Cut(text, "$")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		name := variableName.FindString(after)
		switch {
		case strings.HasPrefix(after, "$"):
			out.WriteByte('$')
			text = after[1:]
		case strings.HasPrefix(after, "{"):
			body, rest, closed := braced(after)
			if !closed || depth == maxNesting {
				e.syntax()
				return out.String()
			}
			out.WriteString(e.choose(body, depth+1))
			text = rest
		case name != "":
			out.WriteString(e.plain(name))
			text = after[len(name):]
		default:
			e.syntax()
			text = after
		}
	}
}

// variableName is a variable's name at the beginning of a text.
var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*`)

// braced splits {body}rest. Braces inside the body are balanced.
func braced(text string) (body, rest string, closed bool) {
	open := 0
	for i, r := range text {
		switch r {
		case '{':
			open++
		case '}':
			open--
		}
		if open == 0 {
			return text[1:i], text[i+1:], true
		}
	}
	return "", "", false
}

// choose returns what the inside of ${…} stands for.
func (e *expansion) choose(body string, depth int) string {
	name := variableName.FindString(body)
	rest := body[len(name):]
	operator := rest[:min(1, len(rest))]
	if operator == ":" {
		operator = rest[:min(2, len(rest))]
	}
	word := rest[len(operator):]
	if name == "" {
		e.syntax()
		return ""
	}
	value, set := e.lookup(name)
	given := set && (value != "" || !strings.HasPrefix(operator, ":"))
	switch strings.TrimPrefix(operator, ":") {
	case "-":
		if given {
			return value
		}
		return e.run(word, depth)
	case "+":
		if given {
			return e.run(word, depth)
		}
		return ""
	case "?":
		if !given {
			e.required(name, word)
		}
		return value
	}
	if operator != "" {
		e.syntax()
		return ""
	}
	return e.plain(name)
}

func (e *expansion) plain(name string) string {
	value, set := e.lookup(name)
	if !set {
		e.flaws = append(e.flaws, flaw{unset: true, what: "uses the variable " + name + ", which no env source sets",
			fix: "set it there, or give a default: ${" + name + ":-…}"})
	}
	return value
}

func (e *expansion) required(name, message string) {
	what := "needs the variable " + name
	if message != "" && !strings.Contains(message, "$") {
		what += " (" + message + ")"
	}
	e.flaws = append(e.flaws, flaw{unset: true, what: what + ", which no env source gives a value", fix: "set it there"})
}

func (e *expansion) syntax() {
	e.flaws = append(e.flaws, flaw{what: "has a $ that begins no variable", fix: "write $$ for a dollar sign, or ${NAME}, ${NAME:-default} or ${NAME:?message}"})
}

// taken is a dollar sign that stands for itself, or the beginning of a variable.
var taken = regexp.MustCompile(`\$\$|\$\{?([A-Za-z_][A-Za-z0-9_]*)`)

// mentioned returns the names of the variables that a text may take the values of, whichever of them are set: those in
// defaults count as well, however deep they stand.
func mentioned(text string) []string {
	var names []string
	for _, match := range taken.FindAllStringSubmatch(text, -1) {
		if name := match[1]; name != "" {
			names = append(names, name)
		}
	}
	return names
}
