package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/capakraken/fairlead/internal/fault"
)

const minimal = "instance: a\napps: {shop: {environment: production, image: shop, services: {web: {}}}}\n"

func write(t *testing.T, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fairlead.yaml")
	if err := os.WriteFile(path, []byte(minimal), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // the umask must not decide the test
		t.Fatal(err)
	}
	return path
}

func TestLoad(t *testing.T) {
	for _, mode := range []os.FileMode{0o600, 0o640, 0o644} {
		path := write(t, mode)
		cfg, err := Load(path)
		if err != nil || cfg.Path != path || cfg.Instance != "a" {
			t.Errorf("%o: %+v, %v", mode, cfg, err)
		}
	}
}

func TestLoadRefusesWhatItCannotTrust(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	long := filepath.Join(t.TempDir(), "long.yaml")
	if err := os.WriteFile(long, []byte(minimal+strings.Repeat("#\n", maxBytes)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ path, want string }{
		{write(t, 0o620), "can be written by others than its owner"},
		{write(t, 0o602), "can be written by others than its owner"},
		{filepath.Join(t.TempDir(), "absent.yaml"), "does not exist"},
		{t.TempDir(), "is not a regular file"},
		{fifo, "is not a regular file"},
		{long, "is longer than 1 MiB"},
	} {
		_, err := Load(tt.path)
		if fault.KindOf(err) != fault.Refused || !strings.Contains(err.Error(), tt.path) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("want %q, got: %v", tt.want, err)
		}
	}
}
