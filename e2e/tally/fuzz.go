package main

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// enough is how many inputs a fuzzer must have executed. A fuzzer that hangs in its first input, or was stopped before it
// came to any, would pass otherwise. The floor is far below what a fuzzer does in its time on a slow machine, and far
// above what its seeds are.
const enough = 5000

// floorMark stands in the doc comment of a fuzzer whose inputs are dear, before the floor of its own.
const floorMark = "fuzz floor:"

// fuzzers returns a stage for each fuzzer under root, in the order of their names.
func fuzzers(root string) ([]stage, error) {
	var found []stage
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		here, err := fuzzersIn(path)
		found = append(found, here...)
		return err
	})
	slices.SortFunc(found, func(a, b stage) int { return cmp.Compare(a.name, b.name) })
	return found, err
}

// fuzzersIn returns a stage for each fuzzer in one file.
func fuzzersIn(path string) ([]stage, error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var found []stage
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Fuzz") {
			continue
		}
		floor, err := floorOf(f.Doc.Text())
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", path, f.Name.Name, err)
		}
		found = append(found, fuzzer(filepath.ToSlash(filepath.Dir(path)), f.Name.Name, floor))
	}
	return found, nil
}

// floorOf returns the floor that a doc comment states, or the usual one.
func floorOf(doc string) (int, error) {
	lines := bufio.NewScanner(strings.NewReader(doc))
	for lines.Scan() {
		if text, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), floorMark); ok {
			word, _, _ := strings.Cut(strings.TrimSpace(text), " ")
			n, err := strconv.Atoi(strings.TrimRight(word, ",.;"))
			if err != nil || n <= 0 {
				return 0, fmt.Errorf("%q states no number above 0", lines.Text())
			}
			return n, nil
		}
	}
	return enough, lines.Err()
}

// fuzzer is the stage of one fuzzer. Its time counts from where the seeds are through; nothing is made smaller, since a
// finding is as good as it comes and the time for that would be the next fuzzer's.
func fuzzer(dir, name string, floor int) stage {
	return stage{name: dir + "." + name, floor: floor, argv: []string{"go", "test", "-run", "^$", "-fuzz", "^" + name + "$",
		"-fuzztime", "10s", "-fuzzminimizetime", "1x", "./" + dir}}
}

// progress is what go test says of a fuzzer every few seconds, and at its end.
var progress = regexp.MustCompile(`^fuzz: elapsed: .*, execs: ([0-9]+) `)

// tired is the whole complaint of a fuzzer whose time ended while go test itself was at work between two inputs: it then takes
// the end of the time that it was given for a fault (golang/go issue 75804). A finding says more.
const tired = "context deadline exceeded"

// onlyTired tells whether a fuzzer failed, and has nothing else to say.
func (c *count) onlyTired() bool { return len(c.complaint) == 1 && c.complaint[0] == tired }

// takePlain takes in a line that is no JSON.
func (c *count) takePlain(line []byte) {
	text := string(bytes.TrimSpace(line))
	switch {
	case strings.HasPrefix(text, "--- FAIL: "):
		c.complains, c.complaint = true, nil
	case text == "FAIL":
		c.complains = false
	case c.complains && text != "":
		c.complaint = append(c.complaint, text)
	}
	if m := progress.FindSubmatch(bytes.TrimSpace(line)); m != nil {
		c.execs, _ = strconv.Atoi(string(m[1])) // the newest counts; digits alone that are too many leave the largest number
	}
}
