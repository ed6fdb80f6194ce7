package envfile

import (
	"cmp"
	"errors"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/capakraken/fairlead/internal/fault"
)

// fetch returns the file's content and what the kernel says of it, with every problem on the way. The content is nil
// when it could not be read whole; it is there when only the keeping of the file is at fault.
func (g gate) fetch() ([]byte, unix.Stat_t, []fault.Problem) {
	var problems []fault.Problem
	note := func(p fault.Problem, found bool) bool {
		if found {
			problems = append(problems, p)
		}
		return found
	}

	dir, base := filepath.Split(filepath.Clean(g.path))
	dir, base = cmp.Or(dir, "."), cmp.Or(base, ".")
	// The file is opened relative to the directory that was judged, so that nobody can exchange the directory in between.
	at, found, err := g.reach(dir)
	problems = found
	var stat unix.Stat_t
	if err != nil {
		return nil, stat, append(problems, g.unopened(err))
	}
	if at < 0 {
		return nil, stat, problems
	}
	defer func() { _ = unix.Close(at) }()

	// A look before the opening: some devices do something as soon as they are opened.
	if err := unix.Fstatat(at, base, &stat, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return nil, stat, append(problems, g.unopened(err))
	}
	if note(g.kind(stat)) {
		return nil, stat, problems
	}
	fd, err := openAt(at, base, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY)
	if err != nil {
		if !note(g.keeping(stat)) && note(g.withheld(stat, err)) {
			return nil, stat, problems
		}
		return nil, stat, append(problems, g.unopened(err))
	}
	defer func() { _ = unix.Close(fd) }()

	// What counts is the opened file, not the one that was looked at.
	if err := unix.Fstat(fd, &stat); err != nil {
		return nil, stat, append(problems, g.unread(err))
	}
	if note(g.kind(stat)) {
		return nil, stat, problems
	}
	note(g.keeping(stat))
	if note(g.extent(stat)) {
		return nil, stat, problems
	}
	content, problem, bad := g.read(fd, stat)
	if note(problem, bad) || note(g.still(at, base, stat)) {
		return nil, stat, problems
	}
	return content, stat, problems
}

// read returns the content of the file that was open with these facts before, and makes sure that they still hold.
func (g gate) read(fd int, before unix.Stat_t) ([]byte, fault.Problem, bool) {
	// One byte more than there should be shows a file that has grown.
	content := make([]byte, before.Size+1)
	n, err := readFull(fd, content)
	if err != nil {
		return nil, g.unread(err), true
	}
	var after unix.Stat_t
	if err := unix.Fstat(fd, &after); err != nil {
		return nil, g.unread(err), true
	}
	if int64(n) != before.Size || !same(before, after) {
		return nil, g.problem("was changed while it was read", "write it under another name and move it into place, then try again"), true
	}
	return content[:n], fault.Problem{}, false
}

// still makes sure that the name still means the file that was read.
func (g gate) still(at int, base string, read unix.Stat_t) (fault.Problem, bool) {
	var now unix.Stat_t
	err := unix.Fstatat(at, base, &now, unix.AT_SYMLINK_NOFOLLOW)
	if err == nil && now.Dev == read.Dev && now.Ino == read.Ino {
		return fault.Problem{}, false
	}
	return g.problem("was replaced while it was read", "try again, when nobody writes it"), true
}

// same reports whether nobody touched the file between two looks at it.
func same(a, b unix.Stat_t) bool {
	return a.Dev == b.Dev && a.Ino == b.Ino && a.Size == b.Size && a.Mtim == b.Mtim && a.Ctim == b.Ctim
}

func openAt(dir int, path string, flags int) (int, error) {
	for {
		fd, err := unix.Openat(dir, path, flags|unix.O_CLOEXEC, 0)
		if !errors.Is(err, unix.EINTR) {
			return fd, err
		}
	}
}

// readFull reads until into is full or the file ends, and returns the number of bytes.
func readFull(fd int, into []byte) (int, error) {
	total := 0
	for total < len(into) {
		n, err := unix.Read(fd, into[total:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return total, err
		}
		if n == 0 {
			break
		}
		total += n
	}
	return total, nil
}
