package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path"
	"strconv"
	"strings"
	"time"
)

// Result is how a command ended.
type Result struct {
	Line     string
	Code     int
	Out, Err string
}

// String returns the command with all that it printed.
func (r Result) String() string {
	return fmt.Sprintf("$ %s\n%s%s(exit %d)", r.Line, r.Out, r.Err, r.Code)
}

// Command returns a command that is run on the host, as root.
func (h *Host) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "nsenter", append([]string{"--all", "--target", strconv.Itoa(h.init.pid), "--"}, args...)...)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8", "TERM=dumb"}
	// The end of nsenter is not the end of what it runs; whoever is gone must not keep us waiting.
	cmd.WaitDelay = time.Second
	return cmd
}

// Exec runs a command on the host. That it exits with another status than 0 is no error.
func (h *Host) Exec(ctx context.Context, args ...string) (Result, error) {
	cmd := h.Command(ctx, args...)
	var out, says bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &says
	err := cmd.Run()
	res := Result{strings.Join(args, " "), 0, out.String(), says.String()}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && ctx.Err() == nil {
		res.Code, err = exit.ExitCode(), nil
	}
	if err != nil {
		return res, fmt.Errorf("run on %s: %w\n%s", h.Name, err, res)
	}
	return res, nil
}

// Script has the host's shell run lines as an operator types them.
func (h *Host) Script(ctx context.Context, lines string) (Result, error) {
	return h.Exec(ctx, "bash", "-c", lines)
}

// Journal returns the end of the host's journal, or why it cannot be had.
func (h *Host) Journal() string {
	if !h.Up() {
		return "(the host is off)"
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	res, err := h.Exec(ctx, "journalctl", "--no-pager", "--output=short-iso", "--lines=150")
	if err != nil {
		return err.Error()
	}
	return res.Out
}

// Write puts a file onto the host, as an editor does: a new one is renamed over the old one. Directories are made.
func (h *Host) Write(name string, content []byte, mode fs.FileMode) error {
	root, err := h.files()
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // only a directory
	name = strings.TrimPrefix(name, "/")
	fresh := name + ".new"
	err = errors.Join(
		root.MkdirAll(path.Dir(name), 0o755),
		root.WriteFile(fresh, content, mode),
		root.Chmod(fresh, mode),
		root.Rename(fresh, name),
	)
	if err != nil {
		return fmt.Errorf("write %s of %s: %w", name, h.Name, err)
	}
	return nil
}

// Read returns a file of the host.
func (h *Host) Read(name string) ([]byte, error) {
	root, err := h.files()
	if err != nil {
		return nil, err
	}
	defer root.Close() //nolint:errcheck // only a directory
	return root.ReadFile(strings.TrimPrefix(name, "/"))
}

// files opens the host's root directory. A link on the host leads nowhere out of it.
func (h *Host) files() (*os.Root, error) {
	return os.OpenRoot(fmt.Sprintf("/proc/%d/root", h.init.pid))
}

// HTTP returns a client whose requests come from the host itself. It is good until the host is ended.
func (h *Host) HTTP() *http.Client {
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DialContext: h.Dial, DisableKeepAlives: true}}
}
