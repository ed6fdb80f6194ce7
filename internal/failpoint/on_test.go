//go:build failpoint

package failpoint

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// comesBy has the test's own binary be the process that comes by points.
const comesBy = "FAIRLEAD_FAILPOINT_TEST"

func TestMain(m *testing.M) {
	if _, ok := os.LookupEnv(comesBy); ok {
		for range 3 {
			Hit(ReplaceCreated)
			_, _ = os.Stdout.WriteString(".")
		}
		Hit(ClearLocked)
		os.Exit(7)
	}
	os.Exit(m.Run())
}

func TestHit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		order  string
		end    string // of the process
		before string // that it came so far
		log    string
	}{
		"nothing":          {"", "exit status 7", "...", ""},
		"another point":    {"pull-asked=kill", "exit status 7", "...", ""},
		"kill":             {"replace-created=kill", "signal: killed", "", "replace-created\n"},
		"the third time":   {"replace-created:3=kill", "signal: killed", "..", "replace-created\n"},
		"not so often":     {"replace-created:4=kill", "exit status 7", "...", ""},
		"exit":             {"clear-locked=exit", "exit status 0", "...", "clear-locked\n"},
		"panic":            {"clear-locked=panic", "exit status 2", "...", "clear-locked\n"},
		"any":              {"any:4=kill", "signal: killed", "...", "clear-locked\n"},
		"the first of two": {"clear-locked=kill,replace-created:2=exit", "exit status 0", ".", "replace-created\n"},
		"no such point":    {"replace-creatd=kill", "exit status 2", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := filepath.Join(t.TempDir(), "log")
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), comesBy+"=", "FAIRLEAD_FAILPOINT="+c.order, "FAIRLEAD_FAILPOINT_LOG="+log)
			out, err := cmd.Output()
			if end := cmd.ProcessState.String(); end != c.end {
				t.Errorf("it ended with %s, want %s: %v", end, c.end, err)
			}
			noted, err := os.ReadFile(log)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			if string(out) != c.before || string(noted) != c.log {
				t.Errorf("it came so far: %q, and noted %q", out, noted)
			}
		})
	}
}

// Without a log that can be written, nobody would know that the point was reached.
func TestHitWantsALog(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), comesBy+"=", "FAIRLEAD_FAILPOINT=clear-locked=kill", "FAIRLEAD_FAILPOINT_LOG=")
	_, err := cmd.Output()
	failed, ok := errors.AsType[*exec.ExitError](err)
	if !ok || failed.ExitCode() != 2 || !strings.Contains(string(failed.Stderr), "FAIRLEAD_FAILPOINT:") {
		t.Errorf("it went on: %v", err)
	}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		t.Error("it was killed all the same")
	}
}

// A process that stalls lives on, and comes no further.
func TestStall(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "log")
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), comesBy+"=", "FAIRLEAD_FAILPOINT=replace-created:2=stall", "FAIRLEAD_FAILPOINT_LOG="+log)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var b [8]byte
	if n, err := out.Read(b[:]); err != nil || n != 1 {
		t.Errorf("it came %d times by the first point: %v", n, err)
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	_ = cmd.Wait() // a runtime with nothing left to do would have ended it with another status
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGTERM {
		t.Errorf("it ended by itself: %v", cmd.ProcessState)
	}
}
