package dial

import (
	"context"
	"errors"
	"io"
	"net"
)

// Stdio connects two streams with a daemon's connection until the daemon has said all. When in ends, the daemon is told,
// and its answer still comes. It closes conn. The read of in may outlast it: that one ends with its stream.
func Stdio(ctx context.Context, in io.Reader, out io.Writer, conn *net.UnixConn) error {
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	go func() { // ends with in, or with conn at its next write
		if _, err := io.Copy(conn, in); err == nil {
			_ = conn.CloseWrite()
			return
		}
		_ = conn.CloseRead()
	}()
	_, err := io.Copy(out, conn)
	if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
		return ctx.Err()
	}
	return err
}
