// Package rollouttest reads docs/state-model.md for the tests that hold it against the code.
package rollouttest

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// Set holds words.
type Set map[string]bool

// Add puts words into the set.
func (s Set) Add(words ...string) {
	for _, w := range words {
		s[w] = true
	}
}

// Facts says what stands in each cell: by row, by column, the words.
type Facts map[string]map[string]Set

// Add puts words into the cell of a row and a column. With no words it stays as it is, or becomes an empty one.
func (f Facts) Add(row, column string, words ...string) {
	if f[row] == nil {
		f[row] = map[string]Set{}
	}
	if f[row][column] == nil {
		f[row][column] = Set{}
	}
	f[row][column].Add(words...)
}

// Page is a page of the documentation.
type Page struct {
	testing.TB
	lines []string
}

// Open reads a page.
func Open(t testing.TB, path string) *Page {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return &Page{t, strings.Split(string(text), "\n")}
}

// Table returns the table below a heading: its first column names the rows. The words of a cell stand between commas,
// and a dash is an empty cell. Marks that only change how it looks are left out.
func (p *Page) Table(heading string) Facts {
	p.Helper()
	var rows [][]string
	for _, line := range p.section(heading) {
		if strings.HasPrefix(line, "|") {
			rows = append(rows, strings.Split(strings.Trim(line, "|"), "|"))
		} else if len(rows) > 0 {
			break
		}
	}
	if len(rows) < 3 {
		p.Fatalf("there is no table below %q", heading)
	}
	out := Facts{}
	for _, row := range rows[2:] {
		name := plain(row[0])
		if out[name] != nil || len(row) != len(rows[0]) {
			p.Errorf("below %q, the row of %q is there twice, or not as long as the first", heading, name)
			continue
		}
		for i, cell := range row[1:] {
			column := plain(rows[0][i+1])
			out.Add(name, column)
			for word := range strings.SplitSeq(plain(cell), ",") {
				if word = strings.TrimSpace(word); word != "" && word != "–" {
					out.Add(name, column, word)
				}
			}
		}
	}
	return out
}

// Edges returns the edges of the diagram below a heading, each as "from --> to", with the words at it.
func (p *Page) Edges(heading string) map[string]Set {
	p.Helper()
	out := map[string]Set{}
	for _, line := range p.section(heading) {
		edge, words, ok := strings.Cut(line, " : ")
		if edge = strings.TrimSpace(edge); !strings.Contains(edge, " --> ") {
			continue
		}
		if !ok || out[edge] != nil {
			p.Errorf("below %q, the edge %q is there twice, or without words", heading, edge)
		}
		out[edge] = Set{}
		for word := range strings.SplitSeq(words, ",") {
			out[edge].Add(strings.TrimSpace(word))
		}
	}
	return out
}

// Says tells whether a text stands on the page.
func (p *Page) Says(text string) bool {
	return slices.ContainsFunc(p.lines, func(l string) bool { return strings.Contains(l, text) })
}

// section returns the lines between a heading and the next one.
func (p *Page) section(heading string) []string {
	p.Helper()
	start := slices.Index(p.lines, heading)
	if start < 0 {
		p.Fatalf("the page has no heading %q", heading)
	}
	rest := p.lines[start+1:]
	if end := slices.IndexFunc(rest, func(l string) bool { return strings.HasPrefix(l, "#") }); end >= 0 {
		return rest[:end]
	}
	return rest
}

func plain(cell string) string {
	return strings.TrimSpace(strings.NewReplacer("`", "", "*", "").Replace(cell))
}
