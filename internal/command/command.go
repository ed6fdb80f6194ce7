// Package command runs commands of this host: a fixed list of words, and no shell. It is the only room that starts a
// process. A command gets nothing of the daemon's: not its environment, which may name sockets and credentials, not its
// files, not its input; only what it is told, and a few plain variables.
//
// A command runs in a process group of its own, and nothing of that group outlives it: not its end, not its deadline, and
// as far as the kernel can see to it, not the daemon's death. See process.go for what that means.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/capakraken/fairlead/internal/fault"
)

// How long a command that must end has for that: first by itself, after SIGTERM, then by force.
const (
	grace = 5 * time.Second
	force = 5 * time.Second
)

// drain is how long its last words are waited for when the command has ended, but something that has left its process
// group holds its output open.
const drain = time.Second

// mark is the variable by which the processes of a call are known.
const mark = "FAIRLEAD_CALL"

// Host is this host, as the user that the daemon runs as.
type Host struct {
	uid   int
	grace time.Duration
}

// New returns the host for a daemon that runs as uid.
func New(uid int) *Host { return &Host{uid: uid, grace: grace} }

// plain is the whole environment of a command, but for what it is told. HOME is missing on purpose: no file of anybody's
// home shall change what a command does.
func plain() []string {
	return []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"}
}

// Call is one call of a command.
type Call struct {
	// Name names the call: what an earlier one of that name has left is ended first, since two of a kind must not run at a
	// time.
	Name      string
	Command   []string // the program by its absolute path, and its words
	Variables []string // NAME=VALUE, besides a few plain ones
	// Output gets what the command writes, in the order in which it comes, from one goroutine. When it takes no more, the
	// command is ended, and its error is the call's.
	Output io.Writer
	Silent bool // what the command writes to its standard error is thrown away, and not a part of the output
}

// Run runs a command to its end. When ctx ends, so does the command. The output may hold anything, also a secret: the error
// holds nothing of it.
func (h *Host) Run(ctx context.Context, c Call) error {
	if len(c.Command) == 0 {
		return fault.New(fault.Internal, "it has no command")
	}
	if problems := h.Check(c.Command[0]); len(problems) > 0 {
		return fault.Many(fault.Refused, "its program may not be run", problems)
	}
	marked := mark + "=" + c.Name
	endMarked(marked)
	if ctx.Err() != nil {
		return interrupted(ctx)
	}
	out, in, err := os.Pipe()
	if err != nil {
		return fault.Hide(err, fault.Unavailable, "it could not be started: there is no pipe for its output (%s)", reason(err))
	}
	defer out.Close() //nolint:errcheck // only read from
	words := in
	if c.Silent {
		words = nil
	}
	p, err := start(c.Command, append(append(plain(), c.Variables...), marked), in, words)
	_ = in.Close() // the command has its own
	if err != nil {
		return unstarted(err)
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	heard := make(chan error, 1)
	go func() { // ends with the output, or at its read deadline
		heard <- listen(c.Output, out, stop)
	}()
	forced, gone := p.finish(running, h.grace)
	if forced {
		endMarked(marked) // what has left the group
	}
	_ = out.SetReadDeadline(time.Now().Add(drain))
	refused := <-heard
	switch {
	case !gone:
		return fault.New(fault.TimedOut, "process %d does not end, though it was killed: the kernel holds it", p.pid)
	case refused != nil:
		return refused
	case forced:
		return interrupted(ctx)
	}
	return p.verdict()
}

// listen hands on all that comes. When the output takes no more, stop is called, and its error returned.
func listen(to io.Writer, from io.Reader, stop func()) error {
	full := &guarded{to: to}
	_, _ = io.Copy(full, from) // what came before a deadline counts
	if full.err != nil {
		stop()
	}
	return full.err
}

// guarded remembers the writer's own error, apart from the reader's.
type guarded struct {
	to  io.Writer
	err error
}

func (g *guarded) Write(p []byte) (int, error) {
	n, err := g.to.Write(p)
	g.err = err
	return n, err
}

// interrupted says why a command was ended.
func interrupted(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fault.Hide(ctx.Err(), fault.TimedOut, "it did not end before its deadline, and was ended")
	}
	return fault.Hide(ctx.Err(), fault.Conflict, "it was interrupted, and was ended")
}

// unstarted says why a command could not be started. Its file was looked at just before.
func unstarted(err error) error {
	switch errno, _ := errors.AsType[syscall.Errno](err); errno {
	case unix.ENOENT:
		return fault.Hide(err, fault.Refused, "the interpreter that the program's first line names does not exist")
	case unix.ENOEXEC:
		return fault.Hide(err, fault.Refused, "the file is no program; a script needs a first line such as #!/bin/sh")
	case unix.EACCES, unix.EPERM:
		return fault.Hide(err, fault.Refused, "the program, or the interpreter that its first line names, may not be executed by the daemon")
	case unix.ETXTBSY:
		return fault.Hide(err, fault.Refused, "the program is being written to")
	case unix.E2BIG:
		return fault.Hide(err, fault.Refused, "its words are longer than the kernel takes")
	}
	return fault.Hide(err, fault.Unavailable, "it could not be started (%s)", reason(err))
}

// reason is what the kernel says. Its error numbers carry no content.
func reason(err error) string {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error()
	}
	return "for an unknown reason"
}

// verdict says how a command that was not ended by us has ended.
func (p *process) verdict() error {
	state, _ := p.state.Sys().(syscall.WaitStatus)
	switch {
	case state.Signaled():
		more := ""
		if state.Signal() == unix.SIGKILL {
			more = "; the kernel does that when memory runs out"
		}
		return fault.New(fault.Refused, "it was ended by the signal %s%s", unix.SignalName(state.Signal()), more)
	case state.ExitStatus() != 0:
		return fault.New(fault.Refused, "%s", fmt.Sprintf("its exit code is %d", state.ExitStatus()))
	}
	return nil
}
