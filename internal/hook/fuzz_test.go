package hook

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzEnding writes an output in pieces: what is kept does not depend on them, is bounded, is text, and is the end of what
// came, from the beginning of a line on.
func FuzzEnding(f *testing.F) {
	for _, seed := range []string{"", "\n", "one\ntwo\n", "no end", "\n\n\n", strings.Repeat("line\n", 40), "\xff\n\xc3"} {
		f.Add([]byte(seed), uint16(1), uint8(1))
		f.Add([]byte(seed), uint16(7), uint8(200))
	}
	f.Fuzz(func(t *testing.T, text []byte, piece uint16, times uint8) {
		text = bytes.Repeat(text, min(int(times)+1, 1+(4*mostBytes)/(len(text)+1)))
		var whole, parts ending
		_, _ = whole.Write(text)
		for rest := text; len(rest) > 0; {
			n := min(len(rest), int(piece)+1)
			_, _ = parts.Write(rest[:n])
			rest = rest[n:]
		}
		got := parts.String()
		if got != whole.String() {
			t.Fatalf("%d bytes in pieces of %d give another ending", len(text), int(piece)+1)
		}
		if strings.HasPrefix(got, "(a line of more") {
			return
		}
		if !utf8.ValidString(got) || strings.Count(strings.Trim(got, "\n"), "\n") >= mostLines {
			t.Fatalf("%d lines are kept: %q", strings.Count(got, "\n"), got)
		}
		all := strings.ToValidUTF8(string(text), "\uFFFD")
		if before, ok := strings.CutSuffix(all, got); !ok || before != "" && got != "" && !strings.HasSuffix(before, "\n") {
			t.Fatalf("%q is not the end of what came, from the beginning of a line on", got)
		}
	})
}
