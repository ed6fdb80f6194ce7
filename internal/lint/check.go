package lint

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/capakraken/fairlead/internal/envfile"
)

const blanks = " \t"

// checker collects the findings of one file.
type checker struct {
	report Report
	ends   int // lines that end in CR LF
}

// at notes a finding of form f. Its text is only made when there is room for it.
func (c *checker) at(line, column int, f form, name string) {
	rule, severity, text, instead := f.words()
	if !c.count(severity) {
		return
	}
	if rest, ok := strings.CutPrefix(text, "{}"); ok {
		text = "the value" + rest
		if name != "" {
			text = "the value of " + name + rest
		}
	}
	c.report.Findings = append(c.report.Findings, Finding{Line: line, Column: column, Rule: rule, Severity: severity, Refused: f == tooLarge, Text: text, Instead: instead})
}

// refuse notes a reason for which Fairlead refuses the line, in its words.
func (c *checker) refuse(line int, l envfile.Line, r envfile.Refusal) {
	if c.count(Error) {
		what, fix := r.Words()
		c.report.Findings = append(c.report.Findings, Finding{Line: line, Column: refusedAt(l.Text, r.Rule), Rule: r.Rule, Severity: Error, Refused: true, Text: what, Instead: fix})
	}
}

// count counts a finding, and tells whether there is room for it.
func (c *checker) count(s Severity) bool {
	if s == Error {
		c.report.Errors++
	} else {
		c.report.Warnings++
	}
	return len(c.report.Findings) < MaxFindings
}

