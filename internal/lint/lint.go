// Package lint tells where the readers of an env file would not agree on what it says. Ten of them are known: Docker's
// --env-file, Compose, systemd, bash, dash, the npm package dotenv, Node's own --env-file, @next/env, godotenv, and
// go-envparse, by which Fairlead's own reading is held. Fairlead passes on the literal values that envfile reads; a
// finding says that another reader of the same file would see another value, no value, or run a part of it.
//
// A line without a finding is read alike by all ten. What a line that Fairlead refuses breaks is envfile's to say; the
// findings of this package are of lines that are clear to Fairlead. Nothing that leaves this package holds a byte of a
// value.
package lint

import (
	"errors"
	"io"
	"strings"

	"github.com/capakraken/fairlead/internal/envfile"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

// MaxBytes is the size of the largest file that is looked at, which is the largest that Fairlead reads.
const MaxBytes = envfile.DefaultBytes

// MaxFindings is how many findings are told of one by one; the others are counted.
const MaxFindings = 1000

// Severity says how much a finding matters.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // Fairlead refuses the line, or a reader runs what is meant as a command
	Warning Severity = "warning" // Fairlead reads what stands there, and another reader something else
)

// Finding is one place on which readers differ. Line and Column, which counts bytes, begin with 1.
type Finding struct {
	Line     int      `json:"line"`
	Column   int      `json:"column"`
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	Refused  bool     `json:"refused"` // Fairlead itself does not take the line
	Text     string   `json:"text"`
	Instead  string   `json:"instead"`
}

// Report is what was found in one file, in the order of its lines.
type Report struct {
	Findings         []Finding // MaxFindings at most
	Errors, Warnings int       // of all findings
}

// Left returns the number of findings that are only counted.
func (r Report) Left() int { return r.Errors + r.Warnings - len(r.Findings) }

// Read returns the content of r, but no more than is needed to see that it is too long.
func Read(r io.Reader) (secret.Value, error) {
	content, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil && !errors.Is(err, io.EOF) {
		return secret.Value{}, fault.Hide(err, fault.Unavailable, "the file could not be read to its end")
	}
	return secret.NewValue(string(content)), nil
}

// Check holds every rule against the content of an env file. Of a content that is too long, the lines within the limit
// are looked at.
func Check(content secret.Value) Report {
	text := content.Reveal()
	c := &checker{}
	if len(text) > int(MaxBytes) {
		c.at(1, 1, tooLarge, "")
		text = text[:strings.LastIndexByte(text[:MaxBytes], '\n')+1]
	}
	for n, l := range envfile.Lines([]byte(text)) {
		c.look(n, l)
	}
	c.report.tellEnds(c.ends)
	return c.report
}
