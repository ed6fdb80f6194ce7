package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/user"
	"strconv"
	"syscall"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
)

// The bounds of a client. An answer may take long, since the daemon looks at the host and the database for it.
const (
	dialTimeout   = 5 * time.Second
	answerTimeout = 2 * time.Minute
)

// dialError is a failure to connect, told from one of a connection that was there.
type dialError struct{ error }

// Unwrap returns the failure itself.
func (e dialError) Unwrap() error { return e.error }

// overSocket connects with a daemon of this host.
func overSocket(socket string) Dial {
	d := net.Dialer{Timeout: dialTimeout}
	return func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, "unix", socket) }
}

// DialSocket connects with a daemon of this host for whoever passes the connection on. Its errors are those of a Client.
func DialSocket(ctx context.Context, socket string) (*net.UnixConn, error) {
	conn, err := overSocket(socket)(ctx)
	if err != nil {
		return nil, NewClient(socket).unanswered(ctx, http.MethodGet, dialError{err})
	}
	return conn.(*net.UnixConn), nil //nolint:forcetypeassert // a dialer of "unix" returns nothing else
}

// transport connects by dial, whatever host a request names.
func transport(dial Dial) *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			c, err := dial(ctx)
			if err != nil {
				return nil, dialError{err}
			}
			return c, nil
		},
		DisableCompression:    true,
		ResponseHeaderTimeout: answerTimeout,
		IdleConnTimeout:       30 * time.Second,
	}
}

// unanswered returns why there is no answer, and what to do about it.
func (c *Client) unanswered(ctx context.Context, method string, err error) error {
	if ctx.Err() != nil {
		return interrupted(ctx)
	}
	if _, ok := errors.AsType[dialError](err); !ok {
		text := "the daemon on %s took the request and did not answer: it may have been stopped just then"
		if method != http.MethodGet {
			text += "; what was asked for may have begun all the same: look before you repeat it, with fairlead status"
		}
		return fault.Hide(err, fault.Unreachable, text, c.socket)
	}
	if told, ok := errors.AsType[*fault.Error](err); ok {
		return told
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fault.Hide(err, fault.Unreachable, "you may not connect to %s%s", c.socket, membership(c.socket))
	case errors.Is(err, fs.ErrNotExist):
		return fault.Hide(err, fault.Unreachable, "the daemon does not answer: there is no socket %s. Is it running? systemctl status fairlead; if it listens elsewhere, give --socket", c.socket)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fault.Hide(err, fault.Unreachable, "the daemon does not answer on %s: nobody listens there. Is it running? systemctl status fairlead", c.socket)
	}
	return fault.Hide(err, fault.Unreachable, "the daemon does not answer on %s. Is it running? systemctl status fairlead", c.socket)
}

// membership says which group would let the caller connect, where that can be seen.
func membership(socket string) string {
	const directory = ": its directory is closed to you; ask an admin to open it to you, and to name you under access: in fairlead.yaml"
	info, err := os.Stat(socket)
	if err != nil {
		return directory
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return directory
	}
	return invitation(st.Gid)
}

// invitation says how one comes to be let in to a socket of the group. Nobody is advised to join root's: whoever is
// named in the configuration needs no group.
func invitation(group uint32) string {
	if group == 0 {
		return ": it is for root alone; ask an admin to name you under access: in fairlead.yaml"
	}
	name := strconv.FormatUint(uint64(group), 10)
	if g, err := user.LookupGroupId(name); err == nil {
		name = g.Name
	}
	return fmt.Sprintf(": it is for the group %s and you are not in it. An admin adds you with: usermod -aG %s NAME; then log in anew", name, name)
}

// interrupted says that the caller gave up before the answer came. errors.Is finds the context's error behind it.
func interrupted(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fault.Hide(ctx.Err(), fault.TimedOut, "the daemon did not answer in time")
	}
	return fault.Hide(ctx.Err(), fault.Conflict, "interrupted before the daemon answered")
}
