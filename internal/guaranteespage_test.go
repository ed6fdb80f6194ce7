package internal_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// attack is a test that docs/guarantees.md names with its room.
var attack = regexp.MustCompile("`((?:internal|e2e)[/\\w]*) (Test\\w+)`")

// TestTheGuaranteesPage holds docs/guarantees.md against the tests: each one that it names is there, and no promise of the
// design is without one.
func TestTheGuaranteesPage(t *testing.T) {
	page, err := os.ReadFile("../docs/guarantees.md")
	if err != nil {
		t.Fatal(err)
	}
	parts := regexp.MustCompile(`(?m)^## \d\. `).Split(string(page), -1)
	if len(parts) != 10 {
		t.Fatalf("%d promises, want nine", len(parts)-1)
	}
	for _, part := range parts[1:] {
		promise, _, _ := strings.Cut(part, "\n")
		found := attack.FindAllStringSubmatch(part, -1)
		if len(found) < 3 {
			t.Errorf("%s: attacked by %d tests only", promise, len(found))
		}
		for _, a := range found {
			if testOf(t, a[1], a[2]) == "" {
				t.Errorf("%s: there is no %s in %s", promise, a[2], a[1])
			}
		}
		for line := range strings.Lines(part) {
			if strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| attack |") && !attack.MatchString(line) {
				t.Errorf("%s: this attack names no test: %s", promise, line)
			}
		}
	}
}
