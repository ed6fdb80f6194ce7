//go:build e2e

package envfile

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/capakraken/fairlead/internal/fault"
)

// TestMending runs, as root, the command that a refusal prints, and reads the file again.
func TestMending(t *testing.T) {
	daemon := Policy{UID: 54321, GID: 54321}
	tests := map[string]func(t *testing.T, path string){
		"mode":  func(t *testing.T, path string) { must(t, os.Chmod(path, 0o666|fs.ModeSetuid)) },
		"owner": func(t *testing.T, path string) { must(t, os.Chown(path, 1000, 1000)) },
		"links": func(t *testing.T, path string) { must(t, os.Link(path, path+".2")) },
		"linked": func(t *testing.T, path string) {
			must(t, os.Rename(path, path+".real"))
			must(t, os.Symlink(path+".real", path))
		},
		"directory": func(t *testing.T, path string) { must(t, os.Chmod(filepath.Dir(path), 0o777)) },
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "it's here")
			must(t, os.Mkdir(dir, 0o755))
			path := write(t, dir, "A=bar\n", 0o640)
			spoil(t, path)
			_, err := Read(path, daemon)
			problems := fault.ProblemsOf(err)
			if len(problems) != 1 {
				t.Fatalf("problems %v", err)
			}
			_, command, _ := strings.Cut(problems[0].Fix, ": ")
			if out, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", command, err, out)
			}
			f, err := Read(path, daemon)
			if err != nil || f.Env.Value("A").Reveal() != "bar" || f.UID != 0 && name != "directory" {
				t.Errorf("after %s: %v", command, err)
			}
		})
	}
}

// TestUnreadable reads a file, as root's child in all but its rights, that is for root alone.
func TestUnreadable(t *testing.T) {
	const nobody = 54321
	dir := t.TempDir()
	must(t, os.Chmod(filepath.Dir(dir), 0o755)) // it is made for its owner only
	path := write(t, dir, "A=bar\n", 0o600)
	result := make(chan error)
	go func() {
		// The rights are the thread's. It is never unlocked, so it ends with this goroutine.
		runtime.LockOSThread()
		if err := unix.Setfsuid(nobody); err != nil {
			result <- err
			return
		}
		_, err := Read(path, Policy{UID: nobody, GID: nobody})
		result <- err
	}()
	problems := fault.ProblemsOf(<-result)
	if len(problems) != 1 || !strings.Contains(problems[0].What, "may not be read by uid 54321") {
		t.Errorf("problems %q", problems)
	}
}
