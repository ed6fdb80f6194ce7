package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/capakraken/fairlead/internal/fault"
)

// The tests start real processes, one after the other: a program that is still open for writing in a child of another
// test could not be executed.

// host is the host of these tests. It waits less long for a command that does not want to end.
func host() *Host { return &Host{uid: os.Getuid(), grace: time.Second} }

// script writes a program and returns its path.
func script(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+strings.Join(lines, "\n")+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func run(t *testing.T, command []string, variables ...string) (string, error) {
	t.Helper()
	var text strings.Builder
	err := host().Run(t.Context(), Call{Name: t.Name(), Command: command, Variables: variables, Output: &text})
	return text.String(), err
}

// expect fails unless err is a fault of this kind whose text holds the part.
func expect(t *testing.T, err error, kind fault.Kind, part string) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind || !strings.Contains(fault.Text(err), part) {
		t.Errorf("got %v (%s), want %s with %q", err, fault.KindOf(err), kind, part)
	}
}

// A command gets its words as they are, and nothing of the daemon's.
func TestWordsAndSurroundings(t *testing.T) {
	t.Setenv("SMTP_PASSWORD", "canary-of-the-daemon")
	out, err := run(t, []string{script(t, `printf '%s\n' "$@"`, "pwd", "cat", "env | sort")}, "FAIRLEAD_APP=shop")
	if err != nil {
		t.Fatal(err)
	}
	want := "\n/\nFAIRLEAD_APP=shop\nFAIRLEAD_CALL=TestWordsAndSurroundings\nLANG=C.UTF-8\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nPWD=/\n"
	if out != want { // PWD is the shell's own
		t.Errorf("got %q, want %q", out, want)
	}
	out, err = run(t, []string{script(t, `printf '%s\n' "$@"`), "$HOME; id", "*", "a b", "`id`"})
	if err != nil || out != "$HOME; id\n*\na b\n`id`\n" {
		t.Errorf("got %q, %v", out, err)
	}
	if out, err = run(t, []string{"/bin/ls", "/proc/self/fd"}); err != nil || out != "0\n1\n2\n3\n" { // the last is the listed directory
		t.Errorf("its open files are %q, %v", out, err)
	}
}

func TestHowItEnds(t *testing.T) {
	for name, tt := range map[string]struct {
		script string
		kind   fault.Kind
		part   string
	}{
		"exit code":      {"#!/bin/sh\necho so be it; exit 3\n", fault.Refused, "its exit code is 3"},
		"signal":         {"#!/bin/sh\nkill -TERM $$\n", fault.Refused, "the signal SIGTERM"},
		"killed":         {"#!/bin/sh\nkill -KILL $$\n", fault.Refused, "the signal SIGKILL; the kernel does that when memory runs out"},
		"no interpreter": {"#!/no/such/shell\n", fault.Refused, "the interpreter that the program's first line names does not exist"},
		"no first line":  {"echo hello\n", fault.Refused, "the file is no program; a script needs a first line"},
		"a directory":    {"#!/tmp\n", fault.Refused, "may not be executed"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "program")
			if err := os.WriteFile(path, []byte(tt.script), 0o755); err != nil {
				t.Fatal(err)
			}
			_, err := run(t, []string{path})
			expect(t, err, tt.kind, tt.part)
		})
	}
}

