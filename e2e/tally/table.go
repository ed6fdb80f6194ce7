package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// slowest is how many of the longest tests the table names.
const slowest = 10

func printTable(out io.Writer, done []result) {
	_, _ = fmt.Fprintln(out)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(t, "stage and room\ttests\tcases\tfailed\tskipped\ttime\t")
	for _, r := range done {
		if r.floor == 0 {
			printStage(t, r)
		}
	}
	_ = t.Flush()
	printFuzzers(out, done)
	for _, r := range done {
		printDrills(out, r)
	}
	for _, r := range done {
		printSlow(out, r)
	}
	for _, r := range done {
		printList(out, r, "failed", r.failed)
		printList(out, r, "skipped, and so not shown to work here", r.skipped)
	}
}

func printStage(t io.Writer, r result) {
	if !r.json {
		_, _ = fmt.Fprintf(t, "%s\t\t\t%s\t\t%s\t\n", r.name, verdict(r), clock(r.took))
		return
	}
	var sum room
	for _, p := range r.rooms {
		sum.tests += p.tests
		sum.cases += p.cases
		sum.failed += p.failed
		sum.skipped += p.skipped
	}
	_, _ = fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%s\t%s\n", r.name, sum.tests, sum.cases, sum.failed, sum.skipped, clock(r.took), "  "+verdict(r))
	for _, pkg := range slices.Sorted(maps.Keys(r.rooms)) {
		p := r.rooms[pkg]
		_, _ = fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%s\t\n", pkg, p.tests, p.cases, p.failed, p.skipped, clock(p.took))
	}
}

// printFuzzers prints how many inputs each fuzzer has executed.
func printFuzzers(out io.Writer, done []result) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fuzzers, sum := 0, 0
	for _, r := range done {
		if r.floor == 0 {
			continue
		}
		if fuzzers == 0 {
			_, _ = fmt.Fprintln(t, "\nfuzzer\tinputs\tat least\ttime\t")
		}
		fuzzers, sum = fuzzers+1, sum+r.execs
		_, _ = fmt.Fprintf(t, "%s\t%d\t%d\t%s\t%s\n", r.name, r.execs, r.floor, clock(r.took), "  "+verdict(r))
	}
	if fuzzers > 0 {
		_, _ = fmt.Fprintf(t, "%d fuzzers\t%d\t\t\t\n", fuzzers, sum)
	}
	_ = t.Flush()
}

func verdict(r result) string {
	switch {
	case r.passed():
		return "passed"
	case r.err != nil:
		return "FAILED: " + r.err.Error()
	case r.execs < r.floor:
		return "FAILED: too few inputs"
	default:
		return "FAILED"
	}
}

// printDrills prints what the tests counted of themselves: deaths, rollouts, scenes.
func printDrills(out io.Writer, r result) {
	if len(r.drills) == 0 {
		return
	}
	_, _ = fmt.Fprintf(out, "\n%s: what was done how often\n", r.name)
	for _, test := range slices.Sorted(maps.Keys(r.drills)) {
		var words []string
		for _, what := range slices.Sorted(maps.Keys(r.drills[test])) {
			words = append(words, fmt.Sprintf("%d %s", r.drills[test][what], strings.ReplaceAll(what, "-", " ")))
		}
		_, _ = fmt.Fprintf(out, "  %s: %s\n", test, strings.Join(words, ", "))
	}
}

func printSlow(out io.Writer, r result) {
	if len(r.slow) < slowest {
		return
	}
	slices.SortFunc(r.slow, func(a, b slow) int { return cmp.Compare(b.took, a.took) })
	_, _ = fmt.Fprintf(out, "\n%s: the longest (they run beside others)\n", r.name)
	for _, s := range r.slow[:slowest] {
		_, _ = fmt.Fprintf(out, "  %9s  %s\n", clock(s.took), s.name)
	}
}

func printList(out io.Writer, r result, title string, names []string) {
	if len(names) == 0 {
		return
	}
	_, _ = fmt.Fprintf(out, "\n%s: %s\n", r.name, title)
	for _, name := range names {
		_, _ = fmt.Fprintf(out, "  %s\n", name)
	}
}

func clock(d time.Duration) string { return d.Round(100 * time.Millisecond).String() }
