package secret

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// MinRedacted is the length in bytes from which a value is looked for in foreign text. A shorter one, such as "true",
// would be found everywhere.
const MinRedacted = 8

// MinSecret is the length in bytes from which a value is looked for that is known to be a secret: a log with too much
// blacked out harms nobody.
const MinSecret = 4

// Redactor finds the values of an environment in text that came from outside, such as a container's log.
type Redactor struct{ needles func() []needle }

type needle struct{ text, name string }

// NewRedactor returns a Redactor for all values of env that are MinRedacted bytes or longer, and for the passwords
// inside those that are URLs, raw and as JSON, URL, base64 and hexadecimal text.
func NewRedactor(env Env) Redactor { return newRedactor(env, MinRedacted) }

// NewSecretRedactor is NewRedactor for an environment that holds nothing but secrets: it finds values from MinSecret on.
func NewSecretRedactor(env Env) Redactor { return newRedactor(env, MinSecret) }

func newRedactor(env Env, least int) Redactor {
	seen := map[string]string{}
	add := func(name, text string) {
		if len(text) < least {
			return
		}
		for _, form := range forms(text) {
			if _, ok := seen[form]; !ok && len(form) >= least {
				seen[form] = name
			}
		}
	}
	for _, v := range env {
		text := v.Value.Reveal()
		add(v.Name, text)
		if u, err := url.Parse(text); err == nil && u.User != nil {
			password, _ := u.User.Password()
			add(v.Name, password)
		}
		for line := range strings.Lines(text) { // a log shows a key file line by line
			add(v.Name, strings.TrimSpace(line))
		}
	}
	needles := make([]needle, 0, len(seen))
	for text, name := range seen {
		needles = append(needles, needle{text, name})
	}
	// The longest first, so that a value which contains another is replaced whole.
	slices.SortFunc(needles, func(a, b needle) int {
		if d := len(b.text) - len(a.text); d != 0 {
			return d
		}
		return strings.Compare(a.text, b.text)
	})
	return Redactor{needles: func() []needle { return needles }}
}

// Redact returns text with every value replaced by its variable's name in brackets.
func (r Redactor) Redact(text string) string {
	if r.needles == nil {
		return text
	}
	for _, n := range r.needles() {
		text = strings.ReplaceAll(text, n.text, "["+n.name+"]")
	}
	return text
}

// Found returns the names of the variables whose value stands in text, sorted, each once.
func (r Redactor) Found(text string) []string {
	if r.needles == nil {
		return nil
	}
	var names []string
	for _, n := range r.needles() {
		if strings.Contains(text, n.text) {
			names = append(names, n.name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// forms returns the ways in which a program is likely to write text down.
func forms(text string) []string {
	out := []string{text, url.QueryEscape(text), url.PathEscape(text), hex.EncodeToString([]byte(text)), strings.ToUpper(hex.EncodeToString([]byte(text)))}
	if quoted, err := json.Marshal(text); err == nil {
		out = append(out, string(quoted[1:len(quoted)-1]))
	}
	// A value in the middle of a base64 text starts at one of three offsets; the digits at either edge also depend on
	// the neighbours, so they are left out.
	for offset := range 3 {
		padded := slices.Concat(make([]byte, offset), []byte(text))
		whole := len(padded) / 3 * 3
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			s := enc.EncodeToString(padded[:whole])
			if offset > 0 && len(s) > 4 {
				s = s[4:]
			}
			out = append(out, s)
		}
	}
	return out
}
