// Package daemon is the service's life: it takes hold of the state directory, replays the journal, wires the rooms
// together, serves, and stops. It is the only room that knows all the others.
package daemon

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"

	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/engine"
	"github.com/capakraken/fairlead/internal/failpoint"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/orchestrator"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/server"
)

// stopTime bounds the whole of a stop. A container that is being stopped may take its grace period.
const stopTime = 30 * time.Second

// closeTime bounds what comes after it.
const closeTime = 3 * time.Second

// Options are where a daemon finds its things. Config, State, Socket and Log are required.
type Options struct {
	Config  string // path of fairlead.yaml
	State   string // directory of the journal and the host's key; made when it is missing
	Socket  string // path of the socket that is served
	Version string
	Log     *zap.Logger
	// Reload holds a word when the configuration is to be taken up anew; nil for never.
	Reload <-chan os.Signal
	// Inherited is the socket that the service manager has made; nil where Socket is to be made.
	Inherited *os.File
}

func (o Options) validate() error {
	switch {
	case o.Config == "":
		return fault.New(fault.Usage, "no configuration is named: --config FILE")
	case o.State == "":
		return fault.New(fault.Usage, "no state directory is named: --state DIR, or run under systemd with StateDirectory=")
	case o.Socket == "":
		return fault.New(fault.Usage, "no socket is named: --socket PATH, or run under systemd with RuntimeDirectory=")
	case o.Log == nil:
		return fault.New(fault.Internal, "daemon: no logger")
	}
	return nil
}

// Daemon is a daemon that holds its state directory and its socket.
type Daemon struct {
	options  Options
	closers  closers
	rollouts *orchestrator.Orchestrator
	server   *server.Server
	tired    chan struct{} // holds a word when memory is to be given back
	moved    chan struct{} // holds a word when the status is to be told anew
	stops    atomic.Bool
	remark   atomic.Pointer[string] // what came of the last reload, as far as somebody should know
	apps     *configured
	hands    hands
	docker   *engine.Engine
	key      secret.Key
	cfg      config.Config // as it was taken up last; only reload changes it
	listener *server.Listener
}

// New takes hold of the state, replays the journal and binds the socket. When it fails, everything that it took is let
// go again.
func New(o Options) (_ *Daemon, err error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	d := &Daemon{options: o, tired: make(chan struct{}, 1), moved: make(chan struct{}, 1)}
	defer func() {
		if err != nil {
			_ = d.closers.close()
		}
	}()
	hardenProcess(o.Log)
	boundMemory()
	cfg, err := config.Load(o.Config)
	if err != nil {
		return nil, err
	}
	if cfg, err = provided(cfg); err != nil {
		return nil, err
	}
	state, err := openState(o.State)
	if err != nil {
		return nil, err
	}
	d.closers.add(state.close)
	release, err := holdInstance(cfg.Instance, cfg.Engine.Host)
	if err != nil {
		return nil, err
	}
	d.closers.add(release)
	failpoint.Hit(failpoint.StateHeld)
	log, err := journal.Open(journal.Options{Dir: filepath.Join(o.State, "journal")})
	if err != nil {
		return nil, err
	}
	d.closers.add(log.Close)
	failpoint.Hit(failpoint.JournalOpened)
	return d, d.wire(cfg, state, log)
}

// wire makes the rooms known to each other, lowest floor first.
func (d *Daemon) wire(cfg config.Config, state *state, log *journal.Journal) error {
	d.hands = newHands(cfg.Instance, ownPolicy(), false)
	steps, docker, err := newSteps(cfg, state.key, d.hands)
	if err != nil {
		return err
	}
	d.apps, d.docker, d.key, d.cfg = newConfigured(steps), docker, state.key, cfg
	d.closers.add(docker.Close)
	if err := reach(docker); err != nil {
		d.options.Log.Warn("the Docker Engine does not answer; rollouts are refused until it does", zap.String("why", fault.Text(err)))
	}
	access, err := resolveAccess(cfg.Access)
	if err != nil {
		return err
	}
	d.rollouts, err = orchestrator.New(orchestrator.Options{Journal: log, Steps: d.apps, Log: d.options.Log, Version: d.options.Version,
		Key: state.key.Mark(), Ended: d.ended, Moved: d.stir})
	if err != nil {
		return err
	}
	failpoint.Hit(failpoint.StateFolded)
	d.server, err = server.New(server.Options{Rollouts: d.rollouts, Access: access, Version: d.options.Version, Instance: cfg.Instance,
		Head: func() uint64 { seq, _ := log.Head(); return seq }, Log: d.options.Log})
	if err != nil {
		return err
	}
	if f := d.options.Inherited; f != nil {
		d.listener, err = server.Inherit(f)
	} else {
		d.listener, err = server.Listen(d.options.Socket)
	}
	if err != nil {
		return err
	}
	d.closers.add(d.listener.Close)
	failpoint.Hit(failpoint.SocketBound)
	if named(access) {
		return d.listener.Welcome()
	}
	return nil
}

