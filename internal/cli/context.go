package cli

import (
	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/contexts"
	"github.com/capakraken/fairlead/internal/fault"
)

func (t *tool) context() *cobra.Command {
	c := onlyHere(&cobra.Command{
		Use:   "context COMMAND",
		Short: "Name daemons, on this host and on others, to be worked with",
		Long: "Name daemons, on this host and on others, to be worked with. Every command that asks a daemon takes --context NAME, or\n" +
			"$FAIRLEAD_CONTEXT, and else the context in use. A host behind ssh is reached by the system's ssh, with your own configuration,\n" +
			"keys and known hosts, which runs 'fairlead dial-stdio' there; its daemon sees the user that ssh logs in as. The contexts are\n" +
			"kept in fairlead/contexts.yaml in your configuration directory, and hold no secret.",
		Args: subcommand,
		RunE: func(c *cobra.Command, _ []string) error {
			return misused(c, "say what: fairlead context add, list, show, use or remove")
		},
	})
	c.AddCommand(t.contextAdd(), t.contextList(), t.contextShow(), t.contextUse(), t.contextRemove())
	return c
}

func (t *tool) contextAdd() *cobra.Command {
	return &cobra.Command{
		Use:   "add NAME unix:///PATH|ssh://[USER@]HOST[:PORT][/PATH]",
		Short: "Name a daemon",
		Long: "Name a daemon: the one behind a socket of this host, or the one of another host. PATH is its socket there, if that is not\n" +
			"the usual one. Nothing is connected yet.",
		Args: exactly("NAME", "ADDRESS"),
		RunE: func(_ *cobra.Command, args []string) error {
			err := t.changeContexts(func(s *contexts.Store) error { return s.Add(contexts.Context{Name: args[0], Target: args[1]}) })
			if err != nil || t.json() {
				return err
			}
			t.say("context %s is %s", args[0], args[1])
			t.say("next: try it with: fairlead status --context %s", args[0])
			return nil
		},
	}
}

func (t *tool) contextRemove() *cobra.Command {
	return &cobra.Command{
		Use:   "remove NAME",
		Short: "Forget a daemon",
		Args:  exactly("NAME"),
		RunE: func(_ *cobra.Command, args []string) error {
			return t.changeContexts(func(s *contexts.Store) error { return s.Remove(args[0]) })
		},
	}
}

func (t *tool) contextUse() *cobra.Command {
	return &cobra.Command{
		Use:   "use NAME",
		Short: "Have commands ask a daemon from now on, unless they say another",
		Long:  "Have commands ask a daemon from now on, unless they say another. NAME is a context, or " + contexts.Local + " for the daemon of this host.",
		Args:  exactly("NAME"),
		RunE: func(_ *cobra.Command, args []string) error {
			return t.changeContexts(func(s *contexts.Store) error { return s.Use(args[0]) })
		},
	}
}

// changeContexts changes the user's contexts.
func (t *tool) changeContexts(change func(*contexts.Store) error) error {
	path, err := contexts.Path(t.Getenv)
	if err != nil {
		return err
	}
	return contexts.Change(path, change)
}

// shownContext is a context as it is listed.
type shownContext struct {
	contexts.Context
	Current bool `json:"current"`
}

// contexts returns the user's contexts, and first the daemon of this host.
func (t *tool) contexts() ([]shownContext, error) {
	path, err := contexts.Path(t.Getenv)
	if err != nil {
		return nil, err
	}
	s, err := contexts.Load(path)
	if err != nil {
		return nil, err
	}
	all := []shownContext{{contexts.Context{Name: contexts.Local, Target: "unix://" + t.localSocket()}, s.Current == ""}}
	for _, c := range s.Contexts {
		all = append(all, shownContext{c, c.Name == s.Current})
	}
	return all, nil
}

func (t *tool) contextList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the named daemons",
		Args:  exactly(),
		RunE: func(*cobra.Command, []string) error {
			all, err := t.contexts()
			if err != nil {
				return err
			}
			if t.json() {
				return t.encode(all)
			}
			rows := [][]string{{"NAME", "IN USE", "ADDRESS"}}
			for _, c := range all {
				used := ""
				if c.Current {
					used = "yes"
				}
				rows = append(rows, []string{c.Name, used, c.Target})
			}
			t.table(rows)
			return nil
		},
	}
}

func (t *tool) contextShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show [NAME]",
		Short: "Show a named daemon's address, or which one is in use",
		Args:  atMost("NAME"),
		RunE: func(_ *cobra.Command, args []string) error {
			all, err := t.contexts()
			if err != nil {
				return err
			}
			for _, c := range all {
				if len(args) == 0 && !c.Current || len(args) > 0 && c.Name != args[0] {
					continue
				}
				if t.json() {
					return t.encode(c)
				}
				t.say("%s %s", c.Name, c.Target)
				return nil
			}
			if len(args) > 0 {
				return contexts.Unknown(args[0])
			}
			return fault.New(fault.Internal, "no context is in use")
		},
	}
}
