package server

import (
	"net"
	"sync"
	"time"

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

	mu     sync.Mutex
	open   int
	users  map[uint32]int
	turned map[uint32]*turned
}

// turned counts the connections of one user that were closed for the crowd. One in a while is told of, since whoever comes
// in a crowd could fill the log as well.
type turned struct {
	told   time.Time
	untold int
}

// quiet is how long nothing more is said of one user's crowd.
const quiet = time.Minute

// mostTurned is of how many users crowds are counted; there are seldom more than one.
const mostTurned = 64

func newGate(ln net.Listener, log *zap.Logger) *gate {
	return &gate{Listener: ln, log: log, ask: credentialsOf, users: map[uint32]int{}, turned: map[uint32]*turned{}}
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
			_ = c.Close()
			g.tell(who)
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

// tell logs that a connection was closed for the crowd, with how many others were since it was last told.
func (g *gate) tell(who credentials) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t, ok := g.turned[who.UID]
	switch {
	case !ok && len(g.turned) == mostTurned:
		clear(g.turned)
		fallthrough
	case !ok:
		t = &turned{}
		g.turned[who.UID] = t
	case time.Since(t.told) < quiet:
		t.untold++
		return
	}
	g.log.Warn("a connection was closed, since there are too many", zap.Uint32("uid", who.UID), zap.Int32("pid", who.PID), zap.Int("others_before", t.untold))
	*t = turned{told: time.Now()}
}

func (g *gate) exit(uid uint32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open--
	if g.users[uid]--; g.users[uid] == 0 {
		delete(g.users, uid)
	}
}