// Run goes on with unfinished rollouts and serves until ctx ends. Then it stops: waits are interrupted, an action that
// is changing a container finishes, and what is left goes on at the next start.
func (d *Daemon) Run(ctx context.Context) error {
	defer d.letGo()
	if err := d.rollouts.Start(); err != nil {
		return err
	}
	failpoint.Hit(failpoint.DaemonReady)
	ctx, over := context.WithCancel(ctx)
	defer over()
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	served := make(chan error, 1)
	go func() { served <- d.server.Serve(serving, d.listener) }() // ends with serving
	go d.rest(serving)                                            // ends with serving
	d.tire()
	d.notify(sd.SdNotifyReady, d.status())
	stopping := make(chan struct{})
	var attendants sync.WaitGroup
	defer func() {
		over()
		stop()
		d.within(attendants.Wait, "an attendant of the daemon does not end; it ends with the process")
	}()
	attendants.Go(func() { d.attend(serving, stopping) }) // ends with serving
	attendants.Go(func() { d.reloads(ctx) })              // ends with ctx
	d.options.Log.Info("ready", zap.String("socket", d.options.Socket), zap.String("version", d.options.Version), zap.Int("pid", os.Getpid()))
	var err error
	select {
	case <-ctx.Done():
	case err = <-served:
	}
	failpoint.Hit(failpoint.StopAsked)
	d.stops.Store(true)
	d.notify(sd.SdNotifyStopping, fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", extension.Microseconds()))
	close(stopping)
	d.options.Log.Info("stopping")
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	d.rollouts.Stop(ending)
	stop()
	if err == nil {
		err = <-served
	}
	failpoint.Hit(failpoint.DaemonStopped)
	d.options.Log.Info("stopped")
	return err
}

// letGo lets go of everything. It does not wait long for a disk that does not answer: nothing is written after the
// orchestrator has stopped, and the kernel lets go when the process ends.
func (d *Daemon) letGo() {
	d.within(func() { _ = d.closers.close() }, "the state directory's disk does not answer; it is let go of with the process")
}

// within does what may hang on somebody else's disk, and waits for it for the time that a stop has for that, and no longer.
func (d *Daemon) within(do func(), otherwise string) {
	done := make(chan struct{})
	go func() { do(); close(done) }() // ends when what it waits for does, or with the process
	select {
	case <-done:
	case <-time.After(closeTime):
		d.options.Log.Error(otherwise)
	}
}

// ended counts a rollout that has ended, and has the memory that it took given back.
func (d *Daemon) ended(s rollout.State) {
	d.apps.forget(s.Request.ID)
	d.server.Observe(s)
	d.tire()
}

// tire has memory given back soon. It does not wait.
func (d *Daemon) tire() {
	select {
	case d.tired <- struct{}{}:
	default: // it is about to be given back anyhow
	}
}

// rest gives memory back to the host after the start and after every rollout, until ctx ends: in between, the daemon may
// idle for weeks.
func (d *Daemon) rest(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.tired:
			debug.FreeOSMemory()
		}
	}
}

// closers let go of what was taken, the last first.
type closers []func() error

func (c *closers) add(f func() error) { *c = append(*c, f) }

// close calls every closer once and returns the first error.
func (c *closers) close() error {
	var first error
	for i := len(*c) - 1; i >= 0; i-- {
		if err := (*c)[i](); err != nil && first == nil {
			first = err
		}
	}
	*c = nil
	return first
}