// A command that does not end in time is ended with all that it has started, also what has left its group.
func TestDeadline(t *testing.T) {
	for name, tt := range map[string]struct{ first, text string }{
		"at the first word": {"trap 'echo bye; exit 0' TERM", "begun\nbye\n"},
		"by force":          {"trap '' TERM", "begun\n"},
	} {
		t.Run(name, func(t *testing.T) {
			ready := filepath.Join(t.TempDir(), "pids")
			path := script(t, tt.first, "echo begun", "sleep 300 & setsid sleep 300 & echo $$ $! > "+ready+".new; mv "+ready+".new "+ready, "while :; do wait; done")
			ctx, cancel := context.WithCancelCause(t.Context())
			go func() { defer cancel(nil); appears(t, ready) }() // ends with the script's first words
			var text strings.Builder
			err := host().Run(ctx, Call{Name: t.Name(), Command: []string{path}, Output: &text})
			out := text.String()
			expect(t, err, fault.Conflict, "it was interrupted, and was ended")
			if out != tt.text {
				t.Errorf("it said %q, want %q", out, tt.text)
			}
			gone(t, pids(t, ready)...)
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := host().Run(ctx, Call{Name: t.Name(), Command: []string{"/bin/sleep", "300"}, Output: io.Discard})
	expect(t, err, fault.TimedOut, "it did not end before its deadline")
	err = host().Run(ctx, Call{Name: t.Name(), Command: []string{"/bin/sleep", "300"}, Output: io.Discard})
	expect(t, err, fault.TimedOut, "it did not end before its deadline")
}

// What a command leaves behind in its group ends with it, and what has left the group does not hold anybody up.
func TestLeftBehind(t *testing.T) {
	ready := filepath.Join(t.TempDir(), "pids")
	began := time.Now()
	out, err := run(t, []string{script(t, "sleep 300 &", "echo $! > "+ready, "setsid sleep 20 &", "echo done")})
	if err != nil || out != "done\n" || time.Since(began) > 10*time.Second {
		t.Errorf("got %q, %v after %s", out, err, time.Since(began))
	}
	gone(t, pids(t, ready)...)
	if _, err := run(t, []string{"/bin/true"}); err != nil { // the next call of the name ends what is left of the last one
		t.Error(err)
	}
	if n := killMarked([]byte(mark + "=" + t.Name())); n != 0 {
		t.Errorf("%d processes were left", n)
	}
}

// The daemon dies without a word: its command dies as well, and the next call ends what that has started.
func TestDeathOfTheDaemon(t *testing.T) {
	if path := os.Getenv("COMMAND_OF_A_DAEMON"); path != "" {
		_ = host().Run(t.Context(), Call{Name: "call-of-the-dead", Command: []string{path}, Output: io.Discard})
		return
	}
	ready := filepath.Join(t.TempDir(), "pids")
	path := script(t, "sleep 300 & echo $$ $! > "+ready+".new; mv "+ready+".new "+ready, "wait")
	daemon := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDeathOfTheDaemon$")
	daemon.Env = append(os.Environ(), "COMMAND_OF_A_DAEMON="+path)
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	appears(t, ready)
	if err := daemon.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = daemon.Wait() // it was killed
	all := pids(t, ready)
	gone(t, all[0])
	if unix.Kill(all[1], 0) != nil {
		t.Error("the child is gone already: the next call has nothing to end")
	}
	if err := host().Run(t.Context(), Call{Name: "call-of-the-dead", Command: []string{"/bin/true"}, Output: io.Discard}); err != nil {
		t.Error(err)
	}
	gone(t, all[1])
}

// An output that takes no more ends the command, and what it says of its errors goes nowhere if it is told so.
func TestFullOutput(t *testing.T) {
	ready := filepath.Join(t.TempDir(), "pids")
	path := script(t, "trap '' TERM; sleep 300 & echo $! > "+ready, "echo a word", "while :; do echo more; done")
	full := errors.New("it is full")
	err := host().Run(t.Context(), Call{Name: t.Name(), Command: []string{path}, Output: writer(func([]byte) (int, error) { return 0, full })})
	if !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	gone(t, pids(t, ready)...)
	var text strings.Builder
	if err := host().Run(t.Context(), Call{Name: t.Name(), Command: []string{script(t, "echo out; echo err >&2")}, Output: &text, Silent: true}); err != nil || text.String() != "out\n" {
		t.Errorf("got %q, %v", text.String(), err)
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// appears waits for a file.
func appears(t *testing.T, path string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if _, err := os.Stat(path); err == nil || t.Context().Err() != nil {
			return
		}
	}
}

// pids reads process ids from a file.
func pids(t *testing.T, path string) []int {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // only read from
	var out []int
	words := bufio.NewScanner(f)
	for words.Split(bufio.ScanWords); words.Scan(); {
		pid, err := strconv.Atoi(words.Text())
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, pid)
	}
	return out
}

// gone waits until none of the processes runs any more. One that is only not reaped yet is gone.
func gone(t *testing.T, pids ...int) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.Now().Add(5 * time.Second)
	for _, pid := range pids {
		for {
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			if err != nil || strings.Contains(string(status), "State:\tZ") {
				break
			}
			if time.Now().After(limit) {
				t.Errorf("process %d still runs", pid)
				return
			}
			<-tick.C
		}
	}
}
