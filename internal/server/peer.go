package server

import (
	"context"
	"net"
	"os"
	"os/user"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
)

// credentials are what the kernel says of the process that made a connection, at the moment when it made it.
type credentials struct {
	UID, GID uint32
	PID      int32
}

// peer is who is at the other end of a connection, with the role that it has there.
type peer struct {
	journal.Actor
	Role Role
}

// hostAccounts returns the accounts of this host.
func hostAccounts() accounts {
	return accounts{
		self:   uint32(os.Geteuid()),
		user:   user.LookupId,
		groups: (*user.User).GroupIds,
	}
}

// credentialsOf asks the kernel who made the connection c.
func credentialsOf(c net.Conn) (credentials, error) {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return credentials{}, fault.New(fault.Internal, "the connection is not one of a unix socket, so its peer is unknown")
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return credentials{}, fault.Hide(err, fault.Internal, "the connection's peer cannot be told")
	}
	var cred *unix.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) { cred, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err != nil || failed != nil {
		return credentials{}, fault.Hide(failed, fault.Unavailable, "the kernel does not tell who made the connection (SO_PEERCRED)")
	}
	return credentials{UID: cred.Uid, GID: cred.Gid, PID: cred.Pid}, nil
}

type peerKey struct{}

// withPeer puts the peer of c into the context of its requests. The accounts are looked up at the first request, since
// that may take long and every other connection would wait for it here.
func (s *Server) withPeer(ctx context.Context, c net.Conn) context.Context {
	admitted, ok := c.(*admitted)
	if !ok {
		return ctx
	}
	return context.WithValue(ctx, peerKey{}, sync.OnceValue(func() peer { return s.identify(admitted.credentials) }))
}

// identify turns the kernel's numbers into a peer.
func (s *Server) identify(c credentials) peer {
	roles := s.roles.Load()
	role := roles.of(c)
	return peer{Role: role, Actor: journal.Actor{
		UID: int64(c.UID), GID: int64(c.GID), PID: int64(c.PID), User: roles.name(c.UID), Role: role.String(),
	}}
}

// peerOf returns who sent the request: nobody with no role when the connection did not come through Serve.
func peerOf(ctx context.Context) peer {
	if identify, ok := ctx.Value(peerKey{}).(func() peer); ok {
		return identify()
	}
	return peer{}
}
