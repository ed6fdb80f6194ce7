package server

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/capakraken/fairlead/internal/fault"
)

// socketMode lets the daemon's user and group connect, and nobody else.
const socketMode = 0o660

// welcomeMode lets everybody on the host connect.
const welcomeMode = 0o666

// maxPath is the longest path that fits into a socket's address.
const maxPath = 107

// dialTimeout bounds the look at a socket that may be somebody else's, and the look at our own.
const dialTimeout = 2 * time.Second

// Listener is a unix socket that was seen to tell who connects to it.
type Listener struct {
	unix      *net.UnixListener
	inherited bool // the service manager made it, and decides who may connect
}

// Welcome lets every user of the host connect, for an Access that names others than the daemon's own group: the
// credentials of each decide, and whoever has no role is told so. A socket that was inherited stays as it is.
func (l *Listener) Welcome() error {
	if l.inherited {
		return nil
	}
	path := l.unix.Addr().String()
	if err := os.Chmod(path, welcomeMode); err != nil {
		return fault.Hide(err, fault.Unavailable, "cannot set the mode of %s: %s", path, reason(err))
	}
	return nil
}

// Close stops listening and removes the socket. It may be called again, with an error that says so.
func (l *Listener) Close() error { return l.unix.Close() }

// Listen returns a listener on the unix socket at path, which only the daemon's user and group may connect to. It
// refuses a socket on which somebody answers and a file that is no socket, and replaces a socket that was left over.
// Between that look and the replacing another daemon could come up: the lock of the state directory is what keeps two
// apart. Before it returns it has connected to itself and seen that the kernel tells who connects.
func Listen(path string) (*Listener, error) {
	if len(path) > maxPath {
		return nil, fault.New(fault.Refused, "the socket's path %s is longer than %d bytes, which the kernel does not take", path, maxPath)
	}
	if err := makeRoom(path); err != nil {
		return nil, err
	}
	narrow := net.ListenConfig{Control: narrowed}
	ln, err := narrow.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, fault.Hide(err, fault.Unavailable, "cannot listen on %s: %s", path, reason(err))
	}
	if err := os.Chmod(path, socketMode); err != nil { // the umask may have taken away more
		return nil, closing(ln, fault.Hide(err, fault.Unavailable, "cannot set the mode of %s: %s", path, reason(err)))
	}
	u, ok := ln.(*net.UnixListener)
	if !ok {
		return nil, closing(ln, fault.New(fault.Internal, "listening on %s gave no unix socket", path))
	}
	if err := selfTest(u); err != nil {
		return nil, closing(ln, err)
	}
	return &Listener{unix: u}, nil
}

// makeRoom removes a socket that nobody answers on.
func makeRoom(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fault.Hide(err, fault.Unavailable, "cannot look at %s: %s", path, reason(err))
	case info.Mode().Type() != fs.ModeSocket:
		return fault.New(fault.Refused, "%s is there and is no socket; it was left as it is: move it away, or give another --socket", path)
	}
	c, err := net.DialTimeout("unix", path, dialTimeout)
	if err == nil {
		_ = c.Close()
		return fault.New(fault.Refused, "somebody answers on %s already: is another daemon running? it was left alone", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) { // a full queue, for one, is a sign of life
		return fault.Hide(err, fault.Refused, "cannot tell whether somebody answers on %s (%s); it was left as it is", path, reason(err))
	}
	if err := os.Remove(path); err != nil {
		return fault.Hide(err, fault.Unavailable, "cannot remove the left-over socket %s: %s", path, reason(err))
	}
	return nil
}

// narrowed sets the mode that the socket will be bound with, so that there is no moment at which others may connect.
func narrowed(_, _ string, raw syscall.RawConn) error {
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = unix.Fchmod(int(fd), socketMode) }); err != nil {
		return err
	}
	return failed
}

// selfTest connects to ln and checks that the accepting side sees this very process. Roles would mean nothing without
// that. Somebody else's connection that comes in between is closed.
func selfTest(ln *net.UnixListener) error {
	c, err := net.DialTimeout("unix", ln.Addr().String(), dialTimeout)
	if err != nil {
		return fault.Hide(err, fault.Unavailable, "cannot connect to the own socket %s: %s", ln.Addr(), reason(err))
	}
	defer func() { _ = c.Close() }()
	if err := ln.SetDeadline(time.Now().Add(dialTimeout)); err != nil {
		return fault.Hide(err, fault.Internal, "cannot bound the test of the socket %s", ln.Addr())
	}
	defer func() { _ = ln.SetDeadline(time.Time{}) }()
	self := credentials{UID: uint32(os.Geteuid()), GID: uint32(os.Getegid()), PID: int32(os.Getpid())}
	for {
		accepted, err := ln.Accept()
		if err != nil {
			return fault.Hide(err, fault.Unavailable, "the kernel does not tell who connects to %s; without that nobody can be given a role", ln.Addr())
		}
		seen, err := credentialsOf(accepted)
		_ = accepted.Close()
		if err != nil || seen == self {
			return err
		}
	}
}

// closing closes ln and returns err, the reason for it.
func closing(ln net.Listener, err error) error {
	_ = ln.Close()
	return err
}

// reason returns what may be shown of a system call's error: the words of its number.
func reason(err error) string {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error()
	}
	return "the system call failed"
}
