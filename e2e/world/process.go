package world

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server that this run started. Its output goes to a file of the run.
type process struct {
	name   string
	cmd    *exec.Cmd
	log    string
	record string
	ended  chan struct{} // closed when it ended
}

// start starts cmd as a process of this run, and records it, so that a later run can end it if this one is killed.
func (w *World) start(name string, cmd *exec.Cmd) (*process, error) {
	p := &process{name: name, cmd: cmd, ended: make(chan struct{})}
	out, err := os.CreateTemp(w.Dir, name+"-*.log")
	if err != nil {
		return nil, fmt.Errorf("make the log of %s: %w", name, err)
	}
	defer out.Close() // the child has its own descriptor
	p.log = out.Name()
	cmd.Stdout, cmd.Stderr = out, out
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	// A group of its own, so that a Ctrl-C in the terminal does not end it before what uses it.
	cmd.SysProcAttr.Setpgid = true
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		_ = cmd.Wait() // its log tells why it ended
		close(p.ended)
	}()
	if err := p.remember(w.Dir); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// remember writes down the process with its birth, which tells it from a later one with the same id.
func (p *process) remember(dir string) error {
	pid := p.cmd.Process.Pid
	p.record = filepath.Join(dir, fmt.Sprintf("process-%d", pid))
	if err := os.WriteFile(p.record, []byte(birth(pid)), 0o600); err != nil {
		return fmt.Errorf("record %s: %w", p.name, err)
	}
	return nil
}

// stop asks the process to end, makes it end after ten seconds, and returns when it did.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(os.Interrupt) // an error means that it ended already
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
	if err := os.Remove(p.record); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("forget %s: %w", p.name, err)
	}
	return nil
}

// await calls ready every 20 ms until it returns nil. It fails when the process or ctx ends, with the last lines of the
// process's log.
func (p *process) await(ctx context.Context, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended instead of serving; its last words:\n%s", p.name, p.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("%s does not serve in time: %w; its last words:\n%s", p.name, err, p.lastWords())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// lastWords returns the last lines of the process's log.
func (p *process) lastWords() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return "  (its log cannot be read)"
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return "  " + strings.Join(lines[max(0, len(lines)-10):], "\n  ")
}

// endRecorded ends the processes that a dead run recorded in dir and that are still the same.
func endRecorded(ctx context.Context, dir string) error {
	records, err := filepath.Glob(filepath.Join(dir, "process-*"))
	if err != nil {
		return fmt.Errorf("look for recorded processes: %w", err)
	}
	for _, record := range records {
		born, err := os.ReadFile(record)
		if err != nil {
			return fmt.Errorf("read a recorded process: %w", err)
		}
		_, digits, _ := strings.Cut(filepath.Base(record), "process-")
		pid, err := strconv.Atoi(digits)
		if err != nil || len(born) == 0 {
			continue // it had ended before it was recorded
		}
		if err := end(ctx, pid, string(born)); err != nil {
			return err
		}
	}
	return nil
}

// end ends the process pid as long as it is the one that was born then.
func end(ctx context.Context, pid int, born string) error {
	signal := syscall.SIGINT
	patience := time.After(10 * time.Second)
	for birth(pid) == born {
		if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("end the process %d of a killed run: %w", pid, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-patience:
			signal = syscall.SIGKILL
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// birth returns the time at which the process pid was born, in the kernel's ticks, or nothing if it is no more.
func birth(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The command's name stands in brackets and may hold anything; the third field follows it. The state Z is of a
	// process that ended and was not yet waited for.
	_, after, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(after)
	if len(fields) < 20 || fields[0] == "Z" {
		return ""
	}
	return fields[19]
}
