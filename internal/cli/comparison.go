package cli

import (
	"fmt"
	"strings"

	"github.com/capakraken/fairlead/internal/parity"
)

// markdown is the output format of reports that somebody passes on.
const markdown = "markdown"

// comparison shows how two hosts differ.
func (t *tool) comparison(c parity.Comparison, all bool) error {
	switch t.output {
	case "json":
		return t.encode(c)
	case markdown:
		t.lines(comparisonMarkdown(c, all, "# "))
	default:
		t.lines(comparisonText(c, all))
	}
	return nil
}

func (t *tool) lines(lines []string) {
	for _, l := range lines {
		t.say("%s", l)
	}
}

func comparisonText(c parity.Comparison, all bool) []string {
	out := []string{fmt.Sprintf("A %s", sideText(c.A)), fmt.Sprintf("B %s", sideText(c.B))}
	for _, l := range c.Lines {
		if l.Verdict == parity.Same && !all {
			continue
		}
		out = append(out, fmt.Sprintf("%-8s  ", effect(l))+flat(l.Point+": "+difference(c, l)))
	}
	for _, s := range []parity.Side{c.A, c.B} {
		for _, n := range s.Notes {
			out = append(out, "note: "+s.Name+": "+flat(n))
		}
	}
	return append(out, tally(c))
}

func sideText(s parity.Side) string {
	return fmt.Sprintf("%s: %s on %s, %s, at %s", s.Name, s.App, s.Instance, s.Environment, stamp(s.Time))
}

// effect says in one word what a point does to parity.
func effect(l parity.Line) string {
	switch {
	case l.Breaks:
		return "breaks"
	case l.Verdict == parity.Same:
		return "same"
	}
	return "expected"
}

func difference(c parity.Comparison, l parity.Line) string {
	text := ""
	switch l.Verdict {
	case parity.Same:
		text = l.A
	case parity.OnlyA:
		text = "only " + c.A.Name + " has it: " + l.A
	case parity.OnlyB:
		text = "only " + c.B.Name + " has it: " + l.B
	case parity.Different:
		text = fmt.Sprintf("%s in %s, %s in %s", l.A, c.A.Name, l.B, c.B.Name)
	}
	if l.OneSided {
		text += " (only one of the two ignores it)"
	}
	return text
}

func tally(c parity.Comparison) string {
	verdict := "parity holds"
	if !c.Parity {
		verdict = "parity is broken"
	}
	return fmt.Sprintf("%s: %s same, %d expected to differ, %d breaking it", verdict, count(c.Same, "point is the", "points are the"), c.Expected, c.Breaking)
}

// comparisonMarkdown returns a report for a ticket. The heading's mark is that of its level.
func comparisonMarkdown(c parity.Comparison, all bool, mark string) []string {
	out := []string{mark + "Parity of " + cell(c.A.App) + ": " + cell(c.A.Name) + " and " + cell(c.B.Name), "", "**" + tally(c) + "**", "",
		"- A: " + cell(sideText(c.A)), "- B: " + cell(sideText(c.B))}
	for _, s := range []parity.Side{c.A, c.B} {
		for _, n := range s.Notes {
			out = append(out, "- note: "+cell(s.Name+": "+n))
		}
	}
	out = append(out, "", "| point | effect | "+cell(c.A.Name)+" | "+cell(c.B.Name)+" |", "|---|---|---|---|")
	for _, l := range c.Lines {
		if l.Verdict == parity.Same && !all {
			continue
		}
		out = append(out, fmt.Sprintf("| %s | %s | %s | %s |", cell(l.Point), effect(l), cell(l.A), cell(l.B)))
	}
	return out
}

// cell returns text as a part of a Markdown table, in which it is nothing but text.
func cell(text string) string {
	text = flat(text)
	for _, special := range []string{`\`, "|", "`", "*", "_", "<", "[", "]"} {
		text = strings.ReplaceAll(text, special, `\`+special)
	}
	return text
}
