// Command tally runs the tests stage by stage, shows what they say while they run, and ends with a table: what ran, how
// often, for how long, and what was left out. It exits 0 only if every stage passed; a skipped test has not passed, except
// in make test, which may run without root.
//
//	tally test    the stage of make test
//	tally full    the stages of make test-full
//	tally fuzz    the stages of make fuzz: each fuzzer for a while; one that executed too few inputs has not passed
//	tally soak    the stages of make soak
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) != 2 || stages[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: tally test|full|fuzz|soak")
		os.Exit(2)
	}
	todo := stages[os.Args[1]]
	if withFuzzers(os.Args[1]) {
		found, err := fuzzers(".")
		if err != nil {
			fmt.Fprintln(os.Stderr, "tally:", err)
			os.Exit(1)
		}
		todo = append(slices.Clip(todo), found...)
	}
	if !runAll(ctx, todo, os.Stdout) {
		os.Exit(1)
	}
}

// runAll runs every stage, also after one that failed: a table with a hole would say less. Only a signal ends it early.
func runAll(ctx context.Context, stages []stage, out io.Writer) bool {
	var done []result
	for _, s := range stages {
		if ctx.Err() != nil {
			break
		}
		_, _ = fmt.Fprintf(out, "== %s: %s\n", s.name, s)
		done = append(done, run(ctx, s, out))
	}
	passed := len(done) == len(stages)
	for _, r := range done {
		passed = passed && r.passed()
	}
	printTable(out, done)
	if ctx.Err() != nil {
		_, _ = fmt.Fprintf(out, "ended by a signal; %d of %d stages ran\n", len(done), len(stages))
	}
	return passed
}

// run runs one stage. A signal is passed on, so that the tests clear away what they made, and waited for.
func run(ctx context.Context, s stage, out io.Writer) result {
	cmd := exec.CommandContext(ctx, s.argv[0], s.argv[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Minute
	cmd.Stderr = os.Stderr
	started := time.Now()
	r := result{stage: s, count: newCount()}
	pipe, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err == nil {
		err = r.read(pipe, out)
		_, _ = io.Copy(io.Discard, pipe) // never let the stage block on a pipe that nobody reads
		if ended := cmd.Wait(); ended != nil {
			err = ended
		}
	}
	if s.floor > 0 && r.onlyTired() {
		err = nil // what counts is whether it has executed enough
	}
	r.err, r.took = err, time.Since(started)
	return r
}
