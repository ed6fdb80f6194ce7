package envfile

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/capakraken/fairlead/internal/fault"
)

// mostLinks is how many symbolic links a path may go through, which is the kernel's own limit.
const mostLinks = 40

// way is the walk to the directory that holds a file, one part of its path after the other. Whoever may write to one of the
// directories on it may lead it to another file.
type way struct {
	gate
	at    int    // the directory that was reached, open
	path  string // its own path
	links int
	found []fault.Problem
}

// reach opens the directory dir and judges all directories on the way to it. The caller closes it, unless there is an error or
// it is not there (-1).
func (g gate) reach(dir string) (int, []fault.Problem, error) {
	if full, err := filepath.Abs(dir); err == nil {
		dir = full
	}
	w := way{gate: g, at: -1}
	err := w.root()
	for rest := strings.Split(dir, "/"); err == nil && w.at >= 0 && len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		if part == "" || part == "." {
			continue
		}
		var target string
		if target, err = w.enter(part); target != "" {
			rest = slices.Concat(strings.Split(target, "/"), rest)
			if target[0] == '/' && err == nil {
				err = w.root()
			}
		}
	}
	if err != nil {
		w.leave()
	}
	return w.at, w.found, err
}

func (w *way) leave() {
	if w.at >= 0 {
		_ = unix.Close(w.at)
	}
	w.at = -1
}

// root begins at the root of the file system.
func (w *way) root() error {
	fd, err := openAt(unix.AT_FDCWD, "/", unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	return w.step(fd, "/")
}

// enter goes to a part of the directory that was reached, or returns where it leads if it is a symbolic link.
func (w *way) enter(part string) (target string, err error) {
	fd, err := openAt(w.at, part, unix.O_PATH|unix.O_NOFOLLOW)
	if err != nil {
		return "", err
	}
	var s unix.Stat_t
	if err := unix.Fstat(fd, &s); err != nil {
		_ = unix.Close(fd)
		return "", err
	}
	path := filepath.Join(w.path, part)
	switch s.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return "", w.step(fd, path)
	case unix.S_IFLNK:
		defer func() { _ = unix.Close(fd) }()
		if w.links++; w.links > mostLinks {
			return "", unix.ELOOP
		}
		if !w.trusts(s) {
			w.note(w.problem(fmt.Sprintf("lies behind the symbolic link %s, which belongs to uid %d, who may point it elsewhere", path, s.Uid), "name it by its real path"))
		}
		return readLink(fd)
	}
	_ = unix.Close(fd)
	return "", unix.ENOTDIR
}

// step takes fd, a directory, for the one that was reached. One in which no file can be kept ends the walk.
func (w *way) step(fd int, path string) error {
	w.leave()
	w.at, w.path = fd, path
	var s unix.Stat_t
	if err := unix.Fstat(fd, &s); err != nil {
		return err
	}
	var on unix.Statfs_t
	if err := unix.Fstatfs(fd, &on); err != nil {
		return err
	}
	if on.Type == unix.PROC_SUPER_MAGIC || on.Type == unix.SYSFS_MAGIC {
		w.note(w.problem("lies in "+path+", which shows the kernel's own things and keeps no files", "name a regular file on a disk"))
		w.leave()
		return nil
	}
	if p, bad := w.directory(s, path); bad {
		w.note(p)
	}
	return nil
}

// note keeps the first problem: one place mended, the next one shows by itself.
func (w *way) note(p fault.Problem) {
	if len(w.found) == 0 {
		w.found = []fault.Problem{p}
	}
}

// directory returns the problem with a directory on the way to the file. A sticky bit keeps those who may write there from
// replacing what is not theirs.
func (g gate) directory(s unix.Stat_t, path string) (fault.Problem, bool) {
	lies := "lies below " + path + ", "
	if full, err := filepath.Abs(g.path); err == nil && filepath.Dir(full) == path {
		lies = "lies in a directory "
	}
	in := "in which"
	sticky := s.Mode&unix.S_ISVTX != 0
	switch {
	case !g.trusts(s):
		return g.problem(fmt.Sprintf("%s%s uid %d may replace it, whose directory it is", lies, in, s.Uid), "keep it where only root may write"), true
	case s.Mode&unix.S_IWOTH != 0 && !sticky:
		return g.problem(lies+in+" everybody may replace it", "mend it with: chmod o-w "+word(path)), true
	case s.Mode&unix.S_IWGRP != 0 && !sticky && s.Gid != 0 && int(s.Gid) != g.policy.GID:
		return g.problem(fmt.Sprintf("%s%s the group %d may replace it", lies, in, s.Gid), "mend it with: chmod g-w "+word(path)), true
	}
	return fault.Problem{}, false
}

// trusts tells whether what the kernel tells of belongs to somebody who may say what an app gets.
func (g gate) trusts(s unix.Stat_t) bool { return s.Uid == 0 || int(s.Uid) == g.policy.UID }

// readLink returns where an open symbolic link leads. It is never empty.
func readLink(fd int) (string, error) {
	into := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", into)
	if err == nil && n == 0 {
		err = unix.ENOENT
	}
	return string(into[:max(n, 0)]), err
}
