package internal_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/failpoint"
)

// named returns the constants of the list of points, each with its value, in their order.
func named(t *testing.T) (names []string, values []failpoint.Point) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join("failpoint", "points.go"), nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if v.Comment.Text() == "" {
			t.Errorf("%s does not say where it stands", v.Names[0].Name)
		}
		names = append(names, v.Names[0].Name)
		values = append(values, failpoint.Point(strings.Trim(v.Values[0].(*ast.BasicLit).Value, `"`)))
		return true
	})
	return names, values
}

func TestEveryPointIsListed(t *testing.T) {
	t.Parallel()
	_, values := named(t)
	if listed := failpoint.Points(); !slices.Equal(values, listed) || len(listed) < 40 {
		t.Errorf("%d points have a name, and %d are listed, or in another order:\n%q\n%q", len(values), len(listed), values, listed)
	}
	if slices.Sort(values); len(slices.Compact(values)) != len(failpoint.Points()) {
		t.Error("two points have one name")
	}
}

// The code comes by every point that is listed, and by no other. A point that it comes by twice would be two places.
func TestEveryPointIsInTheCode(t *testing.T) {
	t.Parallel()
	names, _ := named(t)
	where := map[string][]string{}
	for file, f := range sources(t) {
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || !selects(call.Fun, "failpoint", "Hit") {
				return true
			}
			if point, ok := call.Args[0].(*ast.SelectorExpr); ok && slices.Contains(names, point.Sel.Name) {
				where[point.Sel.Name] = append(where[point.Sel.Name], file)
			} else {
				t.Errorf("%s comes by a point that is not in the list", file)
			}
			return true
		})
	}
	for _, name := range names {
		if len(where[name]) != 1 {
			t.Errorf("%s is come by in %d places: %v", name, len(where[name]), where[name])
		}
	}
}

// selects tells whether an expression is pkg.name.
func selects(e ast.Expr, pkg, name string) bool {
	s, ok := e.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == pkg && s.Sel.Name == name
}

// What is released holds no point: neither a name nor any of the code, which the same search finds where it was built in.
func TestReleaseHoldsNoPoint(t *testing.T) {
	t.Parallel()
	released, armed := binary(t, ""), binary(t, "failpoint")
	tells := []string{"failpoint", "FAILPOINT"}
	for _, p := range failpoint.Points() {
		tells = append(tells, string(p))
	}
	for _, tell := range tells {
		if bytes.Contains(released, []byte(tell)) {
			t.Errorf("%q stands in the release", tell)
		}
		if !bytes.Contains(armed, []byte(tell)) {
			t.Errorf("%q is not found where it must stand", tell)
		}
	}
}

// binary returns fairlead as the Makefile builds it, with one more build tag unless that is empty.
func binary(t *testing.T, tag string) []byte {
	t.Helper()
	recipe, err := exec.CommandContext(t.Context(), "make", "--no-print-directory", "-n", "-C", "..", "build").Output()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "fairlead")
	line := strings.Replace(string(recipe), " -o bin/fairlead ", " -tags '"+tag+"' -o '"+path+"' ", 1)
	if !strings.Contains(line, path) {
		t.Fatalf("the Makefile does not say where the binary goes: %s", recipe)
	}
	build := exec.CommandContext(t.Context(), "sh", "-c", line)
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
