package cli

import (
	"cmp"
	"fmt"
	"time"

	"github.com/capakraken/fairlead/internal/parity"
)

// course shows the report on a run over two hosts.
func (t *tool) course(c course) error {
	switch t.output {
	case "json":
		return t.encode(c)
	case markdown:
		t.lines(courseMarkdown(c))
	default:
		t.lines(courseText(c))
	}
	return nil
}

func courseHead(c course) string {
	return fmt.Sprintf("parity run of %s from %s to %s: %s", c.App, c.From, c.To, ended(c))
}

func ended(c course) string {
	if c.Exit == 0 {
		return "passed, both run " + c.Digest
	}
	return fmt.Sprintf("stopped at stage %d of 4, exit code %d", len(c.Stages), c.Exit)
}

func courseText(c course) []string {
	out := []string{courseHead(c)}
	for i, s := range c.Stages {
		out = append(out, flat(fmt.Sprintf("%d %s: %s in %s: %s", i+1, stageName(s), s.Outcome, took(time.Duration(s.Took)*time.Millisecond), cmp.Or(s.Says, "-"))))
		if s.Rollout != "" {
			out = append(out, "    rollout "+s.Rollout)
		}
		if s.Parity != nil {
			out = append(out, prefixed("    ", breaking(*s.Parity))...)
		}
	}
	return out
}

func stageName(s stage) string {
	if s.Host == "" {
		return s.Name
	}
	return s.Name + " on " + s.Host
}

// breaking returns the points that break parity, one a line.
func breaking(c parity.Comparison) []string {
	var out []string
	for _, l := range c.Lines {
		if l.Breaks {
			out = append(out, flat("breaks "+l.Point+": "+difference(c, l)))
		}
	}
	return out
}

func courseMarkdown(c course) []string {
	out := []string{"# " + cell(courseHead(c)), "", "| stage | host | rollout | outcome | took | |", "|---|---|---|---|---|---|"}
	for _, s := range c.Stages {
		out = append(out, fmt.Sprintf("| %s | %s | %s | %s | %s | %s |", cell(s.Name), cell(s.Host), cell(s.Rollout), cell(s.Outcome),
			took(time.Duration(s.Took)*time.Millisecond), cell(s.Says)))
	}
	for _, s := range c.Stages {
		if s.Parity != nil {
			out = append(append(out, ""), comparisonMarkdown(*s.Parity, false, "## ")...)
		}
	}
	return out
}