// look holds all rules against one line.
func (c *checker) look(n int, l envfile.Line) {
	for _, r := range l.Refused {
		c.refuse(n, l, r)
	}
	if untouchable(l) {
		return
	}
	if l.CRLF {
		if c.ends++; c.ends == 1 {
			c.at(n, len(l.Text)+1, crlf, "")
		}
	}
	if i := strings.IndexAny(l.Text, "\u2028\u2029"); i >= 0 {
		c.at(n, i+1, lineSeparator, "")
	}
	if i := strings.Index(l.Text, "\ufeff"); i >= 0 {
		c.at(n, i+1, strayMark, "")
	}
	text := strings.TrimLeft(l.Text, blanks)
	margin := l.Text[:len(l.Text)-len(text)]
	switch {
	case !l.Says:
		if margin != "" {
			c.at(n, 1, indent, "")
		}
		if strings.HasSuffix(text, `\`) {
			c.at(n, len(l.Text), commentGoesOn, "")
		}
	case strings.Contains(margin, "\t"):
		c.at(n, 1, indent, "")
		fallthrough
	default:
		c.assignment(n, l)
	}
}

// assignment looks at a line that sets a variable.
func (c *checker) assignment(n int, l envfile.Line) {
	left, right, ok := strings.Cut(l.Text, "=")
	if !ok {
		return
	}
	name := strings.Trim(left, blanks)
	if rest, ok := strings.CutPrefix(name, "export"); ok && rest != "" && strings.Contains(blanks, rest[:1]) && !refused(l, "E08") {
		c.at(n, strings.Index(l.Text, "export")+1, export, "")
	}
	if keptByShells(l.Name) {
		c.at(n, strings.Index(l.Text, l.Name)+1, shellName, "")
	}
	value := strings.Trim(right, blanks)
	switch {
	case strings.TrimRight(left, blanks) != left:
		c.at(n, len(strings.TrimRight(left, blanks))+1, space, "")
	case value != right && strings.TrimLeft(right, blanks) != right:
		c.at(n, len(left)+2, space, "")
	case value != right:
		c.at(n, len(left)+2+len(value), space, "")
	}
	if value != "" {
		start := len(left) + 1 + strings.Index(right, value)
		c.value(n, start+1, l, value)
	}
}

// value looks at what stands behind the = and begins in this column.
func (c *checker) value(n, column int, l envfile.Line, text string) {
	if refused(l, "E02", "E03", "E06", "E07", "E17", "E18") {
		// Only what a shell would run is worth saying of it as well.
		if before, _, _ := strings.Cut(text, " #"); text[0] != '\'' && !refused(l, "E07") {
			c.runnable(n, column, l, before, text[0] != '"')
		}
		return
	}
	body, behind := split(text)
	if behind != "" {
		c.at(n, column+len(text)-len(behind), comment, l.Name)
	}
	if body == "" {
		return
	}
	quote := body[0]
	if quote == '"' || quote == '\'' {
		c.at(n, column, quoted, l.Name)
	} else if i := tildeIn(body); i >= 0 {
		c.at(n, column+i, tilde, l.Name)
	}
	if i := strings.IndexByte(body, '\\'); i >= 0 {
		c.at(n, column+i, backslash, l.Name)
	}
	if quote == '\'' {
		if i := strings.IndexByte(body, '$'); i >= 0 {
			c.at(n, column+i, dollarSingle, l.Name)
		}
		return
	}
	c.runnable(n, column, l, body, quote != '"')
	for i := 0; i < len(body); i++ {
		if body[i] == '$' && !strings.HasPrefix(body[i:], "$(") {
			c.at(n, column+i, dollar, l.Name)
			return
		}
	}
}

// runnable looks for what a shell would run.
func (c *checker) runnable(n, column int, l envfile.Line, text string, bare bool) {
	i := strings.IndexByte(text, '`')
	if j := strings.Index(text, "$("); j >= 0 && (i < 0 || j < i) {
		i = j
	}
	if i >= 0 {
		c.at(n, column+i, substitution, l.Name)
		return
	}
	if i := strings.IndexAny(text, " ;&|<>()"); i >= 0 && bare {
		c.at(n, column+i, separator, l.Name)
	}
}

// split returns a value that Fairlead reads and the comment behind it, with the # and what stands behind that.
func split(text string) (body, comment string) {
	from := 0
	switch text[0] {
	case '#':
		return "", text
	case '\'':
		from = 1 + strings.IndexByte(text[1:], '\'') + 1
	case '"':
		for from = 1; from < len(text) && text[from] != '"'; from++ {
			if text[from] == '\\' {
				from++
			}
		}
	}
	from = min(from, len(text))
	i := strings.Index(text[from:], " #")
	if i < 0 {
		return text, ""
	}
	return strings.TrimRight(text[:from+i], " "), text[from+i+1:]
}

// tildeIn returns where a shell would put the home directory in, or -1.
func tildeIn(body string) int {
	if body[0] == '~' {
		return 0
	}
	if i := strings.Index(body, ":~"); i >= 0 {
		return i + 1
	}
	return -1
}

// keptByShells tells whether bash or dash does not simply set a variable of this name.
func keptByShells(name string) bool {
	return strings.HasPrefix(name, "BASH") || slices.Contains([]string{"_", "COMP_WORDBREAKS", "DIRSTACK", "EPOCHREALTIME", "EPOCHSECONDS", "EUID", "FUNCNAME", "GROUPS",
		"HISTCMD", "LINENO", "OPTIND", "PIPESTATUS", "PPID", "RANDOM", "SECONDS", "SHELLOPTS", "SHLVL", "SRANDOM", "UID"}, name)
}

// refused tells whether the line is refused under one of these rules.
func refused(l envfile.Line, rules ...string) bool {
	return slices.ContainsFunc(l.Refused, func(r envfile.Refusal) bool { return slices.Contains(rules, r.Rule) })
}

// refusedAt returns the column of what a line is refused for under rule.
func refusedAt(text, rule string) int {
	margin := len(text) - len(strings.TrimLeft(text, blanks))
	equals := strings.IndexByte(text, '=')
	switch rule {
	case "E12":
		return strings.IndexByte(text, '\r') + 1
	case "E13":
		return strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r >= 0x7f && r <= 0x9f }) + 1
	case "E14":
		for i := 0; i < len(text); {
			r, size := utf8.DecodeRuneInString(text[i:])
			if r == utf8.RuneError && size == 1 {
				return i + 1
			}
			i += size
		}
	case "E02":
		if i := strings.IndexByte(text[equals+1:], '#'); i >= 0 {
			return equals + 1 + i + 1
		}
	case "E03", "E06", "E07", "E18":
		return min(equals+1+len(text[equals+1:])-len(strings.TrimLeft(text[equals+1:], blanks)), max(len(text)-1, 0)) + 1
	case "E11", "E16":
		return 1
	}
	return margin + 1
}

// tellEnds says in the one finding on CR LF how many lines end so.
func (r *Report) tellEnds(lines int) {
	rule, _, text, _ := crlf.words()
	if i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.Rule == rule && f.Text == text }); i >= 0 && lines > 1 {
		r.Findings[i].Text += fmt.Sprintf(" (so do %d in all)", lines)
	}
}
