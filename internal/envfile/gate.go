package envfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os/user"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/capakraken/fairlead/internal/fault"
)

// gate judges one file by what the kernel says of it.
type gate struct {
	path   string
	policy Policy
}

// kind returns the problem with a file that is not a regular one.
func (g gate) kind(s unix.Stat_t) (fault.Problem, bool) {
	switch s.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		return fault.Problem{}, false
	case unix.S_IFLNK:
		return g.problem("is a symbolic link, and whoever owns the link could point it elsewhere", "put the file itself in its place: "+g.install()), true
	case unix.S_IFDIR:
		return g.problem("is a directory", "name the file inside it"), true
	case unix.S_IFIFO:
		return g.problem("is a named pipe, which cannot be read twice alike", "put a regular file in its place: "+g.create()), true
	case unix.S_IFSOCK:
		return g.problem("is a socket", "put a regular file in its place: "+g.create()), true
	default:
		return g.problem("is a device", "name a regular file"), true
	}
}

// keeping returns the problem with the owner, the permissions and the links of a regular file. One command mends all
// three, so they are one problem.
func (g gate) keeping(s unix.Stat_t) (fault.Problem, bool) {
	var parts []string
	if uid := int(s.Uid); uid != 0 && uid != g.policy.UID {
		parts = append(parts, fmt.Sprintf("belongs to uid %d (wanted: %s)", uid, g.owners()))
	}
	if mode := fs.FileMode(s.Mode & 0o7777); mode&^g.policy.MaxMode != 0 {
		parts = append(parts, fmt.Sprintf("has mode %04o (wanted: %04o at most)", uint32(mode), uint32(g.policy.MaxMode)))
	}
	if s.Nlink > 1 {
		parts = append(parts, fmt.Sprintf("has %d names (hard links; wanted: one)", s.Nlink))
	}
	if len(parts) == 0 {
		return fault.Problem{}, false
	}
	return g.problem(strings.Join(parts, ", "), "mend it with: "+g.install()), true
}

// extent returns the problem with the size of a regular file.
func (g gate) extent(s unix.Stat_t) (fault.Problem, bool) {
	switch {
	case s.Size == 0:
		return g.problem("is empty", "write the variables into it, or take it out of the configuration"), true
	case s.Size > g.policy.MaxBytes:
		return g.problem(fmt.Sprintf("has %d bytes, more than the %d that are read", s.Size, g.policy.MaxBytes), "check that this is the env file"), true
	}
	return fault.Problem{}, false
}

// unopened returns the problem when the file, or the directory that holds it, could not be looked at.
func (g gate) unopened(err error) fault.Problem {
	errno, _ := errors.AsType[unix.Errno](err)
	switch errno {
	case unix.ENOENT:
		return g.problem("does not exist", "make it with: "+g.create()+" and write the variables into it")
	case unix.EACCES, unix.EPERM:
		return g.problem(fmt.Sprintf("may not be read by uid %d, group %s", g.policy.UID, g.group()),
			"mend it with: "+g.install()+"; if that is not it, namei -l "+word(g.path)+" shows which directory bars the way")
	case unix.ENOTDIR:
		return g.problem("cannot be reached: a part of its path is not a directory", "correct the path")
	case unix.ELOOP:
		return g.problem("cannot be reached: its path runs in a circle of symbolic links", "name the file by its real path")
	case unix.ENAMETOOLONG:
		return g.problem("has too long a path", "correct the path")
	}
	return g.unread(err)
}

// withheld returns the problem with a file that is well kept but for its group, which keeps the daemon from reading it, as
// one does that is root's alone. One command mends that, and leaves the file's content alone.
func (g gate) withheld(s unix.Stat_t, err error) (fault.Problem, bool) {
	if !errors.Is(err, unix.EACCES) || int(s.Gid) == g.policy.GID && s.Mode&unix.S_IRGRP != 0 {
		return fault.Problem{}, false
	}
	path := word(g.path)
	return g.problem(fmt.Sprintf("may not be read by uid %d, group %s (it has mode %04o)", g.policy.UID, g.group(), s.Mode&0o7777),
		fmt.Sprintf("mend it with: chgrp %s %s && chmod %04o %s", g.group(), path, uint32(g.policy.MaxMode), path)), true
}

// unread returns the problem when the kernel failed on the file. A kernel's error number carries no content.
func (g gate) unread(err error) fault.Problem {
	reason := "for an unknown reason"
	if errno, ok := errors.AsType[unix.Errno](err); ok {
		reason = "(" + errno.Error() + ")"
	}
	return g.problem("could not be read "+reason, "check the disk and the file system that hold it")
}

func (g gate) problem(what, fix string) fault.Problem {
	return fault.Problem{Where: g.path, What: what, Fix: fix}
}

func (g gate) owners() string {
	if g.policy.UID == 0 {
		return "root"
	}
	return fmt.Sprintf("root or uid %d", g.policy.UID)
}

// install returns the command that puts a well-kept copy in the place of the file. A copy, and not chown and chmod,
// since only a new file is rid of further links and of whoever has the old one open.
func (g gate) install() string {
	path, beside := word(g.path), word(g.path+".new")
	return fmt.Sprintf("install -m %04o -o root -g %s %s %s && mv %s %s", uint32(g.policy.MaxMode), g.group(), path, beside, beside, path)
}

// create returns the command that makes an empty, well-kept file.
func (g gate) create() string {
	return fmt.Sprintf("install -m %04o -o root -g %s /dev/null %s", uint32(g.policy.MaxMode), g.group(), word(g.path))
}

// group returns the name of the daemon's group, or its number where it has none.
func (g gate) group() string {
	id := strconv.Itoa(g.policy.GID)
	if named, err := user.LookupGroupId(id); err == nil {
		return named.Name
	}
	return id
}

// word returns s as one word of a shell command.
func word(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+@%:,", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
