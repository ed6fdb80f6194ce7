package server

import (
	"net"
	"sync"

	"go.uber.org/zap"
)

// How many connections may be open at once. Root is bound only by its own share, so that nobody can keep root out.
const (
	maxConnections = 256
	maxPerUser     = 64
)

// gate is a listener that knows who made each connection, and closes those of which there are too many. It closes them
// at once rather than letting them wait: a queue behind idle connections would keep everybody out.
type gate struct {
	net.Listener
	log *zap.Logger
	ask func(net.Conn) (credentials, error)

	mu    sync.Mutex
	open  int
	users map[uint32]int
}

func newGate(ln net.Listener, log *zap.Logger) *gate {
	return &gate{Listener: ln, log: log, ask: credentialsOf, users: map[uint32]int{}}
}

// admitted is a connection whose peer is known.
type admitted struct {
	net.Conn
	credentials credentials
	leave       func()
}

// Accept returns the next connection that may stay.
func (g *gate) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		who, err := g.ask(c)
		if err != nil {
			g.log.Error("a connection was closed, since the kernel does not tell who made it", zap.Error(err))
			_ = c.Close()
			continue
		}
		if !g.enter(who.UID) {
			g.log.Warn("a connection was closed, since there are too many", zap.Uint32("uid", who.UID), zap.Int32("pid", who.PID))
			_ = c.Close()
			continue
		}
		return &admitted{Conn: c, credentials: who, leave: sync.OnceFunc(func() { g.exit(who.UID) })}, nil
	}
}

// Close closes the connection and makes room for another one.
func (a *admitted) Close() error {
	defer a.leave()
	return a.Conn.Close()
}

func (g *gate) enter(uid uint32) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.users[uid] >= maxPerUser || (uid != 0 && g.open >= maxConnections) {
		return false
	}
	g.open++
	g.users[uid]++
	return true
}

func (g *gate) exit(uid uint32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open--
	if g.users[uid]--; g.users[uid] == 0 {
		delete(g.users, uid)
	}
}
