package daemon

import (
	"context"
	"fmt"
	"os"

	"github.com/capakraken/fairlead/internal/command"
	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/envfile"
	"github.com/capakraken/fairlead/internal/envsource"
)

// sources reads env sources as the configuration has them.
type sources struct{ *envsource.Reader }

// newSources returns what reads the sources. One elsewhere is not the daemon.
func newSources(instance string, policy envfile.Policy, commands *command.Host, elsewhere bool) sources {
	return sources{envsource.New(envsource.Options{Caller: instance, Policy: policy, Commands: commands, Lookup: os.LookupEnv, Elsewhere: elsewhere})}
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
		return s.Exec(ctx, label, envsource.Command{Name: fmt.Sprintf("%s-%d", app, source.Index), Words: x.Command, JSON: x.Format == config.JSON, Pass: x.Pass,
			Timeout: x.Timeout, MaxBytes: x.MaxBytes})
	case config.FileSource:
	}
	return envfile.Read(source.File, s.Policy)
}
