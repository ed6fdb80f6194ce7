package cli

import (
	"context"
	"net"

	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/contexts"
	"github.com/capakraken/fairlead/internal/dial"
	"github.com/capakraken/fairlead/internal/fault"
)

// chosen says which daemon the commands ask.
type chosen struct {
	socket   string // from --socket or the environment; it stands before every context
	context  string // from --context or the environment; empty for the current one
	explicit bool   // a flag said so
}

// choose finds out which daemon is meant. A flag stands before the environment, the environment before the user's current
// context; two of one rank are refused, since a command must not go to another host than the one that was meant.
func (t *tool) choose(c *cobra.Command) error {
	flags := c.Flags()
	bySocket, byContext := flags.Changed("socket"), flags.Changed("context")
	switch {
	case bySocket && t.socket == "":
		return fault.New(fault.Usage, "--socket is empty, where the path of the daemon's socket belongs")
	case byContext && t.contextName == "":
		return fault.New(fault.Usage, "--context is empty, where a context belongs; 'fairlead context list' shows them")
	case bySocket && byContext:
		return fault.New(fault.Usage, "--socket and --context are both given: keep the one that is meant")
	case byContext && here(c):
		return fault.New(fault.Usage, "%s works on this host alone, and takes no --context", c.CommandPath())
	}
	socket, name := t.Getenv("FAIRLEAD_SOCKET"), t.Getenv("FAIRLEAD_CONTEXT")
	switch {
	case bySocket:
		t.chosen = chosen{socket: t.socket, explicit: true}
	case byContext:
		t.chosen = chosen{context: t.contextName, explicit: true}
	case socket != "" && name != "" && !here(c):
		return fault.New(fault.Usage, "FAIRLEAD_SOCKET and FAIRLEAD_CONTEXT are both set: unset the one that is not meant")
	case socket != "":
		t.chosen = chosen{socket: socket}
	default:
		t.chosen = chosen{context: name}
	}
	return nil
}

// only marks a command that works on this host alone, or that asks no daemon at all.
const only = "only-here"

func onlyHere(c *cobra.Command) *cobra.Command {
	if c.Annotations == nil {
		c.Annotations = map[string]string{}
	}
	c.Annotations[only] = "yes"
	return c
}

func here(c *cobra.Command) bool {
	for ; c != nil; c = c.Parent() {
		if c.Annotations[only] != "" {
			return true
		}
	}
	return false
}

// localSocket returns the socket of this host's daemon.
func (t *tool) localSocket() string {
	switch {
	case t.chosen.socket != "":
		return t.chosen.socket
	case t.Getenv("FAIRLEAD_SOCKET") != "":
		return t.Getenv("FAIRLEAD_SOCKET")
	}
	return defaultSocket
}

// reached is a daemon as the commands reach it.
type reached struct {
	name   string // of its context; empty for the one of this host
	target contexts.Target
}

// reach finds the daemon that was chosen.
func (t *tool) reach() (reached, error) {
	if t.chosen.socket != "" {
		return reached{target: contexts.Target{Socket: t.chosen.socket}}, nil
	}
	return t.reachBy(t.chosen.context)
}

// reachBy finds the daemon of a context, with "" that of the current one.
func (t *tool) reachBy(name string) (reached, error) {
	local := reached{target: contexts.Target{Socket: defaultSocket}}
	if name == contexts.Local {
		local.target.Socket = t.localSocket()
		return local, nil
	}
	path, err := contexts.Path(t.Getenv)
	if err != nil && name == "" {
		return local, nil // a daemon's own user may have no home, and has no contexts then
	}
	if err != nil {
		return local, err
	}
	store, err := contexts.Load(path)
	if err != nil {
		return local, err
	}
	if name == "" {
		name = store.Current
	}
	if name == "" {
		return local, nil
	}
	c, ok := store.Find(name)
	if !ok {
		return local, contexts.Unknown(name)
	}
	target, err := contexts.ParseTarget(c.Target)
	return reached{name, target}, err
}

// client returns a client of the daemon that was chosen. Where that cannot be found, its every call says so.
func (t *tool) client() *api.Client {
	r, err := t.reach()
	if err == nil && r.name != "" && t.chosen.context == "" {
		t.hint("on context %s", r.name)
	}
	return t.clientOf(r, err)
}

// clientBy returns a client of a context's daemon.
func (t *tool) clientBy(name string) *api.Client {
	r, err := t.reachBy(name)
	return t.clientOf(r, err)
}

// clientOf returns a client of a daemon, or of none because of err. It warns once when the daemon is of another version.
func (t *tool) clientOf(r reached, err error) *api.Client {
	var c *api.Client
	switch {
	case err != nil:
		c = api.NewClientOver("no daemon", func(context.Context) (net.Conn, error) { return nil, err })
	case r.target.Host != "":
		far := dial.SSH{Host: r.target.Host, User: r.target.User, Port: r.target.Port, Socket: r.target.Socket}
		c = api.NewClientOver("context "+r.name+" ("+far.String()+")", far.Dial)
	default:
		c = api.NewClient(r.target.Socket)
	}
	warned := false
	c.OnVersion = func(version string) {
		if version != t.Version && version != "" && !warned {
			warned = true
			t.hint("this command is of version %s, the daemon of version %s", t.Version, version)
		}
	}
	return c
}

// on says behind an app's name which context is meant, and nothing where that is this host.
func (t *tool) on() string {
	if r, err := t.reach(); err == nil && r.name != "" {
		return " on " + r.name
	}
	return ""
}
