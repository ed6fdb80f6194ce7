package lint_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/lint"
	"github.com/capakraken/fairlead/internal/secret"
)

// check returns the report on an env file's text.
func check(text string) lint.Report { return lint.Check(secret.NewValue(text)) }

// broken returns the ids of the rules that the report names, each once and sorted.
func broken(r lint.Report) []string {
	var ids []string
	for _, f := range r.Findings {
		ids = append(ids, f.Rule)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// TestCases holds the linter against fifty inputs that were given to all ten readers: it names what the readers were seen
// to differ on, and nothing of the four inputs on which they agree.
func TestCases(t *testing.T) {
	tests := map[string]string{
		"01-plain":                    "",
		"02-space-around-eq":          "E17",
		"03-trailing-space":           "E17",
		"04-inline-comment":           "E03",
		"05-hash-no-space":            "E02",
		"06-double-quoted":            "E01",
		"07-single-quoted":            "E01",
		"08-dollar-bare":              "E04",
		"09-dollar-brace-default":     "E04",
		"10-dollar-dquote":            "E01 E04",
		"11-dollar-squote":            "E01 E04",
		"12-dollar-num-bcrypt":        "E04",
		"13-cmd-subst":                "E05",
		"14-backslash-bare":           "E06",
		"15-backslash-dquote":         "E01 E06",
		"16-backslash-dquote-unknown": "E06",
		"17-backslash-squote":         "E01 E06",
		"18-multiline-dquote":         "E07",
		"19-pem-unquoted-multiline":   "E07",
		"20-line-continuation":        "E07 E09",
		"21-export-prefix":            "E08",
		"22-no-equals":                "E09",
		"23-empty-value":              "E01",
		"24-duplicate-key":            "E10",
		"25-bom":                      "E11",
		"26-crlf":                     "E01 E12",
		"27-nul":                      "E13",
		"28-invalid-utf8":             "E14",
		"29-unterminated-dquote":      "E07",
		"30-quote-mid-value":          "E18",
		"31-quote-concat":             "E18",
		"32-comment-full-line":        "E20",
		"33-key-dash-dot":             "E15",
		"34-key-space":                "E15",
		"35-key-digit":                "E15",
		"36-utf8-then-comment":        "E03",
		"37-colon-separator":          "E09",
		"38-backtick-quote":           "E05 E18",
		"39-semicolon-amp":            "E05",
		"40-long-line-70k":            "E16",
		"41-hash-in-dquote":           "E01 E03",
		"42-url-dsn":                  "E02 E05",
		"43-leading-space":            "",
		"44-equals-in-value":          "",
		"45-json":                     "E18",
		"46-tilde":                    "E19",
		"47-no-final-newline":         "",
		"48-lone-cr":                  "E12",
		"49-squote-multiline":         "E07",
		"50-nbsp":                     "E17",
	}
	files, err := filepath.Glob("testdata/cases/*.env")
	if err != nil || len(files) != len(tests) {
		t.Fatalf("%d files and %d cases: %v", len(files), len(tests), err)
	}
	for name, want := range tests {
		content, err := os.ReadFile(filepath.Join("testdata/cases", name+".env"))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(broken(check(string(content))), " "); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestFindings decides where exactly findings are, and how much they matter: + stands for an error, ! for one that
// Fairlead refuses.
func TestFindings(t *testing.T) {
	for content, want := range map[string]string{
		"A=x?y=*[1]{2}!^%\nB=café\nC=a~b\n# it's \"so\"\n\n": "",
		"  A=bar\n":                        "",
		"A=a$b\n":                          "1:4 E04",
		"A=$2b$10$abc\n":                   "1:3 E04",
		"A='a$b'\n":                        "1:3 E01, 1:5 E04",
		"A=x$(id)\n":                       "1:4 E05+",
		"A=\"x`id`\"\n":                    "1:3 E01, 1:5 E05+",
		"A='$(id)'\n":                      "1:3 E01, 1:4 E04",
		"A=p;ss\n":                         "1:4 E05",
		"A=Acme Corp\n":                    "1:7 E05",
		"A='p;ss & co'\n":                  "1:3 E01",
		"A=\"p;ss\"\n":                     "1:3 E01",
		"A=x:~/y\n":                        "1:5 E19",
		"A=bar # c\n":                      "1:7 E03",
		"A= # c\n":                         "1:3 E17, 1:4 E03",
		"A='b' # c\n":                      "1:7 E03, 1:3 E01",
		"A=\"b\\\" # c\" # d\n":            "1:13 E03, 1:3 E01, 1:5 E06",
		"A =bar\n":                         "1:2 E17",
		"A= bar\n":                         "1:3 E17",
		"A=bar \t\n":                       "1:6 E17",
		"export A=bar\n":                   "1:1 E08",
		"export  A=bar\n":                  "1:1 E08+!",
		"A=1\r\nB=2\r\n":                   "1:4 E12",
		"A=1\rB=2\n":                       "1:4 E12+!",
		"A=x\u2028y\n":                     "1:4 E12",
		"A=x\ufeffy\n":                     "1:4 E11",
		"\ufeffA=1\n":                      "1:1 E11+!",
		"\xff\xfeA\x00":                    "1:1 E14+!",
		"A=1\n \t\nB=2\n":                  "2:1 E20",
		"\tA=1\n":                          "1:1 E20",
		" # c\n":                           "1:1 E20",
		"# c\\\nA=1\n":                     "1:4 E22",
		"UID=5\nBASH_ENV=x\nUIDS=1\n":      "1:1 E21, 2:1 E21",
		"A=1\nA=2 \n":                      "2:1 E10+!, 2:4 E17",
		"A=x\ny\n":                         "2:1 E09+!",
		"A=b\tr\n":                         "1:4 E13+!",
		"A=pa#ss&x`\n":                     "1:5 E02+!, 1:10 E05+",
		"A=\"one\ntwo $(x)\nB=3\"\nC=$x\n": "1:3 E07+!, 4:3 E04",
	} {
		var got []string
		for _, f := range check(content).Findings {
			s := strings.TrimPrefix(at(f), ":") + " " + f.Rule
			if f.Severity == lint.Error {
				s += "+"
			}
			if f.Refused {
				s += "!"
			}
			got = append(got, s)
		}
		if diff := cmp.Diff(want, strings.Join(got, ", ")); diff != "" {
			t.Errorf("%q (-want +got)\n%s", content, diff)
		}
	}
}
