package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// revealers are the only files that may take a secret's value out of its wrapping, and what each does with it. This is
// the static half of the promise that a value never leaves memory but into the container's environment: whoever adds a
// file here says who the value's rightful receiver is.
var revealers = map[string]string{
	"secret/value.go":       "compares it in constant time, and counts its bytes",
	"secret/fingerprint.go": "feeds it to the keyed hash",
	"secret/spec.go":        "holds it against its declared format",
	"secret/redact.go":      "looks for it in foreign text",
	"compose/compose.go":    "puts it into the place of its variable in a service definition",
	"engine/create.go":      "hands it to the Engine as the container's environment",
	"engine/auth.go":        "makes the registry's credentials of it",
	"engine/images.go":      "hands the registry's credentials to the Engine",
	"engine/reach.go":       "hands the registry's credentials to the Engine",
	"probe/http.go":         "sends it in a header to the service that it belongs to",
	"envfile/envfile.go":    "reads the variables in it",
	"envsource/age.go":      "opens an encrypted env file with its key",
	"envfile/rewrite.go":    "writes it back into the file it came from",
	"lint/lint.go":          "looks for what readers of an env file differ on",
	"lint/fix.go":           "writes it in another form",
	"legacy/dsn.go":         "takes the address of the database apart",
	"legacy/function.go":    "makes the salted hash of it that the database compares with",
	"legacy/connect.go":     "hands the password to the database's driver",
	"steps/residue.go":      "takes the fingerprint of the database's address",
	"steps/clear.go":        "takes the fingerprint of the database's address",
}

// sources yields each file that the daemon may be made of, by its path below internal.
func sources(t *testing.T) map[string]*ast.File {
	t.Helper()
	all, set := map[string]*ast.File{}, token.NewFileSet()
	for _, p := range packages(t) {
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(set, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			all[p.name()+"/"+name] = f
		}
	}
	return all
}

// selected returns the names that the file selects of anything: the Reveal of v.Reveal, called or not.
func selected(f *ast.File) []string {
	var names []string
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			names = append(names, s.Sel.Name)
		}
		return true
	})
	return names
}

func TestWhoRevealsSecrets(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	for file, f := range sources(t) {
		if !slices.Contains(selected(f), "Reveal") {
			continue
		}
		found[file] = true
		if revealers[file] == "" {
			t.Errorf("%s takes secret values out of their wrapping, and is not among those that may", file)
		}
	}
	for _, file := range slices.Sorted(maps.Keys(revealers)) {
		if !found[file] {
			t.Errorf("%s may reveal secrets, and does not: take it off the list", file)
		}
	}
}

func TestNothingHappensAtInit(t *testing.T) {
	t.Parallel()
	for file, f := range sources(t) {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s has an init: what a package needs is handed to it", file)
			}
		}
		for _, i := range f.Imports {
			if i.Name != nil && (i.Name.Name == "_" || i.Name.Name == ".") {
				t.Errorf("%s imports %s for its side effects, or without a name", file, i.Path.Value)
			}
		}
	}
}

// The ground floor is told the time; what it builds from a journal must be the same whenever it is built.
func TestGroundFloorHasNoClock(t *testing.T) {
	t.Parallel()
	clock := []string{"Now", "Since", "Until", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Sleep"}
	for file, f := range sources(t) {
		room, _, _ := strings.Cut(file, "/")
		if !slices.Contains(ground, room) {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clock, s.Sel.Name) {
				t.Errorf("%s asks for the time with time.%s", file, s.Sel.Name)
			}
			return true
		})
	}
}
