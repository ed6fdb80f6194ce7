package cli

import (
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/fault"
)

// defaultSocket is where the daemon listens when systemd starts it.
const defaultSocket = "/run/fairlead/fairlead.sock"

// exitCodes stands in the root command's help.
const exitCodes = `Exit codes:
  0  succeeded
  1  any other error
  2  wrong usage
  3  refused: nothing was changed
  4  rolled back: the baseline is restored
  5  halted: a person is needed
  6  busy: another rollout, or a lock, holds the app
  7  a difference was found: residue remains, parity differs, the journal does not verify, or readers of an env file differ
  8  the daemon cannot be reached
  130  interrupted: a rollout that is followed goes on, a request that waits leaves the queue`

// tool is what all commands share.
type tool struct {
	Options
	socket, contextName, output string
	chosen                      chosen
}

// New returns the root command with all others below it.
func New(o Options) (*cobra.Command, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	t := &tool{Options: o.withDefaults()}
	root := &cobra.Command{
		Use:           "fairlead COMMAND",
		Short:         "Roll out an application that takes its runtime secrets from this host",
		Long:          "Roll out an application that takes its runtime secrets from this host.\n\n" + exitCodes,
		Version:       o.Version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          subcommand,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			if t.output != "text" && t.output != "json" && (t.output != markdown || c.Annotations[markdown] == "") {
				return fault.New(fault.Usage, "--output is %q, where text or json belongs", t.output)
			}
			return t.choose(c)
		},
	}
	root.SetUsageFunc(usedOnce(root.UsageFunc()))
	root.SetIn(o.In)
	root.SetOut(o.Out)
	root.SetErr(o.Err)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		if ours, ok := errors.AsType[*fault.Error](err); ok {
			return misused(c, ours.Message)
		}
		what, _, _ := strings.Cut(err.Error(), ": strconv.") // the name of a function helps nobody
		return misused(c, what)
	})
	socket := defaultSocket
	if s := t.Getenv("FAIRLEAD_SOCKET"); s != "" {
		socket = s
	}
	root.PersistentFlags().StringVar(&t.socket, "socket", socket, "the daemon's socket; also from $FAIRLEAD_SOCKET")
	root.PersistentFlags().StringVar(&t.contextName, "context", "", "the daemon by its context (fairlead context); also from $FAIRLEAD_CONTEXT")
	root.PersistentFlags().StringVarP(&t.output, "output", "o", "text", "text or json")
	root.AddCommand(t.deploy(), t.rotate(), t.rollback(), t.cleanup(), t.status(), t.rollouts(), t.show(), t.watch(), t.cancel(), t.lock(), t.unlock(),
		t.secrets(), t.residue(), t.provisioning(), t.parity(), t.context(), t.audit(),
		onlyHere(t.config()), onlyHere(t.env()), onlyHere(t.legacy()), onlyHere(t.init()), onlyHere(t.doctor()), onlyHere(t.systemd()), onlyHere(t.version()), t.dialStdio())
	if o.Daemon != nil {
		root.AddCommand(onlyHere(o.Daemon))
	}
	t.complete(root)
	_ = root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]cobra.Completion{"text", "json"}, cobra.ShellCompDirectiveNoFileComp)) // fails only for a flag that is not there
	return root, nil
}

// usedOnce returns a usage that does not say a second time of a command that it has commands below it. (A usage
// template of our own would do as well, but would bring four megabytes into the binary.)
func usedOnce(usage func(*cobra.Command) error) func(*cobra.Command) error {
	return func(c *cobra.Command) error {
		var text strings.Builder
		out := c.OutOrStderr()
		c.SetOut(&text)
		err := usage(c)
		c.SetOut(out)
		if err != nil {
			return err
		}
		_, err = io.WriteString(out, strings.Replace(text.String(), "\n  "+c.CommandPath()+" [command]\n", "\n", 1))
		return written(err)
	}
}

// json tells whether the output is for programs.
func (t *tool) json() bool { return t.output == "json" }

// subcommand refuses a name that is no command.
func subcommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	c.SuggestionsMinimumDistance = 2 // letters that may be wrong
	what := "there is no command \"" + args[0] + "\""
	if similar := c.SuggestionsFor(args[0]); len(similar) > 0 {
		what += "; did you mean " + strings.Join(similar, " or ") + "?"
	}
	return misused(c, what)
}

// exactly refuses any other number of arguments than the names given, and empty ones.
func exactly(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		return atMost(names...)(c, append(args, missing(names, args)...))
	}
}

// missing returns an empty argument when there are fewer than names, which atMost refuses.
func missing(names, args []string) []string {
	if len(args) < len(names) {
		return []string{""}
	}
	return nil
}

// atMost refuses more arguments than the names given, and empty ones.
func atMost(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		for i, arg := range args {
			if i >= len(names) {
				return misused(c, "there is an argument too many: \""+arg+"\"")
			}
			if arg == "" {
				return misused(c, names[i]+" is missing")
			}
		}
		return nil
	}
}

// misused returns the error of a command that was used wrongly.
func misused(c *cobra.Command, what string) error {
	return fault.New(fault.Usage, "%s\nusage: %s", what, c.UseLine())
}
