package engine

import (
	"bytes"
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"
)

// maxLogs is the most that Logs returns, in bytes.
const maxLogs = 64 << 10

// Logs returns the last lines of what the container wrote to its standard output and error, in the order in which it
// came, at most 64 KiB. It is not redacted: whoever shows it must do that.
func (e *Engine) Logs(ctx context.Context, id string, lines int) (string, error) {
	c, err := e.inspect(ctx, id)
	if err != nil {
		return "", err
	}
	stream, err := e.api.ContainerLogs(ctx, c.ID, container.LogsOptions{ShowStdout: true, ShowStderr: true, Tail: strconv.Itoa(lines)})
	if err != nil {
		return "", e.failed(err, "read the log of container %s", nameOf(c))
	}
	defer stream.Close()
	kept := &tail{limit: maxLogs}
	if c.Config.Tty {
		_, err = io.Copy(kept, stream)
	} else {
		_, err = stdcopy.StdCopy(kept, kept, stream)
	}
	if err != nil {
		return "", e.failed(err, "read the log of container %s", nameOf(c))
	}
	return kept.String(), nil
}

// WaitExit returns nil once the container does not run any more, or is gone, and a fault with the error of ctx inside
// when that ends first.
func (e *Engine) WaitExit(ctx context.Context, id string) error {
	done, failed := e.api.ContainerWait(ctx, id, container.WaitConditionNotRunning)
	select { // the end of ctx arrives as a failure
	case <-done:
		return nil
	case err := <-failed:
		if gone(err) {
			return nil
		}
		return e.failed(err, "wait for the end of container %s", short(id))
	}
}

// tail keeps the end of what is written.
type tail struct {
	bytes []byte
	limit int
	cut   bool
}

func (t *tail) Write(p []byte) (int, error) {
	t.bytes = append(t.bytes, p...)
	if over := len(t.bytes) - t.limit; over > 0 {
		t.bytes = append(t.bytes[:0], t.bytes[over:]...)
		t.cut = true
	}
	return len(p), nil
}

// endless stands for a log whose last line is longer than what is kept.
const endless = "(its last line is too long to be kept)\n"

// String returns the kept text from the first whole line on. The rest of a line whose beginning was thrown away is left out:
// it may begin in the middle of a secret, where no redactor knows it again.
func (t *tail) String() string {
	text := t.bytes
	if t.cut {
		if _, text, _ = bytes.Cut(text, []byte("\n")); len(text) == 0 {
			return endless
		}
	}
	return strings.ToValidUTF8(string(text), "\uFFFD")
}
