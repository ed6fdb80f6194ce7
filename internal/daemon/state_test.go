package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

func open(t *testing.T, dir string) *state {
	t.Helper()
	s, err := openState(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.close() })
	return s
}

func TestOneDaemonHoldsTheState(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	first := open(t, dir)
	if _, err := openState(dir); fault.KindOf(err) != fault.Busy || !strings.Contains(err.Error(), dir) {
		t.Errorf("a second daemon is told %v", err)
	}
	if err := first.close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
}

func TestTheKeyStays(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	value := secret.NewValue("v")
	want := first.key.Of("A", value)
	if err := first.close(); err != nil {
		t.Fatal(err)
	}
	if got := open(t, dir).key.Of("A", value); got != want {
		t.Error("the second start made another key")
	}
	if other := open(t, t.TempDir()).key.Of("A", value); other == want {
		t.Error("two hosts share a key")
	}
	info, err := os.Stat(filepath.Join(dir, keyFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's mode is %v (%v)", info.Mode(), err)
	}
}

func TestADamagedKeyIsNotReplaced(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, keyFile)
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openState(dir); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a damaged key gives %v", err)
	}
	if content, err := os.ReadFile(path); err != nil || string(content) != "short" {
		t.Error("the damaged key was touched")
	}
	// The refusal must not leave the lock behind.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
}

func TestStateThatOthersMayWrite(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := openState(dir); fault.KindOf(err) != fault.Refused || !strings.Contains(err.Error(), "chmod 0700") {
		t.Errorf("got %v", err)
	}
}

func TestStateThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openState(filepath.Join(file, "state")); fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("got %v", err)
	}
}
