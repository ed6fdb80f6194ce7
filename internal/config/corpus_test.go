package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/fault"
)

func files(t testing.TB, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		t.Fatalf("no files in %s (%v)", pattern, err)
	}
	return found
}

func content(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestGoodFilesLoad(t *testing.T) {
	for _, file := range append(files(t, "testdata/good/*.yaml"), files(t, "../../configs/*.yaml")...) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			if _, err := Parse("fairlead.yaml", content(t, file)); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestBadFilesSayWhy compares every word: a bad file begins with the messages that it must give, one a line.
func TestBadFilesSayWhy(t *testing.T) {
	for _, file := range files(t, "testdata/bad/*.yaml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text := content(t, file)
			_, err := Parse("fairlead.yaml", text)
			if fault.KindOf(err) != fault.Refused {
				t.Fatalf("want a refusal, got %v", err)
			}
			var got []string
			for _, p := range fault.ProblemsOf(err) {
				got = append(got, p.String())
			}
			if diff := cmp.Diff(expected(text), got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Error("a secret is quoted")
			}
		})
	}
}

// expected returns the messages at the head of a bad file.
func expected(text []byte) []string {
	var want []string
	for line := range strings.Lines(string(text)) {
		message, ok := strings.CutPrefix(line, "#: ")
		if !ok {
			break
		}
		want = append(want, strings.TrimSuffix(message, "\n"))
	}
	return want
}
