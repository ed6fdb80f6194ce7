package envfile

import (
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/capakraken/fairlead/internal/fault"
)

// own is a policy that trusts the files that this test writes.
func own() Policy { return Policy{UID: os.Getuid(), GID: os.Getgid()} }

// write writes an env file and returns its path.
func write(t *testing.T, dir, content string, mode fs.FileMode) string {
	t.Helper()
	path := filepath.Join(dir, ".env.production")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestRead(t *testing.T) {
	path := write(t, t.TempDir(), "A=bar\nB=baz\n", 0o640)
	at := time.Date(2026, 3, 30, 12, 0, 0, 5000, time.UTC)
	must(t, os.Chtimes(path, at, at))

	f, err := Read(path, own())
	must(t, err)
	if f.Path != path || f.UID != os.Getuid() || f.Mode != 0o640 || !f.Modified.Equal(at) || f.Faulty != nil {
		t.Errorf("read %+v", f)
	}
	v, ok := f.Env.Lookup("B")
	if !ok || v.Value.Reveal() != "baz" || v.Origin.String() != path+":2" {
		t.Errorf("B has origin %s", v.Origin)
	}
}

func TestReadAcceptsNarrowerModes(t *testing.T) {
	for _, mode := range []fs.FileMode{0o640, 0o600, 0o440, 0o400} {
		if _, err := Read(write(t, t.TempDir(), "A=bar\n", mode), own()); err != nil {
			t.Errorf("mode %04o: %v", mode, err)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	tests := map[string]struct {
		make func(t *testing.T, dir string) string
		want []string // each stands in the problem of the same index
	}{
		"no file":                {func(_ *testing.T, dir string) string { return filepath.Join(dir, "none") }, []string{"does not exist"}},
		"no directory":           {func(_ *testing.T, dir string) string { return filepath.Join(dir, "none", "x") }, []string{"does not exist"}},
		"a file for a directory": {func(t *testing.T, dir string) string { return write(t, dir, "A=b\n", 0o640) + "/x" }, []string{"a part of its path is not a directory"}},
		"a directory":            {func(_ *testing.T, dir string) string { return dir }, []string{"is a directory"}},
		"a device":               {func(*testing.T, string) string { return "/dev/null" }, []string{"is a device"}},
		"a symbolic link": {func(t *testing.T, dir string) string {
			link := filepath.Join(dir, "link")
			must(t, os.Symlink(write(t, dir, "A=b\n", 0o640), link))
			return link
		}, []string{"is a symbolic link"}},
		"a link to nothing": {func(t *testing.T, dir string) string {
			link := filepath.Join(dir, "link")
			must(t, os.Symlink("nothing", link))
			return link
		}, []string{"is a symbolic link"}},
		"a pipe": {func(t *testing.T, dir string) string {
			pipe := filepath.Join(dir, "pipe")
			must(t, unix.Mkfifo(pipe, 0o640))
			return pipe
		}, []string{"is a named pipe"}},
		"a socket": {func(t *testing.T, dir string) string {
			path := filepath.Join(dir, "s")
			l, err := net.Listen("unix", path)
			must(t, err)
			t.Cleanup(func() { _ = l.Close() })
			return path
		}, []string{"is a socket"}},
		"readable by all":     {func(t *testing.T, dir string) string { return write(t, dir, "A=b\n", 0o644) }, []string{"has mode 0644 (wanted: 0640 at most)"}},
		"writable by a group": {func(t *testing.T, dir string) string { return write(t, dir, "A=b\n", 0o660) }, []string{"has mode 0660"}},
		"executable":          {func(t *testing.T, dir string) string { return write(t, dir, "A=b\n", 0o740) }, []string{"has mode 0740"}},
		"setuid":              {func(t *testing.T, dir string) string { return write(t, dir, "A=b\n", 0o640|fs.ModeSetuid) }, []string{"has mode 4640"}},
		"two names": {func(t *testing.T, dir string) string {
			path := write(t, dir, "A=b\n", 0o640)
			must(t, os.Link(path, path+".2"))
			return path
		}, []string{"has 2 names"}},
		"empty":     {func(t *testing.T, dir string) string { return write(t, dir, "", 0o640) }, []string{"is empty"}},
		"very long": {func(t *testing.T, dir string) string { return write(t, dir, strings.Repeat("#\n", 1<<19)+"#", 0o640) }, []string{"has 1048577 bytes, more than the 1048576"}},
		"a directory for all": {func(t *testing.T, dir string) string {
			must(t, os.Chmod(dir, 0o777))
			return write(t, dir, "A=b\n", 0o640)
		}, []string{"everybody may replace it; mend it with: chmod o-w "}},
		"a directory above for all": {func(t *testing.T, dir string) string {
			must(t, os.MkdirAll(filepath.Join(dir, "open", "closed"), 0o755))
			must(t, os.Chmod(filepath.Join(dir, "open"), 0o777))
			return write(t, filepath.Join(dir, "open", "closed"), "A=b\n", 0o640)
		}, []string{"open, in which everybody may replace it; mend it with: chmod o-w "}},
		"behind a link into a directory for all": {func(t *testing.T, dir string) string {
			must(t, os.MkdirAll(filepath.Join(dir, "open", "closed"), 0o755))
			must(t, os.Chmod(filepath.Join(dir, "open"), 0o777))
			write(t, filepath.Join(dir, "open", "closed"), "A=b\n", 0o640)
			must(t, os.Symlink("open/closed", filepath.Join(dir, "link")))
			return filepath.Join(dir, "link", ".env.production")
		}, []string{"open, in which everybody may replace it"}},
		"a circle of links": {func(t *testing.T, dir string) string {
			must(t, os.Symlink("circle", filepath.Join(dir, "circle")))
			return filepath.Join(dir, "circle", "x")
		}, []string{"its path runs in a circle of symbolic links"}},
		"the kernel's own": {func(*testing.T, string) string { return "/proc/self/environ" }, []string{"lies in /proc, which shows the kernel's own things"}},
		"through the kernel's own": {func(t *testing.T, dir string) string {
			return "/proc/self/root" + write(t, dir, "A=b\n", 0o640)
		}, []string{"lies in /proc, which"}},
		"an open file of this process": {func(t *testing.T, dir string) string {
			f, err := os.Open(write(t, dir, "A=b\n", 0o640))
			must(t, err)
			t.Cleanup(func() { _ = f.Close() })
			return fmt.Sprintf("/dev/fd/%d", f.Fd())
		}, []string{"lies in /proc, which"}},
		"a setting of the kernel's": {func(*testing.T, string) string { return "/sys/kernel/uevent_seqnum" }, []string{"lies in /sys, which"}},
		"not UTF-8":                 {func(t *testing.T, dir string) string { return write(t, dir, "A=\xff\n", 0o640) }, []string{"not in UTF-8"}},
		"a byte order mark":         {func(t *testing.T, dir string) string { return write(t, dir, "\ufeffA=b\n", 0o640) }, []string{"byte order mark"}},
		"a NUL":                     {func(t *testing.T, dir string) string { return write(t, dir, "A=b\x00c\n", 0o640) }, []string{"a NUL byte"}},
		"all at once": {func(t *testing.T, dir string) string {
			must(t, os.Chmod(dir, 0o777))
			path := write(t, dir, "A=pa#ss\nB=1\nB=2\n", 0o666)
			must(t, os.Link(path, path+".2"))
			return path
		}, []string{"everybody may replace it", "has mode 0666 (wanted: 0640 at most), has 2 names", "holds a #", "second time"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := test.make(t, t.TempDir())
			f, err := Read(path, own())
			if fault.KindOf(err) != fault.Refused {
				t.Fatalf("error %v", err)
			}
			problems := fault.ProblemsOf(err)
			if len(problems) != len(test.want) {
				t.Fatalf("problems %q", problems)
			}
			for i, want := range test.want {
				if p := problems[i].String(); !strings.Contains(p, want) || !strings.HasPrefix(p, path) || problems[i].Fix == "" {
					t.Errorf("problem %q lacks %q", p, want)
				}
			}
			if f.Path != path {
				t.Errorf("path %q", f.Path)
			}
		})
	}
}

func TestReadAcceptsStickyDirectory(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o777|fs.ModeSticky))
	if _, err := Read(write(t, dir, "A=b\n", 0o640), own()); err != nil {
		t.Error(err)
	}
}

func TestReadGivesWhatCanBeJudged(t *testing.T) {
	f, err := Read(write(t, t.TempDir(), "A=it's\nB=1\n", 0o644), own())
	if err == nil || f.Env.Value("B").Reveal() != "1" || len(f.Env) != 1 || len(f.Faulty) != 1 || f.Faulty[0] != "A" {
		t.Errorf("read %+v: %v", f, err)
	}
}

func TestReadRelativePath(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, ".", "A=b\n", 0o640)
	if _, err := Read(".env.production", own()); err != nil {
		t.Error(err)
	}
	if _, err := Read("", own()); fault.KindOf(err) != fault.Refused {
		t.Errorf("no path: %v", err)
	}
}

