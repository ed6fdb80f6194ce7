package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fuzzing is what go test prints for a fuzzer.
const fuzzing = `fuzz: elapsed: 0s, gathering baseline coverage: 0/12 completed
fuzz: elapsed: 0s, gathering baseline coverage: 12/12 completed, now fuzzing with 2 workers
fuzz: elapsed: 3s, execs: 4999 (1666/sec), new interesting: 3 (total: 15)
fuzz: elapsed: 10s, execs: %s (2100/sec), new interesting: 4 (total: 16)
PASS
ok  	github.com/capakraken/fairlead/internal/probe	10.1s
`

func fuzzed(t *testing.T, execs string) (result, string) {
	t.Helper()
	r := result{stage: fuzzer("internal/probe", "FuzzUnderstand", enough), count: newCount()}
	var shown, table strings.Builder
	if err := r.read(strings.NewReader(strings.Replace(fuzzing, "%s", execs, 1)), &shown); err != nil {
		t.Fatal(err)
	}
	printTable(&table, []result{r})
	return r, table.String()
}

func TestFuzzFloor(t *testing.T) {
	for execs, want := range map[string]string{"5000": "passed", "21034": "passed", "4999": "FAILED: too few inputs", "none": "FAILED: too few inputs"} {
		r, table := fuzzed(t, execs)
		if r.passed() != (want == "passed") || !strings.Contains(table, want) || !strings.Contains(table, "internal/probe.FuzzUnderstand") {
			t.Errorf("%s inputs: passed %v\n%s", execs, r.passed(), table)
		}
	}
}

// That its time was over is no finding of a fuzzer; anything else that it says is one.
func TestTiredFuzzer(t *testing.T) {
	const ends = "fuzz: elapsed: 10s, execs: 9000 (2100/sec), new interesting: 4 (total: 16)\n--- FAIL: FuzzLoad (10.16s)\n"
	for text, want := range map[string]bool{
		ends + "    context deadline exceeded\nFAIL\nexit status 1\n":                                                                             true,
		ends + "    --- FAIL: FuzzLoad (0.00s)\n        context deadline exceeded\n    Failing input written to testdata/fuzz/FuzzLoad/x\nFAIL\n": false,
		ends + "    panic: boo\nFAIL\n": false,
		ends + "FAIL\n":                 false,
		ends:                            false,
	} {
		r := result{stage: fuzzer("internal/compose", "FuzzLoad", enough), count: newCount()}
		if err := r.read(strings.NewReader(text), &strings.Builder{}); err != nil || r.onlyTired() != want {
			t.Errorf("tired %v, %v:\n%s", r.onlyTired(), err, text)
		}
	}
}

// A fuzzer that says nothing of its inputs has executed none.
func TestSilentFuzzer(t *testing.T) {
	r := result{stage: fuzzer("internal/probe", "FuzzUnderstand", enough), count: newCount()}
	if err := r.read(strings.NewReader("PASS\n"), &strings.Builder{}); err != nil || r.passed() {
		t.Errorf("passed %v, %v", r.passed(), err)
	}
}

func TestFindsFuzzers(t *testing.T) {
	dir := t.TempDir()
	write := func(path, text string) {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	write("b/b_test.go", "package b\n// FuzzDear builds a host for each input.\n//\n// fuzz floor: 300, since that takes long\nfunc FuzzDear(f *testing.F) {}\nfunc TestFuzz() {}\n")
	write("a/a_test.go", "//go:build full\n\npackage a\nfunc FuzzCheap(f *testing.F) {}\n")
	write("a/a.go", "package a\nfunc FuzzNot() {}\n")
	write("a/testdata/x_test.go", "package x\nfunc FuzzNot(f *testing.F) {}\n")
	found, err := fuzzers(".")
	if err != nil || len(found) != 2 {
		t.Fatalf("%v, %v", found, err)
	}
	if found[0].name != "a.FuzzCheap" || found[0].floor != enough || found[1].name != "b.FuzzDear" || found[1].floor != 300 {
		t.Errorf("found %+v", found)
	}
	if !slices.Contains(found[1].argv, "^FuzzDear$") || !slices.Contains(found[1].argv, "./b") {
		t.Errorf("it is run by %s", found[1])
	}
	write("c/c_test.go", "package c\n// fuzz floor: few\nfunc FuzzVague(f *testing.F) {}\n")
	if _, err := fuzzers("."); err == nil || !strings.Contains(err.Error(), "FuzzVague") {
		t.Errorf("a floor that is no number: %v", err)
	}
}
