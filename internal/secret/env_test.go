package secret_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/secret"
)

func vars(names ...string) []secret.Var {
	out := make([]secret.Var, len(names))
	for i, name := range names {
		out[i] = secret.Var{Name: name, Value: secret.NewValue(fmt.Sprint(i)), Origin: secret.Origin{Line: i}}
	}
	return out
}

// Under gives what With gives one by one, and leaves alone what it is made of.
func TestUnder(t *testing.T) {
	for _, c := range []struct{ below, above []string }{
		{nil, nil}, {nil, []string{"B", "A", "B"}}, {[]string{"C", "A"}, nil}, {[]string{"A", "B", "D"}, []string{"D", "C", "A", "D", "E"}},
	} {
		below, above := secret.NewEnv(vars(c.below...)...), vars(c.above...)
		want, before, given := below, slices.Clone(below), slices.Clone(above)
		for _, v := range above {
			want = want.With(v)
		}
		if got := below.Under(above); !alike(got, want) {
			t.Errorf("%v under %v gives %v, want %v", c.below, c.above, got, want)
		}
		if !alike(below, before) || !alike(above, given) {
			t.Errorf("%v under %v has changed one of them", c.below, c.above)
		}
	}
}

// An env file of 1 MiB may hold a hundred thousand variables. Put in one by one they took minutes.
func TestUnderMany(t *testing.T) {
	names := make([]string, 200_000)
	for i := range names {
		names[i] = fmt.Sprintf("A%d", i)
	}
	begun := time.Now()
	e := secret.NewEnv(vars(names...)...)
	if took := time.Since(begun); len(e) != len(names) || took > 10*time.Second { // a second, if nobody else is at work
		t.Errorf("%d variables took %s", len(e), took)
	}
}

func alike(a, b []secret.Var) bool {
	return slices.EqualFunc(a, b, func(x, y secret.Var) bool {
		return x.Name == y.Name && x.Origin == y.Origin && x.Value.Equal(y.Value)
	})
}
