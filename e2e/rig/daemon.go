package rig

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// daemon is a running fairlead daemon.
type daemon struct {
	cmd  *exec.Cmd
	log  output
	done chan struct{} // closed when it has ended
	err  error         // how, after done
}

// patience is how long a daemon may take to be ready, or to stop.
const patience = 40 * time.Second

// Start starts the daemon and waits until it serves.
func (r *Rig) Start(ctx context.Context) error {
	if err := r.Launch(); err != nil {
		return err
	}
	return r.Await(ctx)
}

// Launch starts the daemon and does not wait for it.
func (r *Rig) Launch() error {
	d := &daemon{done: make(chan struct{})}
	d.cmd = exec.Command(r.Binary, "daemon", "--config", r.ConfigFile(), "--state", r.State(), "--socket", r.Socket())
	d.cmd.Stderr, d.cmd.Stdout = &d.log, &d.log
	var err error
	if d.cmd.Env, err = r.environment(); err != nil {
		return err
	}
	// Whoever holds the rig may be killed: its daemon goes with it.
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := d.cmd.Start(); err != nil {
		return err
	}
	go func() { d.err = d.cmd.Wait(); close(d.done) }() // ends with the process
	r.daemon = d
	return nil
}

// Await waits until the daemon that was launched serves. That it ends instead is an error.
func (r *Rig) Await(ctx context.Context) error {
	d := r.daemon
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if conn, err := net.Dial("unix", r.Socket()); err == nil {
			return conn.Close()
		}
		select {
		case <-d.done:
			return fmt.Errorf("the daemon ended: %w\n%s", d.err, d.log.String())
		case <-ctx.Done():
			return errors.Join(ctx.Err(), r.Kill())
		case <-tick.C:
		}
	}
}

// Gone returns a channel that is closed when the daemon has ended.
func (r *Rig) Gone() <-chan struct{} { return r.daemon.done }

// PID returns the daemon's process id.
func (r *Rig) PID() int { return r.daemon.cmd.Process.Pid }

// Kill ends the daemon as a power failure would, and waits until it is gone.
func (r *Rig) Kill() error { return r.end(syscall.SIGKILL) }

// Stop has the daemon stop, and returns an error unless it ended well and in time.
func (r *Rig) Stop() error {
	if err := r.end(syscall.SIGTERM); err != nil {
		return err
	}
	if r.daemon.err != nil {
		return fmt.Errorf("the daemon did not stop well: %w\n%s", r.daemon.err, r.daemon.log.String())
	}
	return nil
}

func (r *Rig) end(signal os.Signal) error {
	if r.daemon == nil {
		return nil
	}
	if err := r.daemon.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-r.daemon.done:
		return nil
	case <-time.After(patience):
		_ = r.daemon.cmd.Process.Kill() // it is reported either way
		return fmt.Errorf("the daemon did not end within %s of %s\n%s", patience, signal, r.daemon.log.String())
	}
}

// Log returns what the daemon has written since its last start. It is whole only after the daemon has ended.
func (r *Rig) Log() string {
	if r.daemon == nil {
		return ""
	}
	return r.daemon.log.String()
}

// Close ends the daemon. The containers that it made go with the world.
func (r *Rig) Close() error { return r.Kill() }

// freePort returns a port of 127.0.0.1 that nobody listens on now. It is below those that the kernel gives away by itself,
// and drawn by lot, so that rigs which are made side by side do not get the same one before they publish it.
func freePort() (int, error) {
	var failed error
	for range 20 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(12000)))
		if err == nil {
			return l.Addr().(*net.TCPAddr).Port, l.Close()
		}
		failed = err
	}
	return 0, failed
}
