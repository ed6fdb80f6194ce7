// Package stepstest is one made-up host behind all interfaces that the steps declare: an Engine, a registry, an app and
// its database. It keeps its state as they do, so it outlives the daemons that work on it, which may die between any two
// of its moves.
package stepstest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// Move is one small change of the host: one call of the Engine, or one statement in the database. The next one may
// belong to another daemon.
type Move struct {
	Life    int    // of which daemon, from 1
	Verb    string // create, connect, rename, stop, policy, start, pause, unpause, remove; pull; lock, update, commit
	Service string
	ID      string // of the container; of one that is yet to be made, its name
	Fresh   bool   // the container was made by a rollout, and was not there from the beginning
	At      time.Time
}

// String returns the move as tests write it, such as "start new web" or "commit".
func (m Move) String() string {
	age := "old"
	switch {
	case m.Service == "":
		return m.Verb
	case m.Fresh:
		age = "new"
	}
	return m.Verb + " " + age + " " + m.Service
}

// Program is how an app behaves in one container. The zero Program is well at once.
type Program struct {
	Boot   time.Duration // how long after its start it is well
	Sick   bool          // it is never well
	Exits  bool          // it ends as soon as it is started
	Stale  bool          // it goes on taking its secrets from the database
	Chatty string        // what it has written to its log
}

// Host is the host. Its fields are for the test to set before a daemon uses it; those that are functions are called with
// nothing held.
type Host struct {
	testing.TB
	// Before is asked before each move; with an error the move fails and has changed nothing.
	Before func(Move) error
	// After is told of each move that was made; with an error its answer gets lost.
	After func(Move) error
	// Takes tells how long a move takes; nil for the times that were measured on an Engine. A caller that does not wait
	// for so long has not stopped it: the Engine goes through with what it was asked for.
	Takes func(Move) time.Duration
	// Proved tells whether the journal that is on the disk holds the proof of the rollout that clears now.
	Proved func() bool

	Fresh      map[string]Program         // how a rollout's containers behave, by service
	Old        map[string]Program         // how those behave that were there, once they are started again
	Migration  Program                    // how a one-off container behaves: it ends after Boot, and badly if it is Sick
	Migrations int                        // how often one was started
	Tags       map[string]string          // the registry: a tag's digest
	Others     []workload.Container       // that run beside the app
	Row        map[string]secret.Value    // the database: what stands in each column; nil where there is no row
	Looked     func(service string) error // asked before the app of a service is looked at
	Called     func(method string)        // told of each call of a daemon, such as "Replace"

	mu         sync.Mutex
	changed    chan struct{} // closed, and made anew, with every change
	containers []*box
	pulled     map[string]bool
	named      map[string]bool // the digests of the images that are kept
	life       *Life
	lives      int
	made       int
	log        []Move
	clears     []Clearing
}

// Clearing is one clear that was committed.
type Clearing struct {
	At      time.Time
	Columns []string
	Proved  bool // the proof was on the disk by then
}

// New returns a host on which nothing runs.
func New(t testing.TB) *Host {
	return &Host{TB: t, Fresh: map[string]Program{}, Old: map[string]Program{}, Tags: map[string]string{"2.0.0": NewDigest},
		changed: make(chan struct{}), pulled: map[string]bool{}, named: map[string]bool{}}
}

// Name has an image be kept from the beginning.
func (h *Host) Name(digest string) { h.named[digest] = true }

// Kept returns the digests of the images that are kept.
func (h *Host) Kept() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(slices.Sorted(maps.Keys(h.named)), " ")
}

// The digests of the images.
const (
	OldDigest   = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	ElderDigest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
	NewDigest   = "sha256:2222222222222222222222222222222222222222222222222222222222222222"
)

// Life is the host as one daemon reaches it. It is what the steps want in all their interfaces but Database, which is
// its DB.
type Life struct {
	*Host
	number int
	over   bool // guarded by the host's mu
}

