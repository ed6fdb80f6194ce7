package daemon

import (
	"context"
	"net"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/capakraken/fairlead/internal/fault"
)

// maxAddress is the longest address of a socket, in bytes.
const maxAddress = 107

// holdInstance takes an instance's name on an Engine for this process alone. Two daemons of one name would each take the
// other's containers for their own, and fight over them; the lock of the state directory does not keep apart two that
// have a directory each. The name is held as an abstract socket, which the kernel lets go with the process. Any user can
// make such a socket, so one that is neither root's nor our own user's does not count: nobody may keep us from starting.
func holdInstance(instance, engineHost string) (func() error, error) {
	address := "@fairlead/" + instance
	if engineHost != "" {
		address += "/" + strings.ReplaceAll(engineHost, "/", "_")
	}
	address = address[:min(len(address), maxAddress)]
	var listen net.ListenConfig
	held, err := listen.Listen(context.Background(), "unix", address)
	switch {
	case err == nil:
		return held.Close, nil
	case !trusted(holder(address)):
		return func() error { return nil }, nil
	}
	return nil, fault.Hide(err, fault.Busy, "another fairlead daemon on this host is called %q as well, on the same Engine; stop it, or give one of them another instance", instance)
}

// trusted tells whether a socket of this user can be a daemon's.
func trusted(uid uint32) bool { return uid == 0 || uid == uint32(os.Geteuid()) }

// holder returns the user who listens on an address, and root where that cannot be told, which is the safe answer.
func holder(address string) uint32 {
	c, err := net.Dial("unix", address)
	if err != nil {
		return 0
	}
	defer c.Close() //nolint:errcheck // nothing was written
	raw, err := c.(*net.UnixConn).SyscallConn()
	if err != nil {
		return 0
	}
	var uid uint32
	_ = raw.Control(func(fd uintptr) { // on failure uid stays root's
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			uid = cred.Uid
		}
	})
	return uid
}
