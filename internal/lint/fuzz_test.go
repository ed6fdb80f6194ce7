package lint_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/envfile"
	"github.com/capakraken/fairlead/internal/lint"
	"github.com/capakraken/fairlead/internal/secret"
)

// corpus returns the texts that the fuzzers begin with.
func corpus(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/cases/*.env")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	texts := []string{"", "\ufeff", "\ufeff\ufeffA=1\n", "\ufeff\xff\xfeA\nB=1\n", "\xfe\xff", "A=\"\"\nB\nC=\"\"\n", "A=1 # c\\\n", "A= #x\n", "A=x\n  \n  B=2\n",
		"export  A='b'  # c\r\n", "A=~\nUID=1\n# \\\n\tB=1\n", "A='b' # c", "A=\"a\n b\r\nc\"\r\nD='x'\r\n", "=\n", "A==\n", "A=x\u2028y\nB=x\ufeffy\n", "A=\u00a0x\n"}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(content))
	}
	return texts
}

// FuzzLint holds that a line which Fairlead refuses has an error and the other way round, that findings are in order,
// and that they name a place in the file.
func FuzzLint(f *testing.F) {
	for _, text := range corpus(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		report := check(text)
		lines := strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n")
		refused, last := 0, 1
		for _, finding := range report.Findings {
			if finding.Refused {
				refused++
			}
			if finding.Line < last || finding.Line > len(lines) || finding.Column < 1 || finding.Column > len(lines[finding.Line-1])+1 {
				t.Errorf("finding %+v is not in order, or outside of the file", finding)
			}
			last = finding.Line
			if !lint.Known(finding.Rule) || strings.ContainsFunc(finding.Text+finding.Instead, func(r rune) bool { return r < ' ' }) {
				t.Errorf("finding %+v", finding)
			}
		}
		if _, problems := envfile.Parse("f", []byte(text)); len(problems) <= 100 && report.Left() == 0 && refused != len(problems) {
			t.Errorf("%d findings are of what Fairlead refuses, which has %d problems: %q", refused, len(problems), problems)
		}
	})
}

// FuzzFix holds that a fixed file keeps every value that Fairlead reads, has no more findings than before, and that
// fixing it again changes nothing.
func FuzzFix(f *testing.F) {
	for _, text := range corpus(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fixed, lines := lint.Fix(secret.NewValue(text))
		if (lines == 0) != (fixed.Reveal() == text) {
			t.Errorf("%d lines were changed, to %q", lines, fixed.Reveal())
		}
		before, _ := envfile.Parse("f", []byte(text))
		after, _ := envfile.Parse("f", []byte(fixed.Reveal()))
		for _, v := range before {
			if !after.Value(v.Name).Equal(v.Value) {
				t.Errorf("%s is %q, and was %q", v.Name, after.Value(v.Name).Reveal(), v.Value.Reveal())
			}
		}
		old, now := check(text), check(fixed.Reveal())
		if now.Errors > old.Errors || now.Errors+now.Warnings > old.Errors+old.Warnings { // what is refused no more may be warned of
			t.Errorf("%d errors and %d warnings became %d and %d: %q", old.Errors, old.Warnings, now.Errors, now.Warnings, fixed.Reveal())
		}
		if again, lines := lint.Fix(fixed); lines != 0 || !again.Equal(fixed) {
			t.Errorf("fixed twice, %q becomes %q", fixed.Reveal(), again.Reveal())
		}
	})
}

// FuzzSecrecy holds that no finding shows a piece of a value, however it is written: its letters, j and z, stand in no
// message.
func FuzzSecrecy(f *testing.F) {
	for _, value := range []string{"jz#zj", "j'z", "$jz", "`jz`", "j\\z", "jé # z", "j\tz", "zj\nz=j'z\njz==", "-----BEGIN K\nzj=jz'j", "=j\x00z", "\u00a0zj", "j\n\nz\"\n z=zz\"z", "~jz"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		value = strings.Map(func(r rune) rune {
			switch {
			case r >= 'a' && r <= 'm', r >= 'A' && r <= 'M', r >= '0' && r <= '4', r == '_':
				return 'j'
			case r >= 'n' && r <= 'z', r >= 'N' && r <= 'Z', r >= '5' && r <= '9':
				return 'z'
			}
			return r
		}, value)
		line, double, single := strings.ReplaceAll(value, "\n", ""), strings.ReplaceAll(value, `"`, ""), strings.ReplaceAll(value, `'`, "")
		for _, text := range []string{line, `"` + line + `"`, `'` + line + `'`, line + " # c", `"` + double, `'` + single, `"` + double + `" # c`, `'` + single + `'`,
			"-----BEGIN K-----\n" + value, "-----BEGIN K-----\n" + value + "\n-----END K-----"} {
			for _, finding := range check("A=1\nB=" + text + "\nC=3\nB=4\n").Findings {
				if said := plainWords(finding.Text + finding.Instead); strings.ContainsAny(said, "jz") {
					t.Errorf("%q gives the finding %+v", text, finding)
				}
			}
		}
	})
}

// plainWords returns text without the words of the messages that have a j or a z in them.
func plainWords(text string) string {
	return strings.NewReplacer("JavaScript", "", "a-z", "", "A-Z", "").Replace(text)
}
