package envfile

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

// upper is a mending that can be seen.
func upper(v secret.Value) secret.Value { return secret.NewValue(strings.ToUpper(v.Reveal())) }

func TestRewriteKeepsOwnerAndMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".env.production")
	if err := os.WriteFile(path, []byte("a=hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 {
		uid, gid = 65534, 65533
		if err := os.Chown(path, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := Rewrite(path, upper); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil || string(content) != "A=HUNTER2\n" {
		t.Errorf("the content is %q (%v)", content, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if s := info.Sys().(*syscall.Stat_t); info.Mode() != 0o640 || int(s.Uid) != uid || int(s.Gid) != gid {
		t.Errorf("mode %v, uid %d, gid %d", info.Mode(), s.Uid, s.Gid)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("beside it is left %v (%v)", entries, err)
	}
	before := info.Sys().(*syscall.Stat_t).Ino
	if _, err := Rewrite(path, upper); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Sys().(*syscall.Stat_t).Ino != before {
		t.Errorf("a file in which nothing changes was written again (%v)", err)
	}
}

func TestRewriteRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		prepare func(t *testing.T, path string) error
		want    string
	}{
		"a symbolic link": {func(_ *testing.T, path string) error {
			return os.Symlink(path+".real", path)
		}, "is a symbolic link, and was left as it is"},
		"a hard link": {func(_ *testing.T, path string) error {
			return os.Link(path+".real", path)
		}, "has a second name (a hard link)"},
		"a pipe":      {func(_ *testing.T, path string) error { return unix.Mkfifo(path, 0o600) }, "is no regular file"},
		"a directory": {func(_ *testing.T, path string) error { return os.Mkdir(path, 0o700) }, "is no regular file"},
		"nothing":     {func(*testing.T, string) error { return nil }, "no such file or directory"},
		"an access list": {func(t *testing.T, path string) error {
			if err := os.WriteFile(path, []byte("a=1\n"), 0o640); err != nil {
				return err
			}
			// Version 2, then tag, permissions and id of: the owner, user 1, the group, the mask, the others.
			list := "\x02\x00\x00\x00" + "\x01\x00\x06\x00\xff\xff\xff\xff" + "\x02\x00\x04\x00\x01\x00\x00\x00" + "\x04\x00\x04\x00\xff\xff\xff\xff" +
				"\x10\x00\x04\x00\xff\xff\xff\xff" + "\x20\x00\x00\x00\xff\xff\xff\xff"
			if err := unix.Setxattr(path, "system.posix_acl_access", []byte(list), 0); err != nil {
				t.Skipf("this file system has no access lists: %v", err)
			}
			return nil
		}, "has an access list"},
		"a large file": {func(_ *testing.T, path string) error {
			return os.WriteFile(path, make([]byte, DefaultBytes+1), 0o600)
		}, "is longer than"},
		"one that is being rewritten": {func(_ *testing.T, path string) error {
			if err := os.WriteFile(filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".fairlead-new"), nil, 0o600); err != nil {
				return err
			}
			return os.WriteFile(path, []byte("a=1\n"), 0o600)
		}, "from a rewriting that goes on or was cut off"},
		"one that changes meanwhile": {func(_ *testing.T, path string) error {
			return os.WriteFile(path, []byte("a=change me\n"), 0o600)
		}, "somebody else changed it meanwhile"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.env")
			if err := os.WriteFile(path+".real", []byte("a=1\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := tt.prepare(t, path); err != nil {
				t.Fatal(err)
			}
			_, err := Rewrite(path, func(v secret.Value) secret.Value {
				if strings.Contains(v.Reveal(), "change") {
					if err := os.WriteFile(path, []byte("a=changed\n"), 0o600); err != nil {
						t.Error(err)
					}
				}
				return upper(v)
			})
			if err == nil || !strings.Contains(fault.Text(err), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			if content, err := os.ReadFile(path + ".real"); err != nil || string(content) != "a=1\n" {
				t.Errorf("the other name holds %q (%v)", content, err)
			}
			if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
				return // reading a pipe would wait for a writer
			}
			if content, err := os.ReadFile(path); err == nil && strings.Contains(string(content), "A=") {
				t.Errorf("it was changed to %q", content)
			}
		})
	}
}
