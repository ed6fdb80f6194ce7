// Package dial reaches a daemon on another host: through the system's ssh, which runs 'fairlead dial-stdio' there. ssh
// brings its own configuration, keys, agent and known hosts, so none of them is Fairlead's to keep.
package dial

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode"

	"github.com/capakraken/fairlead/internal/fault"
)

// The bounds of a connection.
const (
	connectTimeout = 10 * time.Second // for ssh to reach the host
	dialTimeout    = 30 * time.Second // until the daemon there is connected
	partTimeout    = 2 * time.Second  // for ssh to end by itself
	maxStderr      = 8 << 10
)

// Greeting is the line that 'fairlead dial-stdio --greet' writes when it is connected with the daemon's socket. What a login
// shell says before it is skipped.
const Greeting = "fairlead-dial-stdio 1"

// maxNoise bounds what stands before the greeting.
const maxNoise = 64 << 10

// SSH is another host as ssh reaches it. The words of its fields must be plain; contexts.ParseTarget sees to it.
type SSH struct {
	Host, User string
	Port       int    // 0 for the one that ssh chooses
	Socket     string // of the daemon there; empty for the usual one
}

// String returns the host for people.
func (s SSH) String() string {
	text := s.Host
	if s.User != "" {
		text = s.User + "@" + text
	}
	if s.Port != 0 {
		text += ":" + strconv.Itoa(s.Port)
	}
	return text
}

// args returns the words of the ssh command. ssh asks nothing, forwards nothing, and takes nothing behind "--" for an
// option.
func (s SSH) args() []string {
	args := []string{"-T", "-x", "-a", "-o", "BatchMode=yes", "-o", "ConnectTimeout=" + strconv.Itoa(int(connectTimeout.Seconds())),
		"-o", "ClearAllForwardings=yes", "-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3"}
	if s.User != "" {
		args = append(args, "-l", s.User)
	}
	if s.Port != 0 {
		args = append(args, "-p", strconv.Itoa(s.Port))
	}
	args = append(args, "--", s.Host, "fairlead", "dial-stdio", "--greet")
	if s.Socket != "" {
		args = append(args, "--socket", s.Socket)
	}
	return args
}

// Dial connects with the daemon on the other host. Its errors are Unreachable faults that say how far it came.
func (s SSH) Dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	c, err := s.start()
	if err != nil {
		return nil, err
	}
	greeted := make(chan error, 1)
	go func() { greeted <- c.greeted() }() // ends with the process, at the latest
	select {
	case err = <-greeted:
	case <-ctx.Done():
		c.kill()
		select {
		case <-greeted:
		case <-time.After(partTimeout): // something outside of ssh's group holds its output
		}
		if errors.Is(ctx.Err(), context.Canceled) {
			_ = c.Close()
			return nil, ctx.Err()
		}
		err = ctx.Err()
	}
	if err != nil {
		_ = c.Close()
		return nil, s.failed(ctx, c)
	}
	return c, nil
}

// start starts ssh, in a session of its own: Ctrl-C is the caller's, who may still have something to say to the daemon.
func (s SSH) start() (*conn, error) {
	cmd := exec.Command("ssh", s.args()...) //nolint:noctx // it lives as long as the connection, and Close ends it
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	c := &conn{cmd: cmd, to: s.String(), done: make(chan struct{})}
	cmd.Stderr = &c.stderr
	cmd.WaitDelay = partTimeout
	var err error
	if c.in, err = cmd.StdinPipe(); err != nil {
		return nil, fault.Hide(err, fault.Unreachable, "no pipe to ssh can be made")
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fault.Hide(err, fault.Unreachable, "no pipe from ssh can be made")
	}
	c.out = bufio.NewReader(out)
	if err := cmd.Start(); err != nil {
		return nil, fault.Hide(err, fault.Unreachable, "ssh cannot be run on this host: install an OpenSSH client, and see that ssh is in PATH")
	}
	return c, nil
}

