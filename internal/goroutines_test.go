package internal_test

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// harmless are the goroutines below the orchestrator that do nothing of ours, and what each does.
var harmless = map[string]string{
	"engine/make.go AfterFunc": "ends a context, later",
	"engine/exec.go AfterFunc": "closes a connection",
}

// A goroutine that panics ends the daemon before anything is recorded of it, and the next daemon would meet the same bug
// again. So each that an action may begin does its work in caught, which makes an error of a panic.
func TestGoroutinesAreCaught(t *testing.T) {
	t.Parallel()
	found, caught := map[string]bool{}, 0
	for file, f := range sources(t) {
		room, _, _ := strings.Cut(file, "/")
		if strings.Count(file, "/") > 1 || !slices.Contains([]string{"steps", "engine", "probe", "legacy", "compose", "envfile"}, room) {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			how := begins(n)
			switch {
			case how == "":
			case calls(n, "caught"):
				caught++
			case harmless[file+" "+how] != "":
				found[file+" "+how] = true
			default:
				t.Errorf("%s begins a goroutine (%s) whose panic nobody catches", file, how)
			}
			return true
		})
	}
	if caught < 2 || len(found) != len(harmless) {
		t.Errorf("%d goroutines are caught, and of the harmless there are only %v", caught, found)
	}
}

// begins returns how n begins a goroutine, and nothing where it does not.
func begins(n ast.Node) string {
	switch n := n.(type) {
	case *ast.GoStmt:
		return "go"
	case *ast.CallExpr:
		if s, ok := n.Fun.(*ast.SelectorExpr); ok && slices.Contains([]string{"Go", "TryGo", "AfterFunc"}, s.Sel.Name) {
			return s.Sel.Name
		}
	}
	return ""
}

// calls tells whether a function of this name is called in n.
func calls(n ast.Node, name string) bool {
	var yes bool
	ast.Inspect(n, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok {
			id, ok := c.Fun.(*ast.Ident)
			yes = yes || ok && id.Name == name
		}
		return !yes
	})
	return yes
}
