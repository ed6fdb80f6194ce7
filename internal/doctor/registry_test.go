package doctor

import (
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
)

// A mirror is asked as the registry is, and never more than a warning: a rollout can do without it.
func TestMirrorsAreAsked(t *testing.T) {
	s := newScene(t)
	s.Config.Registry.Mirrors = map[string][]string{"registry.example.com": {"one.example.com", "two.example.com", "three.example.com"}}
	s.astray = map[string]error{
		"one.example.com/shop": fault.New(fault.NotFound, "no such image"),
		"two.example.com/shop": fault.New(fault.Unavailable, "cannot be reached"),
	}
	r := Examine(t.Context(), s.Patient)
	for _, want := range []string{"registry one.example.com/shop: the mirror answers", "registry three.example.com/shop: the mirror has three.example.com/shop:2.0.0"} {
		if !has(r, OK, want, "") {
			t.Errorf("nothing says %q in %+v", want, r)
		}
	}
	if !has(r, Warning, "registry two.example.com/shop: cannot be reached", "registry.mirrors") || len(unlike(r)) != 1 {
		t.Errorf("%+v", unlike(r))
	}
}
