package hook

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/command"
	"github.com/capakraken/fairlead/internal/fault"
)

// script writes a program and returns its path.
func script(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hook")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+strings.Join(lines, "\n")+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func run(t *testing.T, words []string, variables ...string) (string, error) {
	t.Helper()
	return New(command.New(os.Getuid())).Run(t.Context(), t.Name(), words, variables)
}

// A hook's words and variables are passed on, and what it said before it failed is there.
func TestRun(t *testing.T) {
	said, err := run(t, []string{script(t, `echo "$1 $FAIRLEAD_APP"; exit 3`), "a b"}, "FAIRLEAD_APP=shop")
	if said != "a b shop\n" || fault.KindOf(err) != fault.Refused || fault.Text(err) != "its exit code is 3" {
		t.Errorf("got %q, %v", said, err)
	}
	if p := New(command.New(os.Getuid())).Check("/no/such/hook"); len(p) != 1 || !strings.Contains(p[0].What, "does not exist") {
		t.Errorf("got %v", p)
	}
}

// Only the last of the output is kept, however much there is.
func TestOutput(t *testing.T) {
	var all []string
	for i := range 40 {
		all = append(all, fmt.Sprintf("line %d", i+1))
	}
	for name, tt := range map[string]struct{ script, want string }{
		"nothing":        {":", ""},
		"both streams":   {"echo out; echo err >&2", "out\nerr\n"},
		"no last line":   {"printf 'a\nb'", "a\nb"},
		"many lines":     {"seq -f 'line %g' 40", strings.Join(all[20:], "\n") + "\n"},
		"many megabytes": {"head -c 5000000 /dev/zero | tr '\\0' x; echo; echo end", "end\n"},
		"one long line":  {"head -c 300000 /dev/zero | tr '\\0' x", "(a line of more than 64 KiB)\n"},
		"no text":        {`printf 'a\377b\n'`, "a\uFFFDb\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if out, err := run(t, []string{script(t, tt.script)}); err != nil || out != tt.want {
				t.Errorf("got %q, %v; want %q", out, err, tt.want)
			}
		})
	}
}

// The end is the same however the text is cut into writes.
func TestEndingInPieces(t *testing.T) {
	text := strings.Repeat(strings.Repeat("x", 9_000)+"\n", 40)
	var want string
	for _, size := range []int{len(text), 1000, 32 << 10, 7} {
		var e ending
		for piece := range slices.Chunk([]byte(text), size) {
			if n, err := e.Write(piece); n != len(piece) || err != nil {
				t.Fatal(n, err)
			}
		}
		if want == "" {
			want = e.String()
		}
		if got := e.String(); got != want || strings.Count(got, "\n") != 7 || len(got)%9001 != 0 {
			t.Errorf("in pieces of %d: %d bytes", size, len(got))
		}
		if cap(e.text) > 8*mostBytes {
			t.Errorf("it holds %d bytes", cap(e.text))
		}
	}
}