func TestPolicyIsChecked(t *testing.T) {
	path := write(t, t.TempDir(), "A=b\n", 0o600)
	for name, p := range map[string]Policy{
		"user":  {UID: -1},
		"group": {GID: -1},
		"mode":  {MaxMode: 0o644},
		"bytes": {MaxBytes: -1},
	} {
		if _, err := Read(path, p); fault.KindOf(err) != fault.Internal {
			t.Errorf("%s: %v", name, err)
		}
	}
	narrow := own()
	narrow.MaxMode = 0o400
	if _, err := Read(path, narrow); err == nil || !strings.Contains(err.Error(), "install -m 0400") {
		t.Errorf("narrower mode: %v", err)
	}
}

func TestKeeping(t *testing.T) {
	const free = 54321 // a group and a user that nobody has
	g := gate{path: "/etc/capakraken/.env.production", policy: Policy{UID: free, GID: free, MaxMode: DefaultMode}}
	tests := map[string]struct {
		stat unix.Stat_t
		want string
	}{
		"root":          {stat: unix.Stat_t{Uid: 0, Mode: 0o640, Nlink: 1}},
		"the daemon":    {stat: unix.Stat_t{Uid: free, Mode: 0o600, Nlink: 1}},
		"somebody else": {unix.Stat_t{Uid: 1000, Mode: 0o640, Nlink: 1}, "/etc/capakraken/.env.production: belongs to uid 1000 (wanted: root or uid 54321); mend it with: install -m 0640 -o root -g 54321 /etc/capakraken/.env.production /etc/capakraken/.env.production.new && mv /etc/capakraken/.env.production.new /etc/capakraken/.env.production"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p, bad := g.keeping(test.stat)
			if bad != (test.want != "") || bad && p.String() != test.want {
				t.Errorf("got  %s\nwant %s", p, test.want)
			}
		})
	}
}

