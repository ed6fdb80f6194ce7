package command

import (
	"context"
	"errors"
	"math"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is a command that was started. It is the leader of its process group.
type process struct {
	pid    int
	over   chan struct{} // closed when it has ended; its number is still its own
	reap   chan struct{} // closed when it may be given up
	reaped chan struct{} // closed when it was
	state  *os.ProcessState
}

// start starts a command whose output goes to out, and what it says of its errors to words; nil for nowhere.
//
// The command dies with the daemon: the kernel kills it when the thread ends that started it, so that thread is held
// until the command has ended. That is for the command itself and not for its children, such as the tools that a script
// calls: those of a daemon under systemd end with its control group, and those of any other when the call is made again.
func start(command, environment []string, out, words *os.File) (*process, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env, cmd.Dir = environment, "/"
	cmd.Stdout = out // a file, so nothing of ours has to copy and to be waited for
	if words != nil {
		cmd.Stderr = words
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: unix.SIGKILL}
	// What this process was itself given open, by whoever started it, is not for the command. Where the kernel is too old
	// for that, there is only what systemd gives, which is nothing.
	_ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	p := &process{over: make(chan struct{}), reap: make(chan struct{}), reaped: make(chan struct{})}
	started := make(chan error)
	go func() { // ends with the command
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			p.pid = cmd.Process.Pid
		}
		started <- err
		if err != nil {
			return
		}
		await(p.pid)
		close(p.over)
		<-p.reap
		_ = cmd.Wait() // how it ended stands in its state
		p.state = cmd.ProcessState
		close(p.reaped)
	}()
	return p, <-started
}

// await returns when the process has ended, and leaves it as it is: while it is not reaped, no other process and no other
// group can get its number.
func await(pid int) {
	for {
		if err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil); !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// finish waits for the command's end and ends what is left of its group. It tells whether the command had to be ended,
// because ctx did, and whether it is gone.
func (p *process) finish(ctx context.Context, grace time.Duration) (forced, gone bool) {
	select {
	case <-p.over:
	case <-ctx.Done():
		forced = !p.within(0)
		p.signal(unix.SIGTERM)
		p.within(grace)
	}
	p.signal(unix.SIGKILL)
	gone = p.within(force)
	close(p.reap)
	if gone {
		<-p.reaped
	}
	return forced, gone
}

// within tells whether the command ends in time.
func (p *process) within(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-p.over:
		return true
	default:
	}
	select {
	case <-p.over:
		return true
	case <-timer.C:
		return false
	}
}

// signal signals the whole group. One that is gone is no fault.
func (p *process) signal(s unix.Signal) { _ = unix.Kill(-p.pid, s) }
