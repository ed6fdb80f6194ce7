// Package hook runs an operator's commands of this host beside the steps, and keeps the last of what they say.
package hook

import (
	"context"

	"github.com/capakraken/fairlead/internal/command"
	"github.com/capakraken/fairlead/internal/fault"
)

// Host is this host, as the user that the daemon runs as.
type Host struct{ commands *command.Host }

// New returns the host with its commands.
func New(commands *command.Host) *Host { return &Host{commands: commands} }

// Check returns what keeps a program from being run. It runs nothing.
func (h *Host) Check(program string) []fault.Problem { return h.commands.Check(program) }

// Run runs a command to its end and returns the last of what it wrote, not redacted: whoever shows it must do that. The
// variables are NAME=VALUE. call names this call: what an earlier one of that name has left is ended first. When ctx ends,
// so does the command.
func (h *Host) Run(ctx context.Context, call string, words, variables []string) (string, error) {
	var kept ending
	err := h.commands.Run(ctx, command.Call{Name: call, Command: words, Variables: variables, Output: &kept})
	return kept.String(), err
}
