package main

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// stream is what go test -json prints for one package with a test of each ending.
const stream = `{"Action":"start","Package":"github.com/capakraken/fairlead/e2e"}
{"Action":"run","Package":"github.com/capakraken/fairlead/e2e","Test":"TestKill"}
{"Action":"attr","Package":"github.com/capakraken/fairlead/e2e","Test":"TestKill","Key":"deaths","Value":"40"}
{"Action":"attr","Package":"github.com/capakraken/fairlead/e2e","Test":"TestKill/pull","Key":"deaths","Value":"2"}
{"Action":"pass","Package":"github.com/capakraken/fairlead/e2e","Test":"TestKill/pull","Elapsed":1}
{"Action":"pass","Package":"github.com/capakraken/fairlead/e2e","Test":"TestKill","Elapsed":90}
`

const failing = `{"Action":"output","Package":"github.com/capakraken/fairlead/e2e","Test":"TestBad","Output":"    it broke here\n"}
{"Action":"fail","Package":"github.com/capakraken/fairlead/e2e","Test":"TestBad","Elapsed":0.5}
{"Action":"fail","Package":"github.com/capakraken/fairlead/e2e","Elapsed":91}
`

const skipping = `{"Action":"output","Package":"github.com/capakraken/fairlead/e2e","Test":"TestLazy","Output":"    a_test.go:1: no disk\n"}
{"Action":"output","Package":"github.com/capakraken/fairlead/e2e","Test":"TestLazy","Output":"--- SKIP: TestLazy (0.00s)\n"}
{"Action":"skip","Package":"github.com/capakraken/fairlead/e2e","Test":"TestLazy","Elapsed":0}
{"Action":"pass","Package":"github.com/capakraken/fairlead/e2e","Elapsed":91}
`

const dying = `{"Action":"output","Package":"github.com/capakraken/fairlead/e2e","Test":"TestDies","Output":"panic: boo\n"}
{"Action":"fail","Package":"github.com/capakraken/fairlead/e2e","Elapsed":2}
`

func take(t *testing.T, in string) (result, string) {
	t.Helper()
	r := result{stage: stage{name: "deaths", json: true}, count: newCount(), took: 91 * time.Second}
	var shown strings.Builder
	if err := r.read(strings.NewReader(in), &shown); err != nil {
		t.Fatal(err)
	}
	return r, shown.String()
}

func TestCounts(t *testing.T) {
	r, _ := take(t, stream)
	if got := *r.rooms["e2e"]; got.tests != 1 || got.cases != 1 || got.failed != 0 {
		t.Errorf("counted %+v", got)
	}
	r.take(event{Action: "attr", Package: module + "/internal/journal", Test: "TestLives/3", Key: "deaths", Value: "7"}, io.Discard)
	if got := r.drills["internal/journal.TestLives"]["deaths"]; got != 7 {
		t.Errorf("%v of a room below another", r.drills)
	}
	if got := r.drills["e2e.TestKill"]["deaths"]; got != 42 {
		t.Errorf("%d deaths, want those of the test and of its case: 42", got)
	}
	if !r.passed() {
		t.Error("all passed, and it is not said")
	}
}

func TestNotPassed(t *testing.T) {
	for name, c := range map[string]struct{ in, shown, table string }{
		"failed":  {stream + failing, "it broke here", "e2e.TestBad"},
		"skipped": {stream + skipping, "pass e2e", "a_test.go:1: no disk"},
		"died":    {stream + dying, "panic: boo", "failed\n  e2e\n"},
	} {
		t.Run(name, func(t *testing.T) {
			r, shown := take(t, c.in)
			var table strings.Builder
			printTable(&table, []result{r})
			if r.passed() || !strings.Contains(shown, c.shown) || !strings.Contains(table.String(), c.table) {
				t.Errorf("passed %v; shown:\n%s\ntable:\n%s", r.passed(), shown, &table)
			}
		})
	}
}

func TestMaySkip(t *testing.T) {
	r, _ := take(t, stream+skipping)
	if r.mayskip = true; !r.passed() {
		t.Error("a test that may be skipped fails the stage")
	}
}

func TestCommandFails(t *testing.T) {
	r, _ := take(t, stream)
	r.err = errors.New("exit status 2")
	var table strings.Builder
	printTable(&table, []result{r})
	if r.passed() || !strings.Contains(table.String(), "FAILED: exit status 2") {
		t.Errorf("a stage whose command failed is passed:\n%s", &table)
	}
}
