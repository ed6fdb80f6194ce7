package server

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
)

func TestListen(t *testing.T) {
	// The umask must neither widen the mode nor narrow it.
	old := syscall.Umask(0o077)
	t.Cleanup(func() { syscall.Umask(old) })
	path := filepath.Join(t.TempDir(), "s")
	ln, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != os.ModeSocket|0o660 {
		t.Errorf("the socket's mode is %v, %v", info.Mode(), err)
	}
	if err := ln.Welcome(); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != os.ModeSocket|0o666 {
		t.Errorf("the mode of a socket for everybody is %v, %v", info.Mode(), err)
	}
	// Who comes second is sent away, and the first goes on listening.
	if _, err := Listen(path); fault.KindOf(err) != fault.Refused || !strings.Contains(fault.Text(err), "somebody answers on "+path) {
		t.Errorf("a second listener: %v", err)
	}
	if c, err := net.Dial("unix", path); err != nil {
		t.Errorf("the first listener is gone: %v", err)
	} else {
		_ = c.Close()
	}
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

func TestListenOnLeftover(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false) // as after a kill
	_ = dead.Close()
	ln, err := Listen(path)
	if err != nil {
		t.Fatalf("a left-over socket is in the way: %v", err)
	}
	_ = ln.Close()
}

func TestListenRefuses(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	for path, says := range map[string]string{
		file:                          "is no socket; it was left as it is",
		link:                          "is no socket; it was left as it is",
		filepath.Join(dir, "no", "s"): "no such file or directory",
		filepath.Join(dir, strings.Repeat("x", maxPath)): "longer than 107 bytes",
	} {
		if _, err := Listen(path); err == nil || !strings.Contains(fault.Text(err), says) {
			t.Errorf("%s: %v, want %q", path, err, says)
		}
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "precious" {
		t.Errorf("the file was touched: %q, %v", b, err)
	}
}
