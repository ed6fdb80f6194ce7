package rollout

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/rollout/rollouttest"
)

// docs/state-model.md says of every state and action what the machine does, no more and no less.
func TestStatePage(t *testing.T) {
	t.Parallel()
	page, m := rollouttest.Open(t, statePage), modelled(t)
	for heading, facts := range map[string]rollouttest.Facts{"## States": m.states, "## Actions": m.actions} {
		if diff := cmp.Diff(facts, page.Table(heading), dropEmpty); diff != "" {
			t.Errorf("below %q (-the machine +the page):\n%s", heading, diff)
		}
	}
	if diff := cmp.Diff(m.edges, page.Edges("## Diagram")); diff != "" {
		t.Errorf("the diagram (-the machine +the page):\n%s", diff)
	}
}

// dropEmpty lets an empty cell be one that nobody has filled.
var dropEmpty = cmp.FilterValues(func(_, _ map[string]rollouttest.Set) bool { return true },
	cmp.Transformer("filled", func(row map[string]rollouttest.Set) map[string]string {
		out := map[string]string{}
		for column, words := range row {
			if len(words) > 0 {
				out[column] = strings.Join(slices.Sorted(maps.Keys(words)), ", ")
			}
		}
		return out
	}))

// Every kind has its row with its steps, and every kind is walked.
func TestStatePageKinds(t *testing.T) {
	t.Parallel()
	want := rollouttest.Facts{}
	for _, kind := range constants(t, "Kind") {
		if !slices.Contains(walkable, Kind(kind)) {
			t.Errorf("the kind %q is not walked", kind)
		}
		for _, step := range Kind(kind).Steps() {
			want.Add(kind, "steps", string(step))
		}
	}
	got := rollouttest.Open(t, statePage).Table("## Kinds")
	for _, row := range got {
		delete(row, "what it is for")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the kinds (-the machine +the page):\n%s", diff)
	}
}

// No word of the machine is missing on the page.
func TestStatePageWords(t *testing.T) {
	t.Parallel()
	page := rollouttest.Open(t, statePage)
	for _, typ := range []string{"Phase", "Mark", "Verb", "Step", "Outcome", "EventType"} {
		for _, word := range constants(t, typ) {
			if word != "" && !page.Says("`"+word+"`") && !page.Says("**"+word+"**") {
				t.Errorf("the page does not know the %s %q", strings.ToLower(typ), word)
			}
		}
	}
}

// constants returns the values of this package's constants of a type.
func constants(t *testing.T, typ string) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, "_test.go") {
			values = append(values, constantsIn(f, typ)...)
		}
	}
	if len(values) == 0 {
		t.Fatalf("there are no constants of type %s", typ)
	}
	return values
}

func constantsIn(f *ast.File, typ string) []string {
	var values []string
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		name, ok := spec.Type.(*ast.Ident)
		for i := 0; ok && name.Name == typ && i < len(spec.Values); i++ {
			if text, ok := spec.Values[i].(*ast.BasicLit); ok {
				value, _ := strconv.Unquote(text.Value)
				values = append(values, value)
			}
		}
		return true
	})
	return values
}
