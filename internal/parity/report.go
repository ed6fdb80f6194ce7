// Package parity holds two hosts against each other: whether both provision an app's secrets by the same rules, point by
// point. It is pure, so that two reports that somebody saved are compared as two daemons are.
//
// The words: a report is what one daemon says of one app. A point is one fact in it with a name of its own, such as
// catalog/primary-ai/min_length. A point on which two reports differ breaks parity, unless it is expected to differ.
package parity

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// Format is the version of a report's format. It is raised whenever an older version would read a report wrongly.
const Format = 1

// Report is what one daemon says of how one app is provisioned. It holds names, rules, counts and verdicts; never a
// value of a variable, nor anything that was made from one.
type Report struct {
	Format      int       `json:"format"`
	Time        time.Time `json:"time"`
	App         string    `json:"app"`
	Instance    string    `json:"instance"`
	Environment string    `json:"environment"`
	Fairlead    string    `json:"fairlead"` // the daemon's version
	Engine      Engine    `json:"engine"`
	Rules       Rules     `json:"rules"`
	Catalog     []Secret  `json:"catalog"`
	Sources     []Source  `json:"sources"` // in their order
	Keys        []Key     `json:"keys"`    // sorted by their names
	Legacy      *Legacy   `json:"legacy,omitempty"`
	Clear       string    `json:"clear"`
	Image       Image     `json:"image"`
	Proof       Proof     `json:"proof"`
	Services    []Service `json:"services"`
	// Notes say what could not be looked at, and why. A point that they keep from being known is "unknown", which is
	// never the same as anything.
	Notes []string `json:"notes,omitempty"`
}

// Engine is the Docker Engine, as far as it answered.
type Engine struct {
	Version  string `json:"version,omitempty"`
	API      string `json:"api,omitempty"`
	Platform string `json:"platform,omitempty"`
}

// Rules are the rules for env files, and what an app's policy makes of them. A nil list is the default.
type Rules struct {
	Version string   `json:"version"`
	Deny    []string `json:"deny"`
	Warn    []string `json:"warn"`
	Ignore  []string `json:"ignore"` // of parity
}

// Secret is one secret of the catalog: its rules, and whether what the sources give passes them.
type Secret struct {
	Name      string `json:"name"`
	Env       string `json:"env"`
	Required  bool   `json:"required"`
	MinLength int    `json:"min_length,omitempty"`
	Pattern   string `json:"pattern,omitempty"`
	Format    string `json:"format,omitempty"`
	// OneOf is how many values are allowed. The values themselves stay: one of them is the secret's.
	OneOf      int    `json:"one_of,omitempty"`
	Column     string `json:"column,omitempty"`
	OnMismatch string `json:"on_mismatch,omitempty"`
	// Provisioned is Passes, Missing, or Unknown, and else what its value breaks, in words.
	Provisioned string `json:"provisioned"`
	// Residue is the verdict on the legacy value, or Unknown; empty where it never had a column.
	Residue string `json:"residue,omitempty"`
}

// What is said of a value.
const (
	Passes  = "passes"
	Missing = "missing"
	Unknown = "unknown"
)

// Source is one env source, by its kind.
type Source struct {
	Kind     string `json:"kind"`
	Override bool   `json:"override,omitempty"`
	Unread   bool   `json:"unread,omitempty"` // it could not be read
}

// Key is a variable that the env sources give.
type Key struct {
	Name string `json:"name"`
	// From are the kinds of the sources that give it: the one that counts first, then those that it overrides.
	From []string `json:"from"`
}

// Legacy is where the app's database kept secrets.
type Legacy struct {
	DSN      string `json:"dsn"` // where its address is kept: "variable NAME" or "file"
	Schema   string `json:"schema,omitempty"`
	Table    string `json:"table"`
	Row      string `json:"row"` // the column that picks it
	Function string `json:"function,omitempty"`
}

// Image is what runs, by the last rollout that succeeded.
type Image struct {
	Repository string `json:"repository"`
	Digest     string `json:"digest,omitempty"`
}

// Proof is what proved the release that runs.
type Proof struct {
	// Verified tells that each service's running container is the one that proved itself in a rollout that succeeded. Why
	// says what is missing where it is not.
	Verified bool      `json:"verified"`
	Why      string    `json:"why,omitempty"`
	Rollout  string    `json:"rollout,omitempty"` // the one that proved it
	Release  string    `json:"release,omitempty"`
	Services []Witness `json:"services,omitempty"`
}

// Witness is what one service said when it was proved: from where it took each secret.
type Witness struct {
	Service string            `json:"service"`
	Sources map[string]string `json:"sources,omitempty"` // by the secret's name
}

// Service is one service's definition, field by field as JSON, without the values of its environment. Where a text held
// the value of a variable, the variable's name stands there in brackets.
type Service struct {
	Name   string                     `json:"name"`
	Hash   string                     `json:"hash"` // of Fields as they stand here, and so of nothing that is not shown
	Fields map[string]json.RawMessage `json:"fields"`
	Verify map[string]json.RawMessage `json:"verify"` // how it proves itself
}

// HashOf returns the hash of a definition's fields, as they are shown.
func HashOf(fields map[string]json.RawMessage) string {
	text, err := json.Marshal(fields) // sorts the keys, and takes white space out
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:12])
}
