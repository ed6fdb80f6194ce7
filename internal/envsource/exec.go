package envsource

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/capakraken/fairlead/internal/command"
	"github.com/capakraken/fairlead/internal/envfile"
	"github.com/capakraken/fairlead/internal/fault"
)

// Command is a fixed command that prints an environment.
type Command struct {
	Name     string // of this source among all that the caller reads
	Words    []string
	JSON     bool     // it prints a flat JSON object, and otherwise an env file
	Pass     []string // names of variables of the daemon's own environment that it gets
	Timeout  time.Duration
	MaxBytes int64
}

// Exec returns what the command prints. What it says on its standard error goes nowhere: it may hold anything, and a secret
// manager's client is not ours to trust with a log. Two calls for one source come one after the other.
func (r *Reader) Exec(ctx context.Context, label string, c Command) (envfile.File, error) {
	if len(c.Words) == 0 {
		return envfile.File{}, fault.New(fault.Internal, "%s has no command", label)
	}
	problems := r.Commands.Check(c.Words[0])
	for i := range problems {
		problems[i].Where = label + ": " + problems[i].Where
	}
	if r.Elsewhere && len(problems) == 0 {
		return envfile.File{}, unseen(label)
	}
	variables := make([]string, 0, len(c.Pass))
	for _, name := range c.Pass {
		value, set := r.Lookup(name)
		if !set && !r.Elsewhere {
			problems = append(problems, fault.Problem{Where: label, What: "the daemon's own environment has no " + name + " to pass on",
				Fix: "give it to the daemon's unit and restart the daemon, or take the name out"})
		}
		variables = append(variables, name+"="+value)
	}
	if len(problems) > 0 {
		return envfile.File{}, refused(problems)
	}
	content, err := r.run(ctx, label, c, variables)
	switch {
	case err != nil:
		return envfile.File{}, err
	case len(content) == 0:
		return envfile.File{}, empty(label)
	case c.JSON:
		return fromJSON(label, content)
	}
	return dotenv(label, content)
}

// run returns the command's output.
func (r *Reader) run(ctx context.Context, label string, c Command, variables []string) ([]byte, error) {
	call := fmt.Sprintf("env/%s/%s", r.Caller, c.Name)
	done, err := r.alone(ctx, call)
	if err != nil {
		return nil, fault.Hide(err, fault.TimedOut, "%s: was not called, since earlier calls of it did not end in time", label)
	}
	defer done()
	bounded, cancel := context.WithTimeout(ctx, c.Timeout) // the time of those before it is not its own
	defer cancel()
	out := &limited{most: c.MaxBytes}
	err = r.Commands.Run(bounded, command.Call{Name: call, Command: c.Words, Variables: variables, Output: out, Silent: true})
	const fix = "run it by hand, as the daemon's user"
	switch {
	case err == nil:
		return out.content, nil
	case errors.Is(err, errFull):
		return nil, tooLong(label, c.MaxBytes)
	case ctx.Err() != nil: // not its own time, but the caller's
		return nil, fault.Hide(ctx.Err(), fault.KindOf(err), "%s: %s", label, fault.Text(err))
	case bounded.Err() != nil:
		return nil, problem(label, fmt.Sprintf("did not end within %s, and was ended", c.Timeout), fix+", or lengthen its timeout")
	case len(fault.ProblemsOf(err)) > 0:
		return nil, err
	}
	return nil, problem(label, fault.Text(err)+" (what it said is not shown, since it may hold a secret)", fix)
}

// alone returns when no other call of this name runs, and then what ends the turn.
func (r *Reader) alone(ctx context.Context, call string) (func(), error) {
	r.mu.Lock()
	turn, known := r.busy[call]
	if !known {
		turn = make(chan struct{}, 1)
		r.busy[call] = turn
	}
	r.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// errFull ends a command that writes more than it may.
var errFull = errors.New("more than is read")

// limited keeps what is written to it, up to a limit.
type limited struct {
	content []byte
	most    int64
}

func (l *limited) Write(p []byte) (int, error) {
	if int64(len(l.content)+len(p)) > l.most {
		return 0, errFull
	}
	l.content = append(l.content, p...)
	return len(p), nil
}
