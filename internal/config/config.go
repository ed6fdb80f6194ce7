// Package config reads fairlead.yaml, strictly: an unknown key is a fault, and all faults are found at once, each with
// its file, line and field and with what to write instead.
//
// The file holds no secret: where one is needed it names a variable or another file, and a value that looks like a
// written-out secret is refused without being quoted.
package config

import (
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/capakraken/fairlead/internal/lint"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// Config is the whole configuration, complete with its defaults.
type Config struct {
	Path     string // as it was given to Load or Parse
	Instance string // this daemon's name on its Engine and in reports
	Engine   Engine
	Registry Registry
	Access   Access
	Apps     map[string]App // by name
}

// Engine says where the Docker Engine listens.
type Engine struct {
	Host string // such as unix:///var/run/docker.sock; empty for the client's own default
}

// Registry says how registries are asked.
type Registry struct {
	ConfigFile string              // absolute path of a Docker config file
	Credential string              // instead of it, the name under which systemd gives that file to the daemon's unit
	Mirrors    map[string][]string // of a registry by its host; each stands before an image's path as that host does
}

// Access names who may do what, besides root, who may do everything.
type Access struct{ Viewers, Operators, Admins Principals }

// Principals are users and groups of the host, by name or number.
type Principals struct{ Users, Groups []string }

// App is one app in one environment. Its checks have an entry for every service.
type App struct {
	Name              string
	Environment       string
	Repository        string // the image's, without tag and digest: those come with a rollout
	AllowedRegistries Registries
	Line              int // where the app is defined
	Env               []EnvSource
	Lint              lint.Policy  // on how other readers would see the env files
	Services          []Definition // in the order in which they are replaced
	Compose           *Compose     // nil when the services are defined in this file
	Checks            map[string]workload.Check
	Secrets           []secret.Spec // in the file's order
	Legacy            *Legacy       // nil when the app never kept secrets in its database
	Clear             ClearMode
	KeepReleases      int      // how many releases' images stay on the host
	NotConsumers      []string // containers that share the image but do not read the legacy values
	Timeouts          Timeouts
	PreStart          *PreStart // nil when nothing runs before the old containers stop
	Hooks             []Hook    // in the order in which they are called
	Parity            Parity
}

// Parity says how the app is held against itself on another host.
type Parity struct {
	Ignore []string // patterns of points that are expected to differ; nil for the default
}

// PreStart is a command that runs in a one-off container of the new image before the old containers stop.
type PreStart struct {
	Service string // whose definition the container has
	Command []string
	Timeout time.Duration
}

// SecretVariables returns the variables that carry a secret: those of the catalog, and the one that holds the address of
// the database with its password.
func (a App) SecretVariables() []string {
	var names []string
	for _, s := range a.Secrets {
		names = append(names, s.Env)
	}
	if a.Legacy != nil && a.Legacy.DSN.Env != "" {
		names = append(names, a.Legacy.DSN.Env)
	}
	return names
}

// Compose says which Compose files define the app's services.
type Compose struct {
	Files   []string // absolute paths; a later one overrides an earlier one
	Project string   // the Compose project's name; empty for the one that Compose itself would take
}

// Asked returns the services whose status is asked for over HTTP at their containers' addresses.
func (a App) Asked() []string {
	var names []string
	for _, d := range a.Services {
		if a.Checks[d.Name].URL != "" {
			names = append(names, d.Name)
		}
	}
	return names
}

// Definition is one service's definition in Compose syntax, not yet interpreted.
type Definition struct {
	Name   string
	YAML   *yaml.Node // with the lines of Source; it must not be changed. Nil where a Compose file holds it
	Source string     // the file that holds it or names it
	Line   int        // where it begins
}

// Legacy is where the app's database may still hold secrets: one row of one table.
type Legacy struct {
	DSN    DSN
	Schema string // empty for the one that the DSN names
	Table  string
	Row    Row
	// Function is the function, in the table's schema, that looks and clears in the place of the user of the DSN, who needs no
	// right on the table then. Empty where the table is read and written.
	Function string
}

// DSN says where the database's address is kept; exactly one field is set.
type DSN struct {
	Env  string // a variable of the app's environment
	File string // absolute path of a file that holds nothing else
	// Credential is the name under which systemd gives it to the daemon's unit (LoadCredential=). It does not rotate while
	// the daemon runs.
	Credential string
}

// Row picks the one row by the value of a column.
type Row struct{ Column, Value string }

// ClearMode says when legacy values are cleared.
type ClearMode string

// The clear modes.
const (
	WithDeploy ClearMode = "with_deploy" // at the end of every deploy
	Manual     ClearMode = "manual"      // only by a cleanup
)

// Timeouts bound the steps of a rollout. Every one is greater than 0.
type Timeouts struct{ Validate, Pull, Restart, Verify, Clear, Revert time.Duration }

// DefaultRegistryConfig is where registry credentials are looked for when the configuration does not say.
const DefaultRegistryConfig = "/etc/fairlead/docker.json"

// defaultTimeouts are those of an app that sets none.
func defaultTimeouts() Timeouts {
	return Timeouts{Validate: 30 * time.Second, Pull: 10 * time.Minute, Restart: 2 * time.Minute, Verify: 2 * time.Minute,
		Clear: 30 * time.Second, Revert: 2 * time.Minute}
}

// defaultCheck is that of a service which says nothing of its own: it proves itself by staying up.
func defaultCheck() workload.Check {
	return workload.Check{Successes: 2, Attempt: 2 * time.Second, StayUp: 5 * time.Second}
}