// Life begins another daemon's life. The one before is over.
func (h *Host) Life() *Life {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.life != nil {
		h.life.over = true
	}
	h.lives++
	h.life = &Life{Host: h, number: h.lives}
	return h.life
}

// End is the death of the daemon: nothing that it still asks for reaches the host.
func (l *Life) End() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
}

// Over tells whether the daemon is dead.
func (l *Life) Over() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.over
}

// errDead is what a daemon's calls come to that is no more. Nobody hears of it.
var errDead = fault.New(fault.Unavailable, "the daemon is dead")

// call is the beginning of a call: it takes hold of the host until give.
func (l *Life) call(ctx context.Context, method string) error {
	if l.Called != nil {
		l.Called(method)
	}
	l.mu.Lock()
	if l.over {
		l.mu.Unlock()
		return errDead
	}
	if err := ctx.Err(); err != nil {
		l.mu.Unlock()
		return interrupted(method, err)
	}
	return nil
}

func (l *Life) give() { l.mu.Unlock() }

func interrupted(what string, err error) error {
	if err == context.DeadlineExceeded {
		return fault.Hide(err, fault.TimedOut, "%s: the Docker Engine did not finish in time", what)
	}
	return fault.Hide(err, fault.Unavailable, "%s: interrupted before the Docker Engine answered", what)
}

// usual is how long the moves take on a real Engine, measured.
func usual(m Move) time.Duration {
	switch m.Verb {
	case "create", "connect":
		return 15 * time.Millisecond
	case "stop", "start":
		return 200 * time.Millisecond
	case "pull":
		return time.Second
	case "remove":
		return 8 * time.Millisecond
	}
	return 3 * time.Millisecond
}

// move makes one change, with what it means for the app checked right after. The caller has hold of the host, and has it
// again afterwards.
func (l *Life) move(ctx context.Context, m Move, change func()) error {
	m.Life = l.number
	if err := l.aside(func() error {
		if l.Before == nil {
			return nil
		}
		return l.Before(m)
	}); err != nil {
		return err
	}
	takes := usual
	if l.Takes != nil {
		takes = l.Takes
	}
	slow := takes(m)
	if err := l.aside(func() error { return wait(ctx, min(slow, time.Hour), m) }); err != nil && slow > time.Hour {
		return err // it would have taken for ever
	} else if l.over {
		return errDead
	}
	gaveUp := ctx.Err()
	m.At = time.Now()
	change()
	l.log = append(l.log, m)
	l.check(m)
	close(l.changed)
	l.changed = make(chan struct{})
	if l.After != nil {
		if err := l.aside(func() error { return l.After(m) }); err != nil {
			return err
		}
	}
	if gaveUp != nil {
		return interrupted(m.String(), gaveUp)
	}
	return nil
}

// aside lets go of the host meanwhile. A daemon that is dead by then hears no more of it.
func (l *Life) aside(do func() error) error {
	err := func() error {
		l.mu.Unlock()
		defer l.mu.Lock() // also when it panics
		return do()
	}()
	if err == nil && l.over {
		return errDead
	}
	return err
}

func wait(ctx context.Context, d time.Duration, m Move) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return interrupted(m.String(), ctx.Err())
	}
}

// check holds what must always be: at most one live container of a service.
func (h *Host) check(m Move) {
	for _, service := range h.services() {
		if live := h.live(service); len(live) > 1 {
			h.Errorf("after %q of life %d, service %s has %d live containers: %s", m, m.Life, service, len(live), strings.Join(live, ", "))
		}
	}
}

func (h *Host) services() []string {
	var out []string
	for _, b := range h.containers {
		out = append(out, b.Service)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (h *Host) live(service string) []string {
	var out []string
	for _, b := range h.containers {
		if b.Service == service && b.Live() {
			out = append(out, b.Name)
		}
	}
	return out
}

// Moves returns the moves that were made, in their order.
func (h *Host) Moves() []Move {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.log)
}

// Clearings returns the clears that were committed.
func (h *Host) Clearings() []Clearing {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.clears)
}
