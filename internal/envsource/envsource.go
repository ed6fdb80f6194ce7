// Package envsource reads the env sources of an app that are not plain env files: named variables of the daemon's own
// environment, an env file that is encrypted with age, and what a fixed command prints, which opens every secret manager by
// its own client.
//
// Everything that is read is a secret, lives in memory only, and goes nowhere but into the environment that is returned. No
// text that leaves this package holds a byte of it, nor the words of a decrypter, a parser or a command.
package envsource

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/capakraken/fairlead/internal/command"
	"github.com/capakraken/fairlead/internal/envfile"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

// Commands runs commands of this host, as command.Host does.
type Commands interface {
	Check(program string) []fault.Problem
	Run(ctx context.Context, c command.Call) error
}

// Options are what a Reader is made of. All fields but Elsewhere are required.
type Options struct {
	Caller   string // names who reads; two that read at the same time have two names
	Policy   envfile.Policy
	Commands Commands
	Lookup   func(name string) (string, bool) // a variable of the daemon's own environment
	// Elsewhere says that this process is not the daemon: it has neither the daemon's environment nor its credentials, and
	// runs none of its commands.
	Elsewhere bool
}

// Reader reads sources. It holds no value, and is safe for concurrent use.
type Reader struct {
	Options
	mu   sync.Mutex
	busy map[string]chan struct{} // by the call; a token is in it while the command runs
}

// New returns a Reader.
func New(o Options) *Reader { return &Reader{Options: o, busy: map[string]chan struct{}{}} }

// Environment returns the named variables of the daemon's own environment. One that is not set is a fault; one that is set
// and empty is not.
func (r *Reader) Environment(label string, names []string) (envfile.File, error) {
	if r.Elsewhere {
		return envfile.File{}, unseen(label)
	}
	f := envfile.File{Path: label, Env: secret.Env{}}
	var problems []fault.Problem
	refuse := func(name, what, fix string) {
		problems = append(problems, fault.Problem{Where: label, What: what, Fix: fix})
		f.Faulty = append(f.Faulty, name)
	}
	for _, name := range names {
		value, set := r.Lookup(name)
		switch {
		case !set:
			refuse(name, "the daemon's own environment has no "+name, "give it to the daemon's unit and restart the daemon, or take the name out")
		case text(value) != "":
			refuse(name, name+" "+text(value), "set it to plain text")
		default:
			f.Env = f.Env.With(secret.Var{Name: name, Value: secret.NewValue(value), Origin: secret.Origin{Source: label}})
		}
	}
	slices.Sort(f.Faulty)
	return f, refused(problems)
}

// dotenv returns what the text of an env file gives.
func dotenv(label string, content []byte) (envfile.File, error) {
	f := envfile.File{Path: label, Content: secret.NewValue(string(content))}
	var problems []fault.Problem
	f.Env, problems = envfile.Parse(label, content)
	_, f.Faulty = envfile.Variables(label, f.Content)
	if f.Env == nil {
		f.Env = secret.Env{} // it was read
	}
	return f, refused(problems)
}

func unseen(label string) error {
	return fault.Hide(&envfile.Unseen{Source: label}, fault.Unavailable, "%s can only be read by the daemon: 'fairlead secrets APP' asks it", label)
}

// problem returns one fault of a source.
func problem(label, what, fix string) error {
	return refused([]fault.Problem{{Where: label, What: what, Fix: fix}})
}

func refused(problems []fault.Problem) error {
	return fault.Many(fault.Refused, "an env source is refused", problems)
}

// text returns why a value is none that an environment can carry as it is.
func text(value string) string {
	switch {
	case strings.ContainsRune(value, 0):
		return "holds a NUL byte, which no environment can carry"
	case strings.ToValidUTF8(value, "") != value:
		return "is not in UTF-8"
	}
	return ""
}

// empty says that a source gave nothing.
func empty(label string) error {
	return problem(label, "gives nothing: not one byte", "see what it holds, or take it out of the configuration")
}

func tooLong(label string, most int64) error {
	return problem(label, fmt.Sprintf("gives more than the %d bytes that are read", most), "check that it is an environment, and no more than the app needs")
}
