package workload

import (
	"time"

	"github.com/capakraken/fairlead/internal/secret"
)

// Check is how a service proves itself: by its status over HTTP, by the output of a command inside its container, by
// its Docker health, or, when nothing is set, by staying up.
type Check struct {
	URL       string        `json:"url,omitempty"`        // its host part is {container}
	Exec      []string      `json:"exec,omitempty"`       // argv; its standard output is the status
	Health    bool          `json:"health,omitempty"`     // the Engine's health check decides
	Query     string        `json:"query,omitempty"`      // jq: the answer to {healthy, version, secrets}
	Headers   []Header      `json:"headers,omitempty"`    // of the HTTP request
	PublicURL string        `json:"public_url,omitempty"` // must answer healthy as well
	Successes int           `json:"successes"`            // in a row
	Attempt   time.Duration `json:"attempt"`              // the longest that one look may take
	StayUp    time.Duration `json:"stay_up"`              // how long the container must have run by then
}

// Reports tells whether the check can tell the sources of secrets.
func (c Check) Reports() bool { return c.URL != "" || len(c.Exec) > 0 }

// Header is a request header whose value comes from a variable of the service's environment.
type Header struct {
	Name   string `json:"name"`
	Env    string `json:"env"`
	Prefix string `json:"prefix,omitempty"` // stands before the value, for example "Bearer "
}

// Look is one look at one container.
type Look struct {
	Check     Check
	Container Container
	Env       secret.Env      // of the service, for the headers
	Forbidden secret.Redactor // of the catalog's values, which an answer must not contain
}

// Answer is what a service said of itself. It holds no secret.
type Answer struct {
	Healthy bool     `json:"healthy"`
	Version string   `json:"version,omitempty"`
	Secrets []Report `json:"secrets,omitempty"`
}

// Report is what the app says of one secret.
type Report struct {
	Name    string        `json:"name"`
	Source  secret.Source `json:"source"`
	Present bool          `json:"present"`
}
