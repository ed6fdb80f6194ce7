// Package draft writes the first draft of a configuration, from what an operator has: the services of a Compose file, or
// containers that run. It makes text and does nothing; what a person has to decide is marked with CHANGE.
//
// Of an environment it takes names and never a value: a Compose file's defaults and literals are not read, and the
// containers come to it without any.
package draft

import (
	"slices"
	"strings"

	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// App is what a configuration is drafted for.
type App struct {
	Instance    string
	Name        string
	Environment string
	EngineHost  string // empty for the default
	From        string // what it is drafted from, for its heading
	Repository  string // empty where it is not known
	Compose     *Compose
	EnvFiles    []string // absolute paths, in their order
	Variables   []string // of the environment, by name
	Literal     []string // those of them that the Compose file itself gives a value
	Services    []Service
	Others      []string // containers of the same project that are outside of the app
	Notes       []string // what a person should know and the draft cannot express
}

// Compose is where the services are defined, if that is a Compose file.
type Compose struct{ File, Project string }

// Service is one service of the app.
type Service struct {
	Name       string
	Definition *workload.Service // nil where the Compose file has it
	Port       int               // the first one that it listens on; 0 where none is known
	Health     bool              // the Engine checks it
	Anonymous  []string
	Withheld   []string
	Beyond     []string
}

// secrets returns the variables that look like secrets, and the others.
func (a App) secrets() (secrets, others []string) {
	for _, name := range slices.Compact(slices.Sorted(slices.Values(a.Variables))) {
		if secret.LooksSecret(name) {
			secrets = append(secrets, name)
		} else {
			others = append(others, name)
		}
	}
	return secrets, others
}

// PlainName makes a name of text as instances, environments and apps bear it, and returns fallback where nothing of the
// text can stand in one.
func PlainName(text, fallback string) string {
	plain := strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, text), "-")
	if plain = plain[:min(63, len(plain))]; plain == "" {
		return fallback
	}
	return plain
}

// secretName is what the catalog calls the secret of a variable until somebody knows better.
func secretName(variable string) string { return PlainName(variable, "secret") }
