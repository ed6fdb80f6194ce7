package host

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// newNetns makes a network namespace. It lives as long as the file is open, and no longer than this process.
func newNetns() (*os.File, error) {
	var fresh *os.File
	err := aside(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make a network namespace (only root can): %w", err)
		}
		var err error
		fresh, err = os.Open("/proc/thread-self/ns/net")
		return err
	})
	return fresh, err
}

// inside calls do on a thread that is in the network namespace ns: a socket that do opens belongs to it for good.
func inside(ns *os.File, do func() error) error {
	return aside(func() error {
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter a network namespace: %w", err)
		}
		return do()
	})
}

// aside calls do on a thread of its own and puts the thread back into the network namespace of before. A thread that
// cannot go back ends.
func aside(do func() error) error {
	failed := make(chan error, 1)
	go func() { // ends with do
		runtime.LockOSThread()
		home, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			runtime.UnlockOSThread()
			failed <- err
			return
		}
		defer home.Close() //nolint:errcheck // only read from
		err = do()
		if unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
		failed <- err
	}()
	return <-failed
}

// dial is net.Dialer.DialContext for who is in the namespace. The address is a number, since a name would be looked up on
// other threads.
func dial(ctx context.Context, ns *os.File, network, address string) (net.Conn, error) {
	var conn net.Conn
	err := inside(ns, func() error {
		var err error
		conn, err = new(net.Dialer).DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// ip gives commands to ip(8) in a network namespace.
func ip(ctx context.Context, ns *os.File, commands ...string) error {
	cmd := exec.CommandContext(ctx, "nsenter", "--net=/proc/self/fd/3", "ip", "-batch", "-")
	cmd.ExtraFiles = []*os.File{ns}
	cmd.Stdin = strings.NewReader(strings.Join(commands, "\n") + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("set up the network of a host: %w\n%s", err, out)
	}
	return nil
}
