package lint

import (
	"slices"
	"strings"

	"github.com/capakraken/fairlead/internal/envfile"
	"github.com/capakraken/fairlead/internal/secret"
)

const byteOrderMark = "\ufeff"

// Fix returns content in the form that all readers agree on, as far as what is meant is beyond doubt, and how many of
// its lines it changed. Comments and order are kept, and so is every value that Fairlead reads: a line for which that
// could not be shown stays as it is. Fixing the result again changes nothing.
func Fix(content secret.Value) (fixed secret.Value, lines int) {
	before := content.Reveal()
	if len(before) > int(MaxBytes) {
		return content, 0
	}
	text := strings.TrimLeft(before, byteOrderMark)
	if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
		return content, 0 // UTF-16, of which nothing can be told
	}
	if text != before {
		lines++
	}
	var out strings.Builder
	for _, l := range envfile.Lines([]byte(text)) {
		line, crlf := portable(l), l.CRLF && untouchable(l)
		if line != l.Text || crlf != l.CRLF {
			lines++
		}
		out.WriteString(line)
		if crlf {
			out.WriteString("\r")
		}
		if l.Ended {
			out.WriteString("\n")
		}
	}
	return checked(before, out.String(), lines)
}

// portable returns a line as all readers read it alike, or as it is. A comment that stood behind a value comes above it,
// so that one line may become two.
func portable(l envfile.Line) string {
	switch {
	case l.Doubtful || untouchable(l):
		return l.Text
	case !l.Says:
		return strings.TrimLeft(l.Text, blanks)
	case l.Name == "" || slices.ContainsFunc(l.Refused, func(r envfile.Refusal) bool { return r.Rule != "E08" }):
		return l.Text
	}
	left, right, _ := strings.Cut(l.Text, "=")
	text := strings.Trim(right, blanks)
	var above, value string
	if text != "" {
		body, comment := split(text)
		value = unquoted(body)
		if comment != "" && !movable(comment, body != "" && strings.Contains(`'"`, body[:1])) {
			return l.Text
		}
		if comment != "" {
			above = comment + "\n"
		}
	}
	margin := left[:len(left)-len(strings.TrimLeft(left, blanks))]
	if strings.Contains(margin, "\t") {
		margin = ""
	}
	line := margin + l.Name + "=" + value
	if !same(l.Text, line) {
		return l.Text
	}
	return above + line
}

// untouchable tells whether l is a piece of a value, or no text of which anything could be told.
func untouchable(l envfile.Line) bool { return l.Inside || refused(l, "E12", "E13", "E14", "E16") }

// movable tells whether what stands behind a value is surely a comment, and one that can stand on its own line. Behind
// a bare value, text that follows the # at once could belong to a password.
func movable(comment string, behindQuotes bool) bool {
	sure := behindQuotes || len(comment) == 1 || comment[1] == ' '
	return sure && !strings.HasSuffix(comment, `\`)
}

// unquoted returns a value without its quotes, if it holds nothing but what all readers take for itself.
func unquoted(body string) string {
	if len(body) < 2 || body[0] != '\'' && body[0] != '"' || body[len(body)-1] != body[0] {
		return body
	}
	inner := body[1 : len(body)-1]
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_./:@%+,=-", r)
	}
	if strings.ContainsFunc(inner, func(r rune) bool { return !plain(r) }) {
		return body
	}
	return inner
}

// same tells whether Fairlead reads the new line as it does the old one. One that it refuses only for how its export is
// written has no reading to compare.
func same(old, line string) bool {
	before, refusals := envfile.Parse("", []byte(old))
	after, problems := envfile.Parse("", []byte(line))
	if len(problems) > 0 || len(after) != 1 {
		return false
	}
	return len(refusals) > 0 || len(before) == 1 && before[0].Name == after[0].Name && before[0].Value.Equal(after[0].Value)
}

// checked returns what was fixed, unless a variable that Fairlead reads would have another value: then nothing is.
func checked(before, after string, lines int) (secret.Value, int) {
	old, _ := envfile.Parse("", []byte(before))
	now, _ := envfile.Parse("", []byte(after))
	for _, v := range old {
		if w, ok := now.Lookup(v.Name); !ok || !w.Value.Equal(v.Value) {
			return secret.NewValue(before), 0
		}
	}
	return secret.NewValue(after), lines
}
