package compose

import (
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/template"
)

func lookup(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
}

// TestExpandAgreesWithCompose holds the expansion against compose-go's, for every text that both take.
func TestExpandAgreesWithCompose(t *testing.T) {
	vars := map[string]string{"A": "a", "B": "b$A", "EMPTY": "", "_x1": "low"}
	for _, text := range []string{
		"", "plain", "$A", "${A}", "x${A}y$A-z", "$$A", "$$${A}", "$$$$", "${EMPTY}", "$_x1", "${_x1}", "${B}",
		"${A:-d}", "${NO:-d}", "${EMPTY:-d}", "${EMPTY-d}", "${NO-d}", "${NO:-}", "${NO:-${A}}", "${NO:-${NEITHER:-e}}", "${NO:-x${A}y${A}z}",
		"${A:?m}", "${EMPTY?m}", "${A?m}", "${A:+p}", "${EMPTY:+p}", "${EMPTY+p}", "${NO:+p}", "${NO+p}", "${A:+${B}}",
		"${NO:-a-b}", "${NO:-a:-b}", "${NO:-a?b}", "${NO:-http://x:80/y}", `${NO:-{"k":"v"}}`, "${A}${NO:-d}${A}", "é${A}ü",
	} {
		want, err := template.Substitute(text, lookup(vars))
		got, flaws := expand(text, lookup(vars))
		if err != nil || len(flaws) > 0 || got != want {
			t.Errorf("%q: %q (%v), and by compose-go %q (%v)", text, got, flaws, want, err)
		}
	}
}

func TestExpandRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"$":                         "has a $ that begins no variable",
		"$1":                        "has a $ that begins no variable",
		"${}":                       "has a $ that begins no variable",
		"${A":                       "has a $ that begins no variable",
		"${A/x/y}":                  "has a $ that begins no variable",
		"${ A }":                    "has a $ that begins no variable",
		"$NO":                       "uses the variable NO, which no env source sets",
		"${NO}":                     "uses the variable NO, which no env source sets",
		"${NO:?}":                   "needs the variable NO, which no env source gives a value",
		"${EMPTY:?say it}":          "needs the variable EMPTY (say it), which no env source gives a value",
		"${NO:-${ALSO}}":            "uses the variable ALSO, which no env source sets",
		strings.Repeat("${NO:-", 9): "has a $ that begins no variable",
	} {
		_, flaws := expand(text, lookup(map[string]string{"A": "a", "EMPTY": ""}))
		if len(flaws) != 1 || flaws[0].what != want {
			t.Errorf("%q: %v", text, flaws)
		}
	}
}

func TestMentioned(t *testing.T) {
	for text, want := range map[string][]string{
		"plain": nil, "$$A ${} $1": nil, "$A": {"A"}, "$$$A": {"A"}, "x${A}y$B.": {"A", "B"}, "${A:?m}": {"A"}, "${A": {"A"},
		"${A-${B}}": {"A", "B"}, "${A:+${B}}": {"A", "B"}, "${A:+${B-$C}}": {"A", "B", "C"}, "${A:-$$B}": {"A"},
	} {
		if got := mentioned(text); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func FuzzExpand(f *testing.F) {
	for _, seed := range []string{"$A", "${A:-x}", "${NO:?m}", "${NO:-${A}}", "$$", "${", "${A:+{}}", "${A:+${NO-$A}}$$A", "${A:-x$}$NO"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		vars, names := lookup(map[string]string{"A": "v", "EMPTY": ""}), mentioned(text)
		out, flaws := expand(text, func(name string) (string, bool) {
			if !slices.Contains(names, name) {
				t.Errorf("%q takes %s, and that is not among %q", text, name, names)
			}
			return vars(name)
		})
		if !strings.Contains(text, "$") && (out != text || len(flaws) > 0) {
			t.Errorf("%q became %q (%v)", text, out, flaws)
		}
		if len(out) > len(text) {
			t.Errorf("%q grew to %q with a value of one byte", text, out)
		}
	})
}
