package fault

import "strings"

// longestKey is how much of a key is shown, in bytes.
const longestKey = 80

// Key returns what may be shown of a key in somebody's file. A line of an env file that was pasted where a key belongs is a
// key with its value in it, so all that stands behind the first = is left out.
func Key(name string) string {
	shown := name
	if i := strings.IndexFunc(shown, func(r rune) bool { return r == '=' || r < ' ' }); i >= 0 {
		shown = shown[:i]
	}
	shown = shown[:min(len(shown), longestKey)]
	if shown == name {
		return name
	}
	return strings.ToValidUTF8(shown, "") + "…"
}
