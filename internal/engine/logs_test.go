package engine

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzTail writes a log in pieces: what is kept does not depend on them, is bounded, is text, and is the end of what came.
func FuzzTail(f *testing.F) {
	for _, seed := range []string{"", "\n", "one\ntwo\n", "no end", "\xff\xc3\n", strings.Repeat("x", 100)} {
		f.Add([]byte(seed), uint8(3), uint8(10))
		f.Add([]byte(seed), uint8(100), uint8(255))
	}
	f.Fuzz(func(t *testing.T, text []byte, piece, limit uint8) {
		whole, parts := tail{limit: int(limit)}, tail{limit: int(limit)}
		_, _ = whole.Write(text)
		for rest := text; len(rest) > 0; {
			n := min(len(rest), int(piece)+1)
			_, _ = parts.Write(rest[:n])
			rest = rest[n:]
		}
		got := parts.String()
		if got != whole.String() || len(parts.bytes) > int(limit) {
			t.Fatalf("pieces of %d give %q, the whole %q", int(piece)+1, got, whole.String())
		}
		if got == endless {
			return
		}
		if parts.cut && got != "" && !strings.Contains(string(text), "\n") {
			t.Fatalf("%q is a part of the one line that came", got)
		}
		if !utf8.ValidString(got) || !strings.HasSuffix(strings.ToValidUTF8(string(text), "\uFFFD"), strings.TrimLeft(got, "\uFFFD")) {
			t.Fatalf("%q is not the end of what came", got)
		}
	})
}
