package server

import (
	"net"
	"os"

	"github.com/capakraken/fairlead/internal/fault"
)

// Inherit returns the listener on a unix socket that the service manager has made, and keeps: neither its mode nor its
// path is touched, and what waits in its queue is answered. It takes f over. Like Listen, it first sees that the kernel
// tells who connects.
func Inherit(f *os.File) (*Listener, error) {
	ln, err := net.FileListener(f)
	_ = f.Close() // the listener has its own
	if err != nil {
		return nil, fault.Hide(err, fault.Refused, "the socket that systemd hands over cannot be listened on: %s", reason(err))
	}
	u, ok := ln.(*net.UnixListener)
	if !ok {
		return nil, closing(ln, fault.New(fault.Refused, "the socket that systemd hands over is no unix socket; in fairlead.socket, ListenStream= must name a path"))
	}
	u.SetUnlinkOnClose(false)
	// The test connects to a socket of its own: on this one, somebody may be waiting already.
	test, err := net.ListenUnix("unix", &net.UnixAddr{Name: "", Net: "unix"})
	if err != nil {
		return nil, closing(ln, fault.Hide(err, fault.Unavailable, "cannot listen on a socket: %s", reason(err)))
	}
	defer func() { _ = test.Close() }()
	if err := selfTest(test); err != nil {
		return nil, closing(ln, err)
	}
	return &Listener{unix: u, inherited: true}, nil
}
