package draft

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode"
)

// bare matches a text that YAML takes for a text without quotes, whatever stands around it.
var bare = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9_./@+-]*$`)

// quoted returns text as one YAML scalar that is a text.
func quoted(text string) string {
	switch strings.ToLower(text) {
	case "true", "false", "yes", "no", "on", "off", "y", "n", "null":
	default:
		if bare.MatchString(text) {
			return text
		}
	}
	// JSON's texts are YAML's as well.
	out := &strings.Builder{}
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a text can always be encoded
	return strings.TrimSuffix(out.String(), "\n")
}

// composed returns text as it stands in a service definition, where a dollar sign begins a variable.
func composed(text string) string { return quoted(strings.ReplaceAll(text, "$", "$$")) }

// composedList returns texts as a list on one line.
func composedList(texts []string) string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = composed(t)
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// printable returns text without what would end a comment.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
}
