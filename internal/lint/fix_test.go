package lint_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/lint"
	"github.com/capakraken/fairlead/internal/secret"
)

// TestFix decides what is beyond doubt, and what is left to its owner.
func TestFix(t *testing.T) {
	for name, tt := range map[string]struct {
		text, want string // what is wanted; as it is where it is empty
		lines      int
	}{
		"portable already":               {text: "# a\nA=b\n\n  B=c"},
		"white space":                    {"A = b \t\n\tB=c\n \t\n  # d\n", "A=b\nB=c\n\n# d\n", 4},
		"line ends":                      {"A=b\r\n# c\r\n\r\nB=d", "A=b\n# c\n\nB=d", 3},
		"a byte order mark":              {"\ufeffA=b\n", "A=b\n", 1},
		"export":                         {"export A=b\nexport   B=c\n", "A=b\nB=c\n", 2},
		"quotes":                         {"A='b'\nB=\"\"\nC=\"d/e:f@g%h+i,j=k-l_m\"\n", "A=b\nB=\nC=d/e:f@g%h+i,j=k-l_m\n", 3},
		"quotes that are needed":         {text: "A='b c'\nB=\"$d\"\nC='é'\nD='~'\nE='b\\'\n"},
		"a comment behind a value":       {"A=b # c\nB='d'  #e # f\nC= # g", "# c\nA=b\n#e # f\nB=d\n# g\nC=", 3},
		"a comment that may be a value":  {text: "A=b #c\nB= #d\n"},
		"a comment that would go on":     {text: "A=b # c\\\n"},
		"white space beside such":        {text: "A = b #c\n"},
		"a needed quote, and a comment":  {"A='b c' # d\n", "# d\nA='b c'\n", 1},
		"what Fairlead refuses":          {text: "A=b#c \nB=it's \nA-B = c\n = d\n"},
		"what is given twice":            {"A='b'\nA='c'\n", "A=b\nA='c'\n", 1},
		"a value over several lines":     {text: "A=\"b\n  # c\r\n B = d\"\n"},
		"what may belong to such a one":  {text: "A=\"b\n  # c\n B = d\n"},
		"a line of another kind of text": {"A='b'\nB='\xff' \nC='\x00' \n", "A=b\nB='\xff' \nC='\x00' \n", 1},
		"UTF-16":                         {text: "\xff\xfeA\x00=\x00"},
	} {
		want := tt.want
		if want == "" {
			want = tt.text
		}
		fixed, lines := lint.Fix(secret.NewValue(tt.text))
		if diff := cmp.Diff(want, fixed.Reveal()); diff != "" || lines != tt.lines {
			t.Errorf("%s: %d lines (-want +got)\n%s", name, lines, diff)
		}
	}
}
