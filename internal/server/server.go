// Package server is the daemon's HTTP interface on its unix socket: who may ask for what, and how the answers look.
//
// The words: a peer is the process at the other end of a connection, known by what the kernel says of it. Its role is
// what the configuration allows it. A route is one method on one path with the least role that may use it; all routes
// stand in one table.
package server

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"path"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/orchestrator"
	"github.com/capakraken/fairlead/internal/parity"
	"github.com/capakraken/fairlead/internal/rollout"
)

// Commands change something. Each answers once the change is recorded.
type Commands interface {
	// Trigger begins a rollout. A second request with one idempotency key returns the first one's rollout.
	Trigger(ctx context.Context, by journal.Actor, r orchestrator.Request) (rollout.State, error)
	// Cancel turns a rollout back; it is a Conflict when that is too late.
	Cancel(ctx context.Context, by journal.Actor, id, reason string) (rollout.State, error)
	// Lock holds an app against new rollouts.
	Lock(ctx context.Context, by journal.Actor, app, reason string) error
	// Unlock takes the lock of an app away. Where fairlead itself has locked it, the host is looked at, and the answer says
	// what is current now.
	Unlock(ctx context.Context, by journal.Actor, app, reason string) (rollout.Unlocked, error)
}

// Queue holds requests until it is their turn.
type Queue interface {
	// TriggerInTurn is Trigger for a request that waits until the app is free.
	TriggerInTurn(ctx context.Context, by journal.Actor, r orchestrator.Request, w orchestrator.Wait) (rollout.State, error)
	// Withdraw takes the requests with an idempotency key out of the queue. That one has become a rollout is a Conflict.
	Withdraw(ctx context.Context, app, key string) error
}

// History tells what was recorded.
type History interface {
	// Rollout returns one rollout.
	Rollout(id string) (rollout.State, error)
	// Rollouts returns the newest limit rollouts, of one app or, with "", of all; the newest first.
	Rollouts(app string, limit int) []rollout.State
	// Watch yields a rollout's events after a sequence number, then those to come. It ends after the rollout's end or
	// with ctx.
	Watch(ctx context.Context, id string, after uint64) iter.Seq2[orchestrator.Event, error]
	// Audit yields the journal's records from a sequence number on, up to its present head.
	Audit(from uint64) iter.Seq2[journal.Record, error]
}

// Views tell what is there now. They look at the host.
type Views interface {
	// Apps returns every configured app.
	Apps(ctx context.Context) []rollout.App
	// App returns one app.
	App(ctx context.Context, name string) (rollout.App, error)
	// Secrets returns what is known of an app's secrets.
	Secrets(ctx context.Context, app string) (rollout.SecretReport, error)
	// Residue returns what an app's database still holds.
	Residue(ctx context.Context, app string) (rollout.ResidueReport, error)
	// Provisioning returns how an app is provisioned, without any value.
	Provisioning(ctx context.Context, app string) (parity.Report, error)
}

// Rollouts is what the server serves.
type Rollouts interface {
	Commands
	Queue
	History
	Views
	// Refusing returns why no rollout is accepted now, and "" when all is well.
	Refusing() string
}

// The bounds of a connection.
const (
	headerTimeout = 5 * time.Second  // to send a request's header
	readTimeout   = 15 * time.Second // to send the whole request
	writeTimeout  = 30 * time.Second // to take one piece of an answer
	idleTimeout   = 60 * time.Second
	headerBytes   = 16 << 10
	drainTimeout  = 5 * time.Second // for requests under way when the server stops
)

// Options is what New needs. Rollouts and Log are required.
type Options struct {
	Rollouts Rollouts
	Access   Access
	Version  string        // of the daemon, told with every answer
	Instance string        // the daemon's name on its Engine
	Head     func() uint64 // the journal's newest sequence number, for the metrics; nil where it is not told
	Log      *zap.Logger
}

func (o Options) validate() error {
	switch {
	case o.Rollouts == nil:
		return fault.New(fault.Internal, "the server needs rollouts to serve")
	case o.Log == nil:
		return fault.New(fault.Internal, "the server needs a logger")
	}
	return nil
}

// Server answers requests. It holds no state of its own.
type Server struct {
	Options
	roles    atomic.Pointer[roles]
	measured *measured
	handler  http.Handler
	closing  chan struct{} // closed when the server stops, so that streams end
}

// New returns a server.
func New(o Options) (*Server, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	s := &Server{Options: o, measured: newMeasured(o), closing: make(chan struct{})}
	s.Admit(o.Access)
	s.handler = s.mux()
	return s, nil
}

// Admit puts another access into the place of the one that New was given. It counts for connections to come.
func (s *Server) Admit(a Access) {
	r := a.roles(hostAccounts())
	s.roles.Store(&r)
}

// Serve answers requests on ln until ctx ends. Then it ends the event streams, lets every other request finish within
// a few seconds, and returns nil. It closes ln in any case, and may be called only once.
func (s *Server) Serve(ctx context.Context, ln *Listener) error {
	defer func() { _ = ln.Close() }() // already closed, as a rule
	h, err := s.bounded()
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- h.Serve(newGate(ln.unix, s.Log)) }() // ends with the shutdown below, at the latest
	select {
	case err := <-served:
		return unserved(err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if h.Shutdown(drain) != nil {
		s.Log.Warn("requests are cut off, since they did not finish in time")
		_ = h.Close()
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return unserved(err)
	}
	return nil
}

// bounded returns the HTTP server with every bound that keeps a peer from holding it up.
func (s *Server) bounded() (*http.Server, error) {
	warnings, err := zap.NewStdLogAt(s.Log.Named("http"), zap.WarnLevel)
	if err != nil {
		return nil, fault.Hide(err, fault.Internal, "the server's warnings cannot be logged")
	}
	h := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headerBytes,
		ConnContext:       s.withPeer,
		ErrorLog:          warnings,
	}
	h.RegisterOnShutdown(func() { close(s.closing) })
	return h, nil
}

func unserved(err error) error {
	return fault.Hide(err, fault.Unavailable, "the socket cannot be served any more")
}

// ServeHTTP answers one request. It is what Serve puts behind the socket.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Fairlead-Version", s.Version)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	defer s.recover(w, r)
	if path.Clean(r.URL.Path) != r.URL.Path { // the mux would redirect to a path that nobody asked for
		s.fail(w, r, unknownPath(r))
		return
	}
	s.handler.ServeHTTP(w, r)
}

// recover answers a request whose handler panicked. The panic's text is withheld, since it could carry a secret.
func (s *Server) recover(w http.ResponseWriter, r *http.Request) {
	switch p := recover(); p {
	case nil:
	case http.ErrAbortHandler: //nolint:errorlint // net/http compares it so
		panic(p)
	default:
		s.Log.Error("a handler panicked", zap.String("method", r.Method), zap.String("path", r.URL.Path), zap.Stack("stack"))
		s.fail(w, r, fault.New(fault.Internal, "the daemon failed to answer; this is a bug, see its log"))
	}
}
