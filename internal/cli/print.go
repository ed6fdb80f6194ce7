package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/capakraken/fairlead/internal/fault"
)

// say writes one line to standard output.
func (t *tool) say(format string, args ...any) {
	_, _ = fmt.Fprintln(t.Out, plain(fmt.Sprintf(format, args...)))
}

// hint writes one line to standard error.
func (t *tool) hint(format string, args ...any) {
	_, _ = fmt.Fprintln(t.Err, "fairlead: "+plain(fmt.Sprintf(format, args...)))
}

// encode writes v to standard output as JSON that people can read as well.
func (t *tool) encode(v any) error {
	e := json.NewEncoder(t.Out)
	e.SetIndent("", "  ")
	return written(e.Encode(v))
}

// encodeLine writes v to standard output as one line of JSON.
func (t *tool) encodeLine(v any) error { return written(json.NewEncoder(t.Out).Encode(v)) }

func written(err error) error {
	if err != nil {
		return fault.Hide(err, fault.Internal, "the output could not be written")
	}
	return nil
}

// table writes rows in columns; the first one is the heading. A heading alone is not written.
func (t *tool) table(rows [][]string) {
	if len(rows) < 2 {
		return
	}
	w := tabwriter.NewWriter(t.Out, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			row[i] = flat(orDash(cell))
		}
		_, _ = fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	_ = w.Flush()
}

// pairs writes names and values below each other. A pair without a value is left out.
func (t *tool) pairs(pairs [][2]string) {
	w := tabwriter.NewWriter(t.Out, 0, 0, 2, ' ', 0)
	for _, p := range pairs {
		if p[1] != "" {
			_, _ = fmt.Fprintf(w, "%s\t%s\n", p[0], flat(p[1]))
		}
	}
	_ = w.Flush()
}

// moment returns a time in UTC with how long ago it was, and "" for none.
func (t *tool) moment(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s (%s ago)", stamp(at), roughly(t.Now().Sub(at)))
}

func stamp(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// roughly returns a duration in its largest unit.
func roughly(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours())/24)
}

// took returns how long something took, as exactly as matters.
func took(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	d = d.Round(time.Second)
	return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
}

// size returns a number of bytes for people.
func size(bytes int64) string {
	switch b := float64(bytes); {
	case b >= 1e9:
		return fmt.Sprintf("%.1f GB", b/1e9)
	case b >= 1e6:
		return fmt.Sprintf("%.1f MB", b/1e6)
	case b >= 1e3:
		return fmt.Sprintf("%.0f kB", b/1e3)
	}
	return fmt.Sprintf("%d bytes", bytes)
}

// count returns a number with its noun.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// plain returns text without what could play with a terminal. Names and log lines come from containers.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

// flat returns text as one plain line without tabs, which would break a table.
func flat(text string) string { return strings.Join(strings.Fields(plain(text)), " ") }

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
