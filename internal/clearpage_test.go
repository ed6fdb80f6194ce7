package internal_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// scenario is a line of the table in docs/clear.md: what is wrong, the test, and the reason where there is a fixed one.
var scenario = regexp.MustCompile("(?m)^\\| ([^|`]+) \\| `(internal/\\w+|e2e) (Test\\w+)(?:/([^`]+))?` \\| (?:`([^`]+)`|[^|`]+) \\|$")

// TestTheClearPage holds docs/clear.md against the tests: each one that it names is there, with its case, and the reason
// stands in one of them.
func TestTheClearPage(t *testing.T) {
	page, err := os.ReadFile("../docs/clear.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "\n|---|---|---|\n")
	lines := strings.Count(table, "\n")
	found := scenario.FindAllStringSubmatch(table, -1)
	if len(found) != lines || len(found) < 30 {
		t.Errorf("%d of %d lines are scenarios", len(found), lines)
	}
	seen := map[string]bool{}
	for _, s := range found {
		what, dir, test, part, reason := s[1], s[2], s[3], s[4], s[5]
		if seen[what] {
			t.Errorf("%s: stands there twice", what)
		}
		seen[what] = true
		text := testOf(t, dir, test)
		switch {
		case text == "":
			t.Errorf("%s: there is no %s in %s", what, test, dir)
		case part != "" && !strings.Contains(text, `"`+part+`"`):
			t.Errorf("%s: %s has no case %q", what, test, part)
		case !strings.Contains(text, reason) && !strings.Contains(sourceOf(t, dir), reason):
			t.Errorf("%s: %s does not say %q", what, test, reason)
		}
	}
}

// testOf returns the text of the file in which the test is, and of that with its table, if the test has one of its own.
func testOf(t *testing.T, dir, test string) string {
	t.Helper()
	for _, text := range read(t, dir, "*_test.go") {
		if strings.Contains(text, "\nfunc "+test+"(t *testing.T)") {
			return text
		}
	}
	return ""
}

// sourceOf returns what a room says itself, where its tests expect only a part of it.
func sourceOf(t *testing.T, dir string) string { return strings.Join(read(t, dir, "*.go"), "\n") }

func read(t *testing.T, dir, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("..", dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(text))
	}
	return out
}
