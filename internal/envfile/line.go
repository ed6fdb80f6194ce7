package envfile

import (
	"slices"
	"strings"
)

// blanks is the white space that may stand around a name and a value.
const blanks = " \t"

// entry is what one line says by the rules of this package.
type entry struct {
	name  string // empty where the line has no proper one
	value value
	fault kind // of the line or its name; the value has its own
}

// readLine reads one line without its end. It reports false for a line that says nothing: a blank one or a comment.
func readLine(line string) (entry, bool) {
	text := strings.Trim(line, blanks)
	if text == "" || text[0] == '#' {
		return entry{}, false
	}
	left, right, found := strings.Cut(text, "=")
	switch {
	case !found && foreignEdge(text):
		return entry{fault: foreignSpace}, true
	case !found:
		return entry{fault: noSeparator}, true
	}
	var e entry
	e.name, e.fault = readName(left)
	e.value = readValue(right)
	if e.value.open == 0 && foreignEdge(right) {
		e.value.fault = foreignSpace
	}
	return e, true
}

// goesOn reports whether the lines below may belong to the value of this one.
func (e entry) goesOn() bool {
	cut := []kind{noSeparator, noName, badName, unclosed, openKey, continuation}
	return slices.Contains(cut, e.fault) || slices.Contains(cut, e.value.fault)
}

// regular reports whether e looks like an assignment that somebody meant to write, and not like a piece of the value
// above: not even the last line of a base64 text, which may end in an equals sign.
func (e entry) regular() bool {
	return e.name != "" && e.name == strings.ToUpper(e.name) && e.value.raw != "" && e.value.raw[0] != '='
}

// readName reads what stands before the separator. The text of an improper name is not returned: it may be a piece of
// a value that went over into this line.
func readName(left string) (string, kind) {
	name := strings.Trim(left, blanks)
	if rest, ok := strings.CutPrefix(name, "export"); ok && rest != "" && strings.Contains(blanks, rest[:1]) {
		name = strings.Trim(rest, blanks)
		// One blank is what every reader that knows the prefix understands.
		if len(rest) != len(name)+1 || rest[0] != ' ' {
			return ProperName(name), exportSpacing
		}
	}
	switch {
	case name == "":
		return "", noName
	case ProperName(name) != "":
		return name, none
	case foreignEdge(name):
		return "", foreignSpace
	}
	return "", badName
}

// ProperName returns name, or nothing when it is not made of letters, digits and underscores.
func ProperName(name string) string {
	for i, r := range name {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return ""
		}
	}
	return name
}

// foreignEdge reports whether s begins or ends in white space that some readers trim and others keep, such as a
// no-break space.
func foreignEdge(s string) bool {
	s = strings.Trim(s, blanks)
	return strings.TrimSpace(s) != s
}
