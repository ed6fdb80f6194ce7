package daemon

import (
	"context"
	"fmt"
	"os"

	"github.com/capakraken/fairlead/internal/command"
	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/envfile"
	"github.com/capakraken/fairlead/internal/envsource"
	"github.com/capakraken/fairlead/internal/fault"
)

// sources reads env sources as the configuration has them.
type sources struct{ *envsource.Reader }

// hands are what runs commands of this host and reads sources with them. A daemon has them once: whoever reads a source ends
// what an earlier reader has left of its command, and so must know of those that are still at it.
type hands struct {
	policy   envfile.Policy
	commands *command.Host
	rollouts sources
	views    sources
}

// newHands returns the hands of a daemon, or of a process elsewhere, which is none.
func newHands(instance string, policy envfile.Policy, elsewhere bool) hands {
	commands := command.New(policy.UID)
	reader := func(caller string) sources {
		return sources{envsource.New(envsource.Options{Caller: instance + "/" + caller, Policy: policy, Commands: commands, Lookup: os.LookupEnv, Elsewhere: elsewhere})}
	}
	return hands{policy: policy, commands: commands, rollouts: reader("rollout"), views: reader("view")}
}

func (s sources) Read(ctx context.Context, app string, source config.EnvSource) (envfile.File, error) {
	label := source.String()
	switch source.Kind() {
	case config.EnvironmentSource:
		return s.Environment(label, source.Environment)
	case config.AgeSource:
		return s.Age(label, source.Age.File, envsource.Identity(source.Age.Identity))
	case config.ExecSource:
		x := source.Exec
		return s.Exec(ctx, label, envsource.Command{Name: fmt.Sprintf("%s/%d", app, source.Index), Words: x.Command, JSON: x.Format == config.JSON, Pass: x.Pass,
			Timeout: x.Timeout, MaxBytes: x.MaxBytes})
	case config.FileSource: // the steps read it themselves
	}
	return envfile.File{}, fault.New(fault.Internal, "%s is an env file, which needs nobody to open it", label)
}
