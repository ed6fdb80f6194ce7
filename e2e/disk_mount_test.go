//go:build e2e

package e2e

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/capakraken/fairlead/e2e/rig"
)

// small is a stage whose state directory is a file system of its own.
type small struct{ *stage }

// newSmall makes a stage whose state lies on what mount mounts. It fails where nothing can be mounted: what a full or a
// broken disk does cannot be tried otherwise. When the test ends, or dies, nothing stays mounted.
func newSmall(t *testing.T, mount func(dir string) error) *small {
	t.Helper()
	s := &small{quietTenant(t, rig.Options{Verify: "60s"})}
	s.must(os.Mkdir(s.State(), 0o700))
	release := guarded(t, s.State())
	t.Cleanup(func() {
		s.must(s.Kill())
		s.silentFiles(s.State())
		release()
	})
	if err := mount(s.State()); err != nil {
		t.Fatalf("cannot mount on %s, which takes root with CAP_SYS_ADMIN: %v", s.State(), err)
	}
	s.must(s.Start(t.Context()))
	return s
}

// guarded has whatever is mounted on a directory taken away by the function that it returns, or when this process ends
// in any way.
func guarded(t *testing.T, dir string) (release func()) {
	t.Helper()
	guard := exec.Command("sh", "-c", `cat >/dev/null; while umount -l "$0" 2>/dev/null; do :; done`, dir)
	guard.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a ctrl-C is for the test alone
	alive, err := guard.StdinPipe()
	if err == nil {
		err = guard.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := errors.Join(alive.Close(), guard.Wait()); err != nil {
			t.Error(err)
		}
	}
}

// memoryOf returns a mount of a disk in memory.
func memoryOf(size string) func(string) error {
	return func(dir string) error { return unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size="+size) }
}

// tool runs a command of the host and returns what it prints.
func tool(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return "", errors.New(name + ": " + strings.TrimSpace(string(out)))
	}
	return strings.TrimSpace(string(out)), nil
}

// ext4 returns a mount of a file with a file system of the kernel's. Each mount is a new device: the kernel remembers of
// an old one that it has failed, for as long as anybody has a file open on it.
func ext4(image string) func(string) error {
	return func(dir string) error {
		device, err := tool("losetup", "--find", "--show", image)
		if err != nil {
			return err
		}
		_, err = tool("mount", device, dir)
		_, gone := tool("losetup", "--detach", device) // when it is unmounted
		return errors.Join(err, gone)
	}
}

// newImage makes an empty file system in a file.
func newImage(t *testing.T) string {
	t.Helper()
	image := filepath.Join(t.TempDir(), "disk")
	if err := errors.Join(os.WriteFile(image, nil, 0o600), os.Truncate(image, 64<<20)); err != nil {
		t.Fatal(err)
	}
	if _, err := tool("mkfs.ext4", "-q", "-F", image); err != nil {
		t.Fatal(err)
	}
	return image
}

// ballast is the file that fills the disk.
func (s *small) ballast() string { return filepath.Join(s.State(), "ballast") }

// fill fills the disk until so many bytes are left.
func (s *small) fill(left int64) {
	s.t.Helper()
	var st unix.Statfs_t
	s.must(unix.Statfs(s.State(), &st))
	f, err := os.Create(s.ballast())
	s.must(err)
	defer func() { s.must(f.Close()) }()
	n := int64(st.Bavail)*st.Bsize - left
	if _, err := io.CopyN(f, zeros{}, n); err != nil && !(left == 0 && errors.Is(err, syscall.ENOSPC)) {
		s.t.Fatal(err)
	}
}

// makeRoom takes what fills the disk away.
func (s *small) makeRoom() {
	s.t.Helper()
	s.must(os.Remove(s.ballast()))
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// readable expects that everything can be seen that is there: what is recorded, and what runs.
func (s *small) readable(id string) {
	s.t.Helper()
	s.told(0, []string{"status"}, rig.App)
	s.told(0, []string{"status", rig.App}, "web", "worker")
	s.told(0, []string{"rollouts", rig.App}, id)
	s.told(0, []string{"show", id}, id)
	s.told(0, []string{"audit", "log", "--rollout", id}, id)
	s.told(0, []string{"audit", "verify", "--state", s.State()}, "the journal is whole")
}

// still returns the containers of the app, and what the Engine says of each.
func (s *small) still() []rig.Container {
	s.t.Helper()
	all, err := s.Containers(s.t.Context())
	s.must(err)
	slices.SortFunc(all, func(a, b rig.Container) int { return strings.Compare(a.ID, b.ID) })
	return all
}