// failed says which leg of the way failed.
func (s SSH) failed(ctx context.Context, c *conn) error {
	said := c.stderr.lastWords()
	if said != "" {
		said = ": " + said
	}
	code := -1 // it was ended from here
	select {
	case <-c.done:
		code = c.cmd.ProcessState.ExitCode()
	default:
	}
	switch {
	case ctx.Err() != nil:
		return fault.New(fault.Unreachable, "%s was not reached through ssh within %s%s", s, dialTimeout, said)
	case code < 0:
		return fault.New(fault.Unreachable, "ssh reaches %s, but the command there does not say that it is connected%s; does a login shell print at every start?", s, said)
	case code == 255:
		return fault.New(fault.Unreachable, "ssh does not reach %s%s; try: ssh %s true", s, said, s.again())
	case code == 126 || code == 127:
		return fault.New(fault.Unreachable, "ssh reaches %s, but there is no fairlead to be run%s; install it there, or see its PATH for commands", s, said)
	case code == fault.Unreachable.ExitCode():
		return fault.New(fault.Unreachable, "ssh reaches %s, but fairlead there does not reach its daemon%s", s, strings.Replace(said, ": fairlead: ", ": ", 1))
	case code == fault.Usage.ExitCode():
		return fault.New(fault.Unreachable, "ssh reaches %s, but fairlead there knows no dial-stdio%s; are both of one version?", s, said)
	}
	return fault.New(fault.Unreachable, "ssh reaches %s, but the command there ended with exit code %d before it was connected%s", s, code, said)
}

// again returns the host as ssh wants it in a command.
func (s SSH) again() string {
	text := s.Host
	if s.User != "" {
		text = s.User + "@" + text
	}
	if s.Port != 0 {
		text = "-p " + strconv.Itoa(s.Port) + " " + text
	}
	return text
}

// words keeps the end of what ssh says.
type words struct {
	mu   sync.Mutex
	text []byte
}

// Write keeps the newest bytes.
func (w *words) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text = append(w.text, b...)
	if extra := len(w.text) - maxStderr; extra > 0 {
		w.text = bytes.Clone(w.text[extra:])
	}
	return len(b), nil
}

// lastWords returns the last lines as one that plays with no terminal.
func (w *words) lastWords() string {
	const most = 400
	w.mu.Lock()
	defer w.mu.Unlock()
	text := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ReplaceAll(strings.TrimSpace(string(w.text)), "\n", "; "))
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > most {
		text = "…" + strings.ToValidUTF8(text[len(text)-most:], "")
	}
	return text
}

// conn is a connection through a process.
type conn struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr words
	to     string

	once sync.Once
	done chan struct{} // closed when the process has ended
}

// greeted waits for the greeting.
func (c *conn) greeted() error {
	for left := maxNoise; left > 0; {
		line, err := c.out.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		if strings.TrimRight(string(line), "\r\n") == Greeting {
			return nil
		}
		left -= len(line)
	}
	return errors.New("no greeting")
}

// Read reads what the daemon sends.
func (c *conn) Read(b []byte) (int, error) { return c.out.Read(b) }

// Write sends to the daemon.
func (c *conn) Write(b []byte) (int, error) { return c.in.Write(b) }

// CloseWrite tells the daemon that nothing more comes.
func (c *conn) CloseWrite() error { return c.in.Close() }

// kill ends ssh, and what it has started: they are a session of their own.
func (c *conn) kill() { _ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL) }

// Close ends the connection and the process: by itself, or else soon.
func (c *conn) Close() error {
	c.once.Do(func() {
		_ = c.in.Close()
		timer := time.AfterFunc(partTimeout, c.kill)
		defer timer.Stop()
		go func() { // a process that still writes would not end; this reader ends with it
			_, _ = io.Copy(io.Discard, c.out)
			_ = c.cmd.Wait()
			close(c.done)
		}()
		select {
		case <-c.done:
		case <-time.After(3 * partTimeout): // somebody else holds its output open
		}
	})
	return nil
}

// address is what a connection's ends are called.
type address string

// Network returns the way.
func (address) Network() string { return "ssh" }

// String returns the host.
func (a address) String() string { return string(a) }

// LocalAddr returns this end.
func (c *conn) LocalAddr() net.Addr { return address("local") }

// RemoteAddr returns the other end.
func (c *conn) RemoteAddr() net.Addr { return address(c.to) }

// SetDeadline is not supported: whoever waits ends the connection instead.
func (c *conn) SetDeadline(time.Time) error { return errNoDeadline() }

// SetReadDeadline is not supported.
func (c *conn) SetReadDeadline(time.Time) error { return errNoDeadline() }

// SetWriteDeadline is not supported.
func (c *conn) SetWriteDeadline(time.Time) error { return errNoDeadline() }

func errNoDeadline() error { return fmt.Errorf("a connection through ssh: %w", errors.ErrUnsupported) }
