package envfile

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/go-envparse"

	"github.com/capakraken/fairlead/internal/secret"
)

// parsing is the one pass over a file's lines, and then what it found.
type parsing struct {
	lines    []string
	marks    []uint8        // what else is kept of each line
	vars     []secret.Var   // their origins still without the source
	first    map[string]int // the line on which a name stood first
	findings []finding
	refused  map[string]bool // the names of lines with a fault
	doubt    bool            // what looks like a name may be a piece of a value above
	read     []assigned      // what is still to be held against go-envparse
}

func parse(content []byte) *parsing {
	lines, whole := readText(string(content))
	p := &parsing{lines: lines, marks: make([]uint8, len(lines)), first: map[string]int{}, refused: map[string]bool{}}
	if whole != none {
		p.note(finding{line: 1, kind: whole})
	}
	for i := 0; i < len(lines); {
		i += p.take(i)
	}
	for some := range slices.Chunk(p.read, together) {
		p.confirm(some)
	}
	p.read = nil
	slices.SortStableFunc(p.findings, func(a, b finding) int { return cmp.Compare(a.line, b.line) })
	return p
}

// assigned is what the line at an index says, as this package reads it.
type assigned struct {
	index int
	entry entry
}

func (p *parsing) note(f finding) {
	p.findings = append(p.findings, f)
	if f.name != "" {
		p.refused[f.name] = true
	}
}

// take reads the entry that begins at index i, and returns the number of lines that it occupies.
func (p *parsing) take(i int) int {
	line := i + 1
	e, meant := readLine(p.lines[i])
	if p.doubt {
		p.marks[i] |= doubtful
	}
	if p.doubt && !e.regular() {
		e.name = ""
	}
	if k := checkText(p.lines[i]); k != none {
		p.note(finding{line: line, kind: k, name: e.name}) // and no more: with its bytes in doubt, a line cannot be judged
		p.doubt = p.doubt || e.goesOn()
		return 1
	}
	if !meant {
		return 1
	}
	p.marks[i] |= says
	if e.fault != none {
		p.note(finding{line: line, kind: e.fault, name: e.name})
	}
	unique := p.register(e.name, line)
	if end, ok := p.block(i, e.value); ok {
		p.note(finding{line: line, kind: spread, name: e.name, other: end + 1})
		for j := i + 1; j <= end; j++ {
			p.marks[j] |= inside
		}
		return end + 1 - i
	}
	p.doubt = p.doubt || e.goesOn()
	if e.value.fault != none {
		p.note(finding{line: line, kind: e.value.fault, name: e.name})
		return 1
	}
	if e.fault != none || e.name == "" || !unique {
		return 1
	}
	p.read = append(p.read, assigned{i, e})
	return 1
}

// register notes that name stands on line, and reports whether that is its only place so far.
func (p *parsing) register(name string, line int) bool {
	first, known := p.first[name]
	switch {
	case name == "":
		return true
	case known:
		p.note(finding{line: line, kind: duplicate, name: name, other: first})
		return false
	}
	p.first[name] = line
	return true
}

// block returns the index of the line on which a value ends that begins at index i and goes over several lines. The
// lines between are pieces of a secret, and are not to be looked at as entries.
func (p *parsing) block(i int, v value) (int, bool) {
	var ends func(string) (last, ok bool)
	switch {
	case v.open != 0:
		ends = func(line string) (bool, bool) { return closes(line, v.open) }
	case v.fault == openKey:
		ends = closesKey
	default:
		return 0, false
	}
	for j := i + 1; j < len(p.lines); j++ {
		if last, ok := ends(p.lines[j]); last {
			return j, ok
		}
	}
	return 0, false
}

// closes looks for the partner of an open quote in line: the first such quote is it when nothing but a comment stands
// behind it, and otherwise it belongs to something else.
func closes(line string, quote byte) (last, ok bool) {
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '\\' && quote == '"':
			i++
		case line[i] == quote:
			return true, behindQuote(line[i+1:]).fault == none
		}
	}
	return false, false
}

// closesKey looks for the last line of a PEM block that was put into the file as it is.
func closesKey(line string) (last, ok bool) {
	if strings.Contains(line, pemBegin) {
		return true, false
	}
	end := strings.Contains(line, pemEnd)
	return end, end
}

// together is how many lines are given to go-envparse at once: each time, it makes itself a buffer for many.
const together = 256

// confirm takes over the variables of some lines, each name of which stands in the file once. Where go-envparse reads
// anything else in them, each line is looked at alone. Giving it no more loses nothing, since it knows no value over
// several lines, and finds the faults of all lines.
func (p *parsing) confirm(some []assigned) {
	var text strings.Builder
	for _, a := range some {
		text.WriteString(p.lines[a.index] + "\n")
	}
	read, err := envparse.Parse(strings.NewReader(text.String()))
	alike := err == nil && len(read) == len(some) &&
		!slices.ContainsFunc(some, func(a assigned) bool { got, ok := read[a.entry.name]; return !ok || got != a.entry.value.text })
	for _, a := range some {
		line, e := a.index+1, a.entry
		if !alike {
			if k := compare(p.lines[a.index], e); k != none {
				p.note(finding{line: line, kind: k, name: e.name})
				continue
			}
		}
		p.vars = append(p.vars, secret.Var{Name: e.name, Value: secret.NewValue(e.value.text), Origin: secret.Origin{Line: line}})
	}
}

// compare reads the line with go-envparse, and returns a fault when that gives something else.
func compare(line string, e entry) kind {
	read, err := envparse.Parse(strings.NewReader(line))
	if got, ok := read[e.name]; err == nil && ok && len(read) == 1 && got == e.value.text {
		return none
	}
	if last := len(e.value.text) - 1; e.value.comment && last >= 0 && e.value.text[last] >= 0x80 {
		return commentBehindForeign
	}
	return misread
}

// env returns the variables of all lines without a fault.
func (p *parsing) env(source string) secret.Env {
	var env secret.Env
	for _, v := range p.vars {
		if !p.refused[v.Name] { // a later line may set it again
			v.Origin.Source = source
			env = append(env, v)
		}
	}
	slices.SortFunc(env, func(a, b secret.Var) int { return strings.Compare(a.Name, b.Name) })
	return env
}

// faulty returns the names of the variables that env lacks, sorted.
func (p *parsing) faulty() []string { return slices.Sorted(maps.Keys(p.refused)) }
