package engine

import (
	"regexp"
	"slices"
	"strings"

	"github.com/capakraken/fairlead/internal/secret"
)

// withheldText stands in the place of a text that held a secret.
const withheldText = "CHANGE"

// withholding takes secrets out of texts and remembers where it found one. It knows the values of the environment, and the
// usual ways of writing a secret without one.
type withholding struct {
	redactor secret.Redactor
	places   []string
}

var (
	// withLogin matches an address with a password in it.
	withLogin = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^/\s@]*:[^/\s@]+@`)
	// assignment matches an option, a variable or a header with its value in one text.
	assignment = regexp.MustCompile(`(?:--?|\b)([A-Za-z][A-Za-z0-9_.-]*)(?:=|:\s?|\s+)\S`)
)

func (w *withholding) found(place string) string {
	if !slices.Contains(w.places, place) {
		w.places = append(w.places, place)
	}
	return withheldText
}

// tells reports whether the text holds a secret.
func (w *withholding) tells(text string) bool {
	if len(w.redactor.Found(text)) > 0 || withLogin.MatchString(text) {
		return true
	}
	for rest := text; ; {
		m := assignment.FindStringSubmatchIndex(rest)
		if m == nil {
			return false
		}
		if secret.LooksSecret(rest[m[2]:m[3]]) {
			return true
		}
		rest = rest[m[3]:]
	}
}

// words returns a command without its secrets: those that stand in a word, and the word behind an option that asks for one.
func (w *withholding) words(place string, words []string) []string {
	out := slices.Clone(words)
	for i, word := range out {
		asked := i > 0 && strings.HasPrefix(words[i-1], "-") && secret.LooksSecret(words[i-1])
		if asked || w.tells(word) {
			out[i] = w.found(place)
		}
	}
	return out
}

// named returns texts without their secrets; a name alone can give one away.
func (w *withholding) named(place string, texts map[string]string) map[string]string {
	for name, text := range texts {
		if secret.LooksSecret(name) || strings.Contains(strings.ToLower(name), "auth") || w.tells(text) {
			texts[name] = w.found(place + "." + name)
		}
	}
	slices.Sort(w.places)
	return texts
}
