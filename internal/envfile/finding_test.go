package envfile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWords(t *testing.T) {
	_, problems := Parse("x.env", []byte("A=pa#ss\nB=1\nB=2\nC='one\ntwo'\n"))
	want := []string{
		`x.env:1: the value of A holds a # with no blank before it, at which it would be cut; write it in single quotes, A='…'; if it holds a single quote, in double quotes with \" for " and \\ for \; a comment goes on a line of its own`,
		`x.env:3: B stands here for the second time, and first on line 2; keep the one that is meant; readers differ on which one counts`,
		`x.env:4: the value of C goes over several lines, to line 5; write it on one line in double quotes, with \n for each line break: C="…\n…"`,
	}
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("words (-want +got):\n%s", diff)
	}
}

// TestEveryKindHasWords holds every kind to words of its own, in which all blanks are filled.
func TestEveryKindHasWords(t *testing.T) {
	seen := map[string]kind{}
	for k := none + 1; k <= misread; k++ {
		for _, name := range []string{"", "A"} {
			p := finding{line: 1, kind: k, name: name, other: 2}.problem("x.env")
			if p.What == "" || p.Fix == "" || strings.ContainsAny(p.What+p.Fix, "{}\n") {
				t.Errorf("kind %d: %q", k, p)
			}
			if other, known := seen[p.What]; known && other != k {
				t.Errorf("kinds %d and %d say the same: %s", other, k, p.What)
			}
			seen[p.What] = k
		}
	}
}

func TestManyFaultsAreCut(t *testing.T) {
	_, problems := Parse("x.env", []byte(strings.Repeat("nothing\n", mostProblems+7)))
	if len(problems) != mostProblems+1 {
		t.Fatalf("%d problems", len(problems))
	}
	if last := problems[mostProblems]; last.What != "has 7 more faults" {
		t.Errorf("the last says %q", last)
	}
}
