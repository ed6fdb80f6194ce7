package world

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// bare returns a World without an Engine, for what needs none.
func bare(t *testing.T) *World {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	dir, lock, err := claim("test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lock.Close() })
	return &World{Run: "test", Dir: dir, lock: lock}
}

func TestClaimedDirectoryIsHeldUntilReleased(t *testing.T) {
	w := bare(t)
	if _, err := lockDir(w.Dir); !errors.Is(err, errHeld) {
		t.Errorf("lock of a run that is alive: %v", err)
	}
	if err := w.release(); err != nil {
		t.Fatal(err)
	}
	lock, err := lockDir(w.Dir)
	if err != nil {
		t.Fatal(err)
	}
	lock.Close()
}

func TestStopEndsTheProcessAndItsRecord(t *testing.T) {
	w := bare(t)
	p, err := w.start("sleeper", exec.Command("sleep", "1000"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	}
	if birth(p.cmd.Process.Pid) != "" {
		t.Error("the process lives")
	}
	if left, _ := filepath.Glob(filepath.Join(w.Dir, "process-*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestRecordedProcessIsEndedOnlyIfItIsTheSame(t *testing.T) {
	w := bare(t)
	p, err := w.start("sleeper", exec.Command("sleep", "1000"))
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	born, err := os.ReadFile(p.record)
	if err != nil {
		t.Fatal(err)
	}

	write := func(content string) {
		if err := os.WriteFile(p.record, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := endRecorded(t.Context(), w.Dir); err != nil {
			t.Fatal(err)
		}
	}
	write("1")
	if birth(p.cmd.Process.Pid) != string(born) {
		t.Error("another process with the same id was ended")
	}
	write(string(born))
	if birth(p.cmd.Process.Pid) == string(born) {
		t.Error("the recorded process lives")
	}
}

func TestAwaitTellsTheLastWords(t *testing.T) {
	w := bare(t)
	p, err := w.start("grumbler", exec.Command("sh", "-c", "echo no disk; exit 1"))
	if err != nil {
		t.Fatal(err)
	}
	<-p.ended
	err = p.await(t.Context(), func(context.Context) error { return errors.New("not ready") })
	if err == nil || !strings.Contains(err.Error(), "grumbler ended") || !strings.Contains(err.Error(), "no disk") {
		t.Errorf("got %v", err)
	}
}
