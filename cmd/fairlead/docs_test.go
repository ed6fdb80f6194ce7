package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/cli"
	"github.com/capakraken/fairlead/internal/daemon"
)

// written finds the commands that a page tells its reader to give: a line of an indented block, or code in a sentence.
var written = regexp.MustCompile("(?m)^ {4}(fairlead .*)$|`(fairlead [^`]*)`")

// Every command that the pages name is one, with the flags and as many words as they say.
func TestPagesNameCommands(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) < 4 {
		t.Fatalf("%d pages: %v", len(pages), err)
	}
	for _, wrong := range []string{"rolback shop", "deploy shop --imag 2.0.0", "lock shop today", "config chek FILE"} {
		if understood(t, words(wrong)) == nil {
			t.Errorf("%q is taken for a command", wrong)
		}
	}
	seen := 0
	for _, page := range append(pages, "../../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range written.FindAllStringSubmatch(string(text), -1) {
			line := m[1] + m[2]
			seen++
			if err := understood(t, words(line)[1:]); err != nil {
				t.Errorf("%s: %q: %v", filepath.Base(page), line, err)
			}
		}
	}
	if seen < 50 {
		t.Errorf("only %d commands were found", seen)
	}
}

// understood returns what the command line has against args.
func understood(t *testing.T, args []string) error {
	t.Helper()
	root, err := cli.New(cli.Options{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard, Daemon: daemon.Command("")})
	if err != nil {
		t.Fatal(err)
	}
	root.InitDefaultHelpCmd()
	command, rest, err := root.Find(args)
	if err != nil {
		return err
	}
	if err := command.ParseFlags(rest); err != nil {
		return err
	}
	if !command.HasParent() && len(rest) > 0 {
		return cobra.NoArgs(command, rest)
	}
	given := command.Flags().Args()
	if len(given) == 0 && !slices.Contains([]string{"help", "audit", "config", "env"}, command.Name()) {
		return nil // named, and not spelled out
	}
	return command.ValidateArgs(given)
}

// words takes a line apart as a shell does, as far as the pages need that.
func words(line string) []string {
	line, _, _ = strings.Cut(line, " #")
	line, _, _ = strings.Cut(line, " | ")
	var out []string
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			out = append(out, part)
			continue
		}
		out = append(out, strings.Fields(part)...)
	}
	return out
}