// The file that is root's alone is mended by one command.
func TestWithheld(t *testing.T) {
	const free = 54321 // a group and a user that nobody has
	g := gate{path: "/etc/shop/.env", policy: Policy{UID: free, GID: free, MaxMode: DefaultMode}}
	p, bad := g.withheld(unix.Stat_t{Mode: unix.S_IFREG | 0o600, Nlink: 1}, unix.EACCES)
	if want := "/etc/shop/.env: may not be read by uid 54321, group 54321 (it has mode 0600); mend it with: chgrp 54321 /etc/shop/.env && chmod 0640 /etc/shop/.env"; !bad || p.String() != want {
		t.Errorf("got %s, want %s", p, want)
	}
	if _, bad := g.withheld(unix.Stat_t{Mode: unix.S_IFREG | 0o640, Gid: free, Nlink: 1}, unix.EACCES); bad {
		t.Error("its group is right, and something else bars the way")
	}
	if _, bad := g.withheld(unix.Stat_t{Mode: unix.S_IFREG | 0o600, Nlink: 1}, unix.EIO); bad {
		t.Error("a disk that fails is mended by no command")
	}
}

func TestUnopened(t *testing.T) {
	g := gate{path: "/etc/it's here/.env", policy: Policy{UID: 998, GID: 0, MaxMode: DefaultMode}}
	tests := map[unix.Errno]string{
		unix.ENOENT:       `make it with: install -m 0640 -o root -g root /dev/null '/etc/it'\''s here/.env'`,
		unix.EACCES:       "may not be read by uid 998, group root",
		unix.ENOTDIR:      "is not a directory",
		unix.ELOOP:        "circle of symbolic links",
		unix.ENAMETOOLONG: "too long a path",
		unix.EIO:          "could not be read (input/output error)",
	}
	for errno, want := range tests {
		if p := g.unopened(errno); !strings.Contains(p.String(), want) {
			t.Errorf("%v gives %q", errno, p)
		}
	}
}

