package engine

import (
	"context"
	"io"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/capakraken/fairlead/internal/fault"
)

// Exec runs argv inside the container and returns its standard output. Its standard error is dropped. A command that
// ends with another code than 0, or prints more than limit bytes, is an Unavailable fault without any of its output.
// When ctx ends, Exec returns; the Engine has no way to end the command itself.
func (e *Engine) Exec(ctx context.Context, id string, argv []string, limit int64) ([]byte, error) {
	made, err := e.api.ContainerExecCreate(ctx, id, container.ExecOptions{Cmd: argv, AttachStdout: true})
	if err != nil {
		return nil, e.failed(err, "run a command in container %s", short(id))
	}
	out, err := e.output(ctx, made.ID, limit)
	if ended := ctx.Err(); ended != nil {
		err = ended // the stream was closed for it, and only says that
	}
	if err != nil {
		return nil, e.failed(err, "run a command in container %s", short(id))
	}
	code, err := e.exitCode(ctx, made.ID)
	if err != nil {
		return nil, e.failed(err, "run a command in container %s", short(id))
	}
	if code != 0 {
		return nil, fault.New(fault.Unavailable, "the command in container %s ended with code %d", short(id), code)
	}
	return out, nil
}

// output starts the exec and reads its standard output to the end.
func (e *Engine) output(ctx context.Context, exec string, limit int64) ([]byte, error) {
	stream, err := e.api.ContainerExecAttach(ctx, exec, container.ExecAttachOptions{})
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	// The stream is a raw connection that does not know of ctx.
	defer context.AfterFunc(ctx, stream.Close)()
	out := &capped{limit: limit}
	_, err = stdcopy.StdCopy(out, io.Discard, stream.Reader)
	if out.full {
		err = fault.New(fault.Unavailable, "the command printed more than the %d bytes that are read", limit)
	}
	return out.bytes, err
}

// exitCode returns the code that the exec ended with. The Engine may need a moment after the end of its output.
func (e *Engine) exitCode(ctx context.Context, exec string) (int, error) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		state, err := e.api.ContainerExecInspect(ctx, exec)
		if err != nil {
			return 0, err
		}
		if !state.Running {
			return state.ExitCode, nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-tick.C:
		}
	}
}

// capped keeps what is written up to its limit, and then fails.
type capped struct {
	bytes []byte
	limit int64
	full  bool
}

func (c *capped) Write(p []byte) (int, error) {
	if int64(len(c.bytes)+len(p)) > c.limit {
		c.full = true
		return 0, io.ErrShortWrite
	}
	c.bytes = append(c.bytes, p...)
	return len(p), nil
}
