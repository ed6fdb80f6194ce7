// Package cli is the command line: every command but the daemon's own asks the daemon through its socket, or reads
// files that are there without it.
//
// The rules of its output: what was asked for goes to standard output, all else, questions and hints included, to
// standard error behind "fairlead: ". One line tells one fact. Times are UTC. A line that is overwritten is written
// only to a terminal. With --output json, standard output holds nothing but JSON.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/capakraken/fairlead/internal/doctor"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/systemd"
	"github.com/capakraken/fairlead/internal/workload"
)

// Options are what the commands work with. In, Out and Err are required.
type Options struct {
	In       io.Reader
	Out, Err io.Writer
	Getenv   func(name string) string // nil for an empty environment
	Version  string
	Daemon   *cobra.Command // the "daemon" command; nil where there is none
	// Containers returns a look at the Engine at host, for init; nil where there is none.
	Containers func(host string) (Containers, error)
	// Doctor examines what a rollout depends on; nil where there is none.
	Doctor func(ctx context.Context, w doctor.Where) doctor.Report
	// Manager is the host's service manager; nil for systemd's own programs.
	Manager  Manager
	Now      func() time.Time      // nil for time.Now
	Terminal func(stream any) bool // tells whether In, Out or Err is a terminal; nil to ask the system
}

// Containers looks at containers that somebody else made.
type Containers interface {
	// Existing returns a container by its name, without any value of its environment.
	Existing(ctx context.Context, name string) (workload.Existing, error)
}

// Manager is the host's service manager. It is what package systemd offers.
type Manager interface {
	// Calendar refuses a schedule that the manager does not understand.
	Calendar(ctx context.Context, schedule string) error
	// Enable has the manager read its units anew, and has these run now and from each start on.
	Enable(ctx context.Context, units ...string) error
	// Disable ends these. That one is not known is no fault.
	Disable(ctx context.Context, units ...string) error
	// Reload has the manager read its units anew.
	Reload(ctx context.Context) error
	// Show returns properties of a unit.
	Show(ctx context.Context, unit string, properties ...string) (map[string]string, error)
}

func (o Options) validate() error {
	if o.In == nil || o.Out == nil || o.Err == nil {
		return fault.New(fault.Internal, "the commands need In, Out and Err")
	}
	return nil
}

func (o Options) withDefaults() Options {
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Manager == nil {
		o.Manager = systemd.Manager{}
	}
	if o.Terminal == nil {
		o.Terminal = isTerminal
	}
	return o
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Run runs the command that args name, without the program's own name, and returns its exit code. The end of ctx makes
// a command that only follows a rollout let go of it.
func Run(ctx context.Context, args []string, o Options) int {
	root, err := New(o)
	if err == nil {
		root.SetArgs(args)
		err = root.ExecuteContext(ctx)
	}
	if err == nil {
		return 0
	}
	if told, ok := errors.AsType[*told](err); ok {
		return told.code
	}
	if o.Err != nil {
		complain(o.Err, err)
	}
	return fault.KindOf(err).ExitCode()
}

// complain writes an error for the operator.
func complain(to io.Writer, err error) {
	_, _ = fmt.Fprintln(to, "fairlead: "+plain(strings.TrimSuffix(fault.Text(err), "\n")))
}

// told ends a command whose output has already said what went wrong.
type told struct{ code int }

// Error says no more than the code.
func (t *told) Error() string { return fmt.Sprintf("exit %d", t.code) }

// toldFault returns the end of a command that has told of a failure of kind k, and nil for "", which is none.
func toldFault(k fault.Kind) error {
	if k == "" {
		return nil
	}
	return &told{k.ExitCode()}
}