// TestChangedWhileRead changes an open file between the first look and the reading.
func TestChangedWhileRead(t *testing.T) {
	changes := map[string]func(path string) error{
		"longer": func(path string) error { return os.WriteFile(path, []byte("A=bar\nB=1\n"), 0o640) },
		"cut":    func(path string) error { return os.Truncate(path, 2) },
		"same length": func(path string) error {
			return os.WriteFile(path, []byte("A=foo\n"), 0o640)
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			path := write(t, t.TempDir(), "A=bar\n", 0o640)
			// A time in the past makes the change visible however coarse the clock of the file system is.
			must(t, os.Chtimes(path, time.Unix(1, 0), time.Unix(1, 0)))
			g := gate{path: path, policy: own()}
			fd, err := openAt(unix.AT_FDCWD, path, unix.O_RDONLY)
			must(t, err)
			defer func() { _ = unix.Close(fd) }()
			var before unix.Stat_t
			must(t, unix.Fstat(fd, &before))

			must(t, change(path))
			content, p, bad := g.read(fd, before)
			if content != nil || !bad || !strings.Contains(p.What, "changed while it was read") {
				t.Errorf("read %q: %v", content, p)
			}
		})
	}
}

func TestSame(t *testing.T) {
	before := unix.Stat_t{Dev: 1, Ino: 2, Size: 3, Mtim: unix.Timespec{Sec: 4}, Ctim: unix.Timespec{Sec: 5}}
	if !same(before, before) {
		t.Error("a file differs from itself")
	}
	for name, touch := range map[string]func(*unix.Stat_t){
		"device":   func(s *unix.Stat_t) { s.Dev++ },
		"inode":    func(s *unix.Stat_t) { s.Ino++ },
		"size":     func(s *unix.Stat_t) { s.Size++ },
		"modified": func(s *unix.Stat_t) { s.Mtim.Nsec++ },
		"changed":  func(s *unix.Stat_t) { s.Ctim.Nsec++ },
	} {
		after := before
		touch(&after)
		if same(before, after) {
			t.Errorf("a change of %s goes unnoticed", name)
		}
	}
}

// TestReplacedWhileRead puts another file in the place of one that was opened.
func TestReplacedWhileRead(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "A=bar\n", 0o640)
	g := gate{path: path, policy: own()}
	at, problems, err := g.reach(dir)
	must(t, err)
	defer func() { _ = unix.Close(at) }()
	var read unix.Stat_t
	must(t, unix.Stat(path, &read))
	if p, bad := g.still(at, filepath.Base(path), read); bad || len(problems) > 0 {
		t.Errorf("it is still there: %v %v", p, problems)
	}
	must(t, os.Rename(path, path+".old")) // which keeps its number from the next
	write(t, dir, "A=foo\n", 0o640)
	if p, bad := g.still(at, filepath.Base(path), read); !bad || !strings.Contains(p.What, "was replaced while it was read") {
		t.Errorf("replaced: %v", p)
	}
	must(t, os.Remove(path))
	if p, bad := g.still(at, filepath.Base(path), read); !bad {
		t.Errorf("removed: %v", p)
	}
}

// What a stranger owns on the way may lead anywhere.
func TestWayThroughStrangersHands(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give a directory away")
	}
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "theirs", "in"), 0o755))
	must(t, os.MkdirAll(filepath.Join(dir, "real"), 0o755))
	must(t, os.Symlink("real", filepath.Join(dir, "link")))
	must(t, os.Mkdir(filepath.Join(dir, "group"), 0o755))
	for path, ids := range map[string][2]int{"theirs": {4711, 0}, "link": {4711, 0}, "group": {0, 4711}} {
		must(t, os.Lchown(filepath.Join(dir, path), ids[0], ids[1]))
	}
	must(t, os.Chmod(filepath.Join(dir, "group"), 0o775))
	for at, want := range map[string]string{
		"theirs":    "lies in a directory in which uid 4711 may replace it",
		"theirs/in": "theirs, in which uid 4711 may replace it",
		"link":      "link, which belongs to uid 4711, who may point it elsewhere",
		"group":     "lies in a directory in which the group 4711 may replace it; mend it with: chmod g-w ",
	} {
		path := write(t, filepath.Join(dir, at), "A=b\n", 0o640)
		_, err := Read(path, own())
		if problems := fault.ProblemsOf(err); len(problems) != 1 || !strings.Contains(problems[0].String(), want) {
			t.Errorf("%s: %v", at, problems)
		}
		if _, err := Read(path, Policy{UID: 4711, GID: 4711}); err != nil {
			t.Errorf("%s, of the daemon's own user: %v", at, err)
		}
	}
}
