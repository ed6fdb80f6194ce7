package secret

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestPlaceholders(t *testing.T) {
	for _, text := range []string{"changeme", "CHANGE_ME", "change-me-please", "replace me", "your-api-key", "Your_Key", "xxx", "XXXXXXXX", "xxxx-xxxx",
		"<insert here>", "<>", "todo", "...", " changeme "} {
		if got := (Spec{}).Check(NewValue(text)); !slices.Equal(got, []string{"still holds a placeholder"}) {
			t.Errorf("%q: %q", text, got)
		}
	}
	for _, text := range []string{"sk-live-4f", "xx", "xxylophone", "yours", "<half", "exchange", "0xxx", "a.b.c"} {
		if got := (Spec{}).Check(NewValue(text)); len(got) > 0 {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		spec  Spec
		value string
		want  string
	}{
		"required and empty":   {Spec{Required: true}, "", "is required and empty"},
		"optional and empty":   {Spec{MinLength: 20}, "", ""},
		"only white space":     {Spec{Required: true}, "   ", "holds only white space"},
		"too short":            {Spec{MinLength: 20}, canary, "is shorter than 20 bytes"},
		"long enough":          {Spec{MinLength: 19}, canary, ""},
		"pattern":              {Spec{Pattern: regexp.MustCompile(`^sk-`)}, canary, "does not match the pattern ^sk-"},
		"pattern kept":         {Spec{Pattern: regexp.MustCompile(`^c4`)}, canary, ""},
		"no URL":               {Spec{URL: true}, canary, "is not an absolute URL"},
		"no URL, unparseable":  {Spec{URL: true}, "http://" + canary + "\x7f", "is not an absolute URL"},
		"URL without a host":   {Spec{URL: true}, "mailto:" + canary, "is not an absolute URL"},
		"URL":                  {Spec{URL: true}, "https://" + canary + ".example/x", ""},
		"none of the allowed":  {Spec{OneOf: []string{"a", "b"}}, canary, "is none of the allowed values"},
		"one of the allowed":   {Spec{OneOf: []string{"a", canary}}, canary, ""},
		"two faults at a time": {Spec{MinLength: 90, URL: true}, canary, "is shorter than 90 bytes; is not an absolute URL"},
	} {
		got := strings.Join(c.spec.Check(NewValue(c.value)), "; ")
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if strings.Contains(got, canary[:6]) {
			t.Errorf("%s: quotes the value", name)
		}
	}
}

func TestEnv(t *testing.T) {
	e := environment("B", "1", "A", "2", "B", "3")
	if got := e.Names(); !slices.Equal(got, []string{"A", "B"}) {
		t.Errorf("names %v", got)
	}
	if e.Value("B").Reveal() != "3" || !e.Value("C").IsEmpty() {
		t.Error("the last of two variables does not win, or an absent one has a value")
	}
	more := e.With(Var{Name: "A", Value: NewValue("9")})
	if e.Value("A").Reveal() != "2" || more.Value("A").Reveal() != "9" {
		t.Error("With changes what it is called on")
	}
	if got := (Origin{"f", 3}).String() + " " + (Origin{"db", 0}).String(); got != "f:3 db" {
		t.Errorf("origins are %q", got)
	}
}
