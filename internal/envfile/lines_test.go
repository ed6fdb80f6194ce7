package envfile

import (
	"strings"
	"testing"
)

func TestLinesAsTheyAreWritten(t *testing.T) {
	const text = "\ufeff# c\r\nA=1\r\n\nB=\"x\ny\"\nno\nabc=\nC=3"
	var got []string
	for n, l := range Lines([]byte(text)) {
		s := l.Text + "|" + l.Name + "|"
		for _, flag := range []struct {
			on   bool
			mark string
		}{{l.CRLF, "c"}, {l.Doubtful, "d"}, {l.Inside, "i"}, {!l.Ended, "l"}, {l.Says, "s"}} {
			if flag.on {
				s += flag.mark
			}
		}
		for _, r := range l.Refused {
			s += "|" + r.Rule
		}
		got = append(got, s)
		if n != len(got) {
			t.Errorf("line %d has number %d", len(got), n)
		}
	}
	want := []string{"# c||c|E11", "A=1|A|cs", "||", `B="x|B|s|E07`, `y"||i`, "no||s|E09", "abc=||ds", "C=3|C|dls"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("lines\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestEveryRefusalHasItsRule holds that a kind of refusal belongs to a rule, and only what nobody foresaw to the last.
func TestEveryRefusalHasItsRule(t *testing.T) {
	for k := none + 1; k < misread; k++ {
		if id := k.rule(); id == "E18" && k != quoteInside && k != behind {
			t.Errorf("kind %d belongs to %s", k, id)
		}
	}
}
