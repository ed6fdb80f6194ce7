package daemon

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/envfile"
	"github.com/capakraken/fairlead/internal/fault"
)

// usualCredentials is where systemd puts the credentials of the daemon's unit, for who looks from outside of it.
const usualCredentials = "/run/credentials/fairlead.service"

// placed returns the configuration with a path in the place of each credential, below dir.
func placed(cfg config.Config, dir string) config.Config {
	if name := cfg.Registry.Credential; name != "" {
		cfg.Registry.ConfigFile = filepath.Join(dir, name)
	}
	cfg.Apps = maps.Clone(cfg.Apps)
	for name, app := range cfg.Apps {
		if app.Legacy != nil && app.Legacy.DSN.Credential != "" {
			l := *app.Legacy
			l.DSN.File = filepath.Join(dir, l.DSN.Credential)
			app.Legacy = &l
			cfg.Apps[name] = app
		}
	}
	return cfg
}

// provided is placed for a daemon, which refuses to run with a credential that is missing or empty: where systemd cannot
// mount the folder of the credentials it leaves it empty, and starts the service all the same.
func provided(cfg config.Config) (config.Config, error) {
	var problems []fault.Problem
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	miss := func(where, name, why string) {
		problems = append(problems, fault.Problem{Where: cfg.Path + ": " + where, What: "the credential " + name + " " + why,
			Fix: "give the unit LoadCredential=" + name + ":FILE in a drop-in, with a FILE that is not empty, and start it anew"})
	}
	check := func(where, name string) {
		if name == "" {
			return
		}
		if dir == "" {
			miss(where, name, "is missing: systemd has given none at all")
			return
		}
		info, err := os.Stat(filepath.Join(dir, name))
		switch {
		case err != nil:
			miss(where, name, "is missing: "+reason(err))
		case info.Size() == 0:
			miss(where, name, "is empty")
		}
	}
	check("registry.config", cfg.Registry.Credential)
	for _, name := range slices.Sorted(maps.Keys(cfg.Apps)) {
		for _, source := range cfg.Apps[name].Env {
			if source.Age != nil {
				check(fmt.Sprintf("apps.%s.env[%d].identity", name, source.Index), source.Age.Identity.Credential)
			}
		}
		if l := cfg.Apps[name].Legacy; l != nil && l.DSN.Credential != "" {
			where := "apps." + name + ".legacy.dsn"
			before := len(problems)
			check(where, l.DSN.Credential)
			if len(problems) > before {
				continue
			}
			switch value, err := envfile.ReadValue(filepath.Join(dir, l.DSN.Credential), ownPolicy()); {
			case err != nil:
				miss(where, l.DSN.Credential, "cannot be used: "+fault.Text(err))
			case value.IsEmpty():
				miss(where, l.DSN.Credential, "is empty")
			}
		}
	}
	return placed(cfg, dir), fault.Many(fault.Refused, "the daemon does not run without its credentials", problems)
}

// ownPolicy trusts the files of this process's user, and root's.
func ownPolicy() envfile.Policy { return envfile.Policy{UID: os.Getuid(), GID: os.Getgid()} }
