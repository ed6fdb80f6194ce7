package envfile

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

// Rewrite puts what mend makes of the file's content in its place, and returns that. Whoever looks sees the old file or
// the new one, never a part; owner and permissions stay. Only a regular file under one name is rewritten, and nothing is
// written when mend changes nothing.
func Rewrite(path string, mend func(secret.Value) secret.Value) (secret.Value, error) {
	dir, base := filepath.Split(filepath.Clean(path))
	if dir == "" {
		dir = "."
	}
	g := gate{path: path, policy: Policy{MaxBytes: DefaultBytes}}
	at, err := openAt(unix.AT_FDCWD, dir, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return secret.Value{}, g.kept(err)
	}
	defer func() { _ = unix.Close(at) }()
	var stat unix.Stat_t
	if err := unix.Fstatat(at, base, &stat, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return secret.Value{}, g.kept(err)
	}
	if reason := unfit(stat); reason != "" {
		return secret.Value{}, fault.New(fault.Refused, "%s: %s, and was left as it is", path, reason)
	}
	fd, err := openAt(at, base, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY)
	if err != nil {
		return secret.Value{}, g.kept(err)
	}
	defer func() { _ = unix.Close(fd) }()
	if err := unix.Fstat(fd, &stat); err != nil {
		return secret.Value{}, g.kept(err)
	}
	if reason := cmp.Or(unfit(stat), listed(fd)); reason != "" {
		return secret.Value{}, fault.New(fault.Refused, "%s: %s, and was left as it is", path, reason)
	}
	content, problem, bad := g.read(fd, stat)
	if bad {
		return secret.Value{}, fault.New(fault.Unavailable, "%s", problem)
	}
	old := secret.NewValue(string(content))
	mended := mend(old)
	if mended.Equal(old) {
		return mended, nil
	}
	return mended, g.exchange(at, base, stat, mended)
}

// unfit says why a file is not rewritten.
func unfit(s unix.Stat_t) string {
	switch {
	case s.Mode&unix.S_IFMT == unix.S_IFLNK:
		return "is a symbolic link"
	case s.Mode&unix.S_IFMT != unix.S_IFREG:
		return "is no regular file"
	case s.Nlink > 1:
		return "has a second name (a hard link), which would keep the old content"
	case s.Size > DefaultBytes:
		return fmt.Sprintf("is longer than %d bytes", DefaultBytes)
	}
	return ""
}

// listed says that a list of further users stands on the file, which a new one would not have.
func listed(fd int) string {
	names := make([]byte, 4096)
	n, err := unix.Flistxattr(fd, names)
	if err != nil || !slices.Contains(strings.Split(string(names[:n]), "\x00"), "system.posix_acl_access") {
		return "" // also where the file system knows no such thing
	}
	return "has an access list (see getfacl), which would be lost"
}

// exchange writes content beside the file called base, and moves it into its place when it is safely on disk.
func (g gate) exchange(at int, base string, was unix.Stat_t, content secret.Value) error {
	beside := "." + base + ".fairlead-new"
	fd, err := unix.Openat(at, beside, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if errors.Is(err, unix.EEXIST) {
		return fault.Hide(err, fault.Refused, "%s: was left as it is: %s is there, from a rewriting that goes on or was cut off; remove it in that case",
			g.path, filepath.Join(filepath.Dir(g.path), beside))
	}
	if err != nil {
		return g.kept(err)
	}
	err = errors.Join(writeFull(fd, []byte(content.Reveal())), unix.Fchown(fd, int(was.Uid), int(was.Gid)), unix.Fchmod(fd, was.Mode&0o7777), unix.Fsync(fd))
	err = errors.Join(err, unix.Close(fd))
	var now unix.Stat_t
	if err == nil {
		err = unix.Fstatat(at, base, &now, unix.AT_SYMLINK_NOFOLLOW)
	}
	if err == nil && !same(was, now) {
		err = unix.EAGAIN
	}
	if err == nil {
		err = unix.Renameat(at, beside, at, base)
	}
	if err != nil {
		_ = unix.Unlinkat(at, beside, 0)
		return g.kept(err)
	}
	if err := unix.Fsync(at); err != nil {
		return fault.Hide(err, fault.Unavailable, "%s: was rewritten, but a power cut could still undo it: %s", g.path, reasonOf(err))
	}
	return nil
}

// kept returns the fault of a file that was not rewritten because the kernel failed.
func (g gate) kept(err error) error {
	return fault.Hide(err, fault.Unavailable, "%s: was left as it is: %s", g.path, reasonOf(err))
}

// reasonOf returns the kernel's words for a failure.
func reasonOf(err error) string {
	errno, ok := errors.AsType[unix.Errno](err)
	switch {
	case errno == unix.EAGAIN:
		return "somebody else changed it meanwhile"
	case ok:
		return errno.Error()
	}
	return "it failed"
}

func writeFull(fd int, content []byte) error {
	for len(content) > 0 {
		n, err := unix.Write(fd, content)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		content = content[max(n, 0):]
	}
	return nil
}
