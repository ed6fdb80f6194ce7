package compose

import "strings"

// words returns a command as compose-go split it. A text with a shell's operator in it is refused: no shell runs it, and
// compose-go would drop the operator and all that follows.
func (d *definition) words(it *item, words []string) []string {
	if it.kind == scalarItem && operates(it.text) {
		d.bad(it.position, "has a shell's operator (; & | < >), but no shell runs it", `write ["sh", "-c", "…"], or put the character in quotes`)
	}
	return words
}

// operates tells whether an operator of the shell stands outside of quotes.
func operates(command string) bool {
	var quote rune
	escaped := false
	for _, r := range command {
		switch {
		case escaped:
			escaped = false
		case r == '\\' && quote != '\'':
			escaped = true
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '"' || r == '\'':
			quote = r
		case strings.ContainsRune(";&|<>", r):
			return true
		}
	}
	return false
}
