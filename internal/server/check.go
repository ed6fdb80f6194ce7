package server

import (
	"net"
	"net/http"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/capakraken/fairlead/internal/fault"
)

// check refuses a request that a browser sent, that carries a body where none belongs, or whose peer may not use the
// route.
func (s *Server) check(w http.ResponseWriter, r *http.Request, to route) error {
	if err := refuseBrowser(r); err != nil {
		return err
	}
	who := peerOf(r.Context())
	if who.Role < to.least {
		s.Log.Warn("a request was refused", zap.Int64("uid", who.UID), zap.String("role", who.Role.String()),
			zap.String("method", r.Method), zap.String("path", r.URL.Path))
		return forbidden(who, to.least)
	}
	if r.Method != http.MethodGet {
		return nil
	}
	if r.ContentLength != 0 {
		return fault.New(fault.Usage, "a GET takes no body")
	}
	// Nothing is left to be read, and the answer may take long.
	return http.NewResponseController(w).SetReadDeadline(time.Time{})
}

// refuseBrowser refuses what no client of ours sends. A page on the web could make a browser on this host ask for
// things in its user's name, if anything ever forwarded a port to the socket.
func refuseBrowser(r *http.Request) error {
	for _, name := range []string{"Origin", "Referer"} {
		if r.Header.Get(name) != "" {
			return fault.New(fault.Forbidden, "requests with the header %s are refused: this is no interface for browsers", name)
		}
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if !slices.Contains([]string{"fairlead", "localhost", "unix"}, host) {
		return fault.New(fault.Forbidden, "requests for the host %q are refused: ask for http://fairlead", r.Host)
	}
	return nil
}

func forbidden(who peer, least Role) error {
	if who.Role == NoRole {
		return fault.New(fault.Forbidden, "user %s (uid %d) has no role here: an admin names it, or one of its groups, under access in the configuration",
			who.User, who.UID)
	}
	return fault.New(fault.Forbidden, "user %s (uid %d) is %s here, and this takes %s", who.User, who.UID, who.Role, least)
}
