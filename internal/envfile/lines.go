package envfile

import (
	"iter"
	"strings"
)

// Line is one line of an env file as Parse reads it, for whoever looks at how it is written. Its text may hold a secret.
type Line struct {
	Text     string // without its end
	CRLF     bool   // a carriage return stands before its line feed
	Ended    bool   // it has an end; only the last one may have none
	Says     bool   // it is an assignment, or was meant to be one
	Inside   bool   // it is a part of the value that begins further up
	Doubtful bool   // it may be such a part
	Name     string // the variable's, where it may be shown
	Refused  []Refusal
}

// Refusal is one reason for which a line is refused, under the id of the rule that it breaks.
type Refusal struct {
	Rule    string
	finding finding
}

// Words returns what is wrong and what to do, for the operator.
func (r Refusal) Words() (what, fix string) {
	p := r.finding.problem("")
	return p.What, p.Fix
}

// What Lines keeps of a line beside its text.
const (
	says uint8 = 1 << iota
	inside
	doubtful
)

// Lines yields the lines of an env file with their numbers. A file that is no text at all has one line without text,
// which says why. No line of a file is longer than the file, and nothing else is kept of it.
func Lines(content []byte) iter.Seq2[int, Line] {
	return func(yield func(int, Line) bool) {
		p := parse(content)
		found := p.findings
		refused := func(line int) (all []Refusal) {
			for ; len(found) > 0 && found[0].line == line; found = found[1:] {
				all = append(all, Refusal{found[0].kind.rule(), found[0]})
			}
			return all
		}
		if len(p.lines) == 0 && len(found) > 0 {
			yield(1, Line{Refused: refused(1)})
			return
		}
		rest := strings.TrimPrefix(string(content), byteOrderMark)
		for i, text := range p.lines {
			mark := p.marks[i]
			l := Line{Text: text, Says: mark&says != 0, Inside: mark&inside != 0, Doubtful: mark&doubtful != 0, Refused: refused(i + 1)}
			if l.Says {
				l.Name = p.nameOf(i)
			}
			rest = rest[len(text):]
			l.CRLF = strings.HasPrefix(rest, "\r\n")
			l.Ended = rest != ""
			rest = strings.TrimPrefix(strings.TrimPrefix(rest, "\r"), "\n")
			if !yield(i+1, l) {
				return
			}
		}
	}
}

// nameOf returns the name on the line at index i, unless the line may be a piece of a value above.
func (p *parsing) nameOf(i int) string {
	e, _ := readLine(p.lines[i])
	if p.marks[i]&doubtful != 0 && !e.regular() {
		return ""
	}
	return e.name
}

// rule returns the id of the rule that a line breaks which is refused for k. What each is about, and who else reads such
// a line in which way, stands with the rules.
func (k kind) rule() string {
	switch k {
	case hash:
		return "E02"
	case commentBehindForeign:
		return "E03"
	case escape:
		return "E06"
	case unclosed, openKey, spread, continuation:
		return "E07"
	case exportSpacing:
		return "E08"
	case noSeparator:
		return "E09"
	case duplicate:
		return "E10"
	case mark:
		return "E11"
	case loneCR:
		return "E12"
	case nul, control, tab:
		return "E13"
	case utf16, notUTF8:
		return "E14"
	case noName, badName:
		return "E15"
	case tooLong:
		return "E16"
	case foreignSpace:
		return "E17"
	case quoteInside, behind, misread, none:
	}
	return "E18"
}
