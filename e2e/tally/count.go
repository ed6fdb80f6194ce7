package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// event is one line of go test -json; see go doc test2json.
type event struct {
	Action     string
	Package    string
	ImportPath string
	Test       string
	Elapsed    float64 // in seconds
	Output     string
	Key, Value string // of an attr
}

// room is the count of one package. Tests are the functions, cases the subtests below them.
type room struct {
	tests, cases, failed, skipped int
	took                          time.Duration
}

type count struct {
	rooms   map[string]*room
	drills  map[string]map[string]int // test -> what it counted of itself (t.Attr with a number) -> how often
	slow    []slow
	failed  []string
	skipped []string
	execs   int // how many inputs a fuzzer has executed
	// complaint is what a fuzzer that failed has said, and complains whether it is still at it.
	complaint []string
	complains bool
	said      map[string][]string // what a test that runs has said: shown if it fails, its last line if it is skipped
}

// worthALine is how long a test takes that is shown when it ends, so that nobody waits for half an hour before a still screen.
const worthALine = 10 * time.Second

// slow is one test function and its time.
type slow struct {
	name string
	took time.Duration
}

func newCount() *count {
	return &count{rooms: map[string]*room{}, drills: map[string]map[string]int{}, said: map[string][]string{}}
}

type result struct {
	stage
	*count
	took time.Duration
	err  error
}

func (r result) passed() bool {
	return r.err == nil && r.execs >= r.floor && len(r.failed) == 0 && (r.mayskip || len(r.skipped) == 0)
}

// read takes in what a stage prints, shows a line for every package that ended and all that a failed test said.
func (r result) read(in io.Reader, out io.Writer) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		var e event
		switch {
		case len(line) == 0:
		case r.json && bytes.HasPrefix(line, []byte("{")) && json.Unmarshal(line, &e) == nil:
			r.take(e, out)
		default:
			r.takePlain(line)
			_, _ = out.Write(line)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (c *count) take(e event, out io.Writer) {
	pkg := short(e.Package)
	name := pkg + "." + e.Test
	switch e.Action {
	case "build-output":
		_, _ = fmt.Fprint(out, e.Output)
	case "output":
		c.said[name] = append(c.said[name], e.Output)
	case "attr":
		top, _, _ := strings.Cut(e.Test, "/")
		c.addDrill(pkg+"."+top, e.Key, e.Value)
	case "pass", "fail", "skip":
		took := time.Duration(e.Elapsed * float64(time.Second))
		if e.Test == "" {
			c.endPackage(pkg, e.Action, took, out)
		} else {
			c.endTest(pkg, e, took, out)
		}
		delete(c.said, name)
	}
}

func (c *count) addDrill(test, what, value string) {
	n, err := strconv.Atoi(value)
	if err != nil {
		return
	}
	if c.drills[test] == nil {
		c.drills[test] = map[string]int{}
	}
	c.drills[test][what] += n
}

func (c *count) room(pkg string) *room {
	if c.rooms[pkg] == nil {
		c.rooms[pkg] = &room{}
	}
	return c.rooms[pkg]
}

func (c *count) endTest(pkg string, e event, took time.Duration, out io.Writer) {
	r, name := c.room(pkg), pkg+"."+e.Test
	if strings.Contains(e.Test, "/") {
		r.cases++
	} else {
		r.tests++
		c.slow = append(c.slow, slow{name, took})
		if took >= worthALine {
			_, _ = fmt.Fprintf(out, "     %s %s %s\n", e.Action, name, took.Round(time.Second))
		}
	}
	switch e.Action {
	case "fail":
		r.failed++
		c.failed = append(c.failed, name)
		_, _ = fmt.Fprintf(out, "FAIL %s (%s)\n%s", name, took.Round(time.Millisecond), strings.Join(c.said[name], ""))
	case "skip":
		r.skipped++
		c.skipped = append(c.skipped, name+": "+c.lastWords(name))
	}
}

// endPackage shows also what was said outside a test: that is a panic, a data race or a failed TestMain.
func (c *count) endPackage(pkg, action string, took time.Duration, out io.Writer) {
	if action == "skip" { // no test files
		return
	}
	r := c.room(pkg)
	r.took = took
	if action == "fail" {
		if r.failed == 0 {
			r.failed++
			c.failed = append(c.failed, pkg)
		}
		for _, name := range slices.Sorted(maps.Keys(c.said)) {
			if strings.HasPrefix(name, pkg+".") { // those that never came to an end as well
				_, _ = fmt.Fprint(out, strings.Join(c.said[name], ""))
				delete(c.said, name)
			}
		}
	}
	_, _ = fmt.Fprintf(out, "%-4s %-34s %9s\n", action, pkg, took.Round(10*time.Millisecond))
}

// lastWords is the reason that a test gave for being skipped.
func (c *count) lastWords(name string) string {
	for _, line := range slices.Backward(c.said[name]) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "---") && !strings.HasPrefix(line, "===") {
			return line
		}
	}
	return "no reason given"
}

const module = "github.com/capakraken/fairlead"

// short is a package's path without the module's.
func short(pkg string) string {
	return strings.TrimPrefix(strings.TrimPrefix(pkg, module), "/")
}
