package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The bounds of a command that prints an environment.
const (
	DefaultExecTimeout       = 20 * time.Second
	MaxEnvBytes        int64 = 1 << 20 // of any source, which is also the default
)

// EnvSource is one source of an app's environment. Exactly one of File, Environment, Age and Exec is set.
type EnvSource struct {
	Index       int      // its place in the list, from 0
	Override    bool     // its variables take the place of those of the sources before it; otherwise that is a fault
	File        string   // absolute path of an env file
	Environment []string // names of variables of the daemon's own environment
	Age         *Age
	Exec        *Exec
}

// Age is an env file that is encrypted with age.
type Age struct {
	File     string // absolute path
	Identity Identity
}

// Identity says where the key is that opens an encrypted file; exactly one field is set.
type Identity struct {
	Credential string // the name of a systemd credential of the daemon's unit
	File       string // absolute path
}

// Exec is a command of this host that prints an environment.
type Exec struct {
	Command  []string // the program by its absolute path, and its words; no shell
	Format   Format
	Pass     []string // names of variables of the daemon's own environment that the command gets
	Timeout  time.Duration
	MaxBytes int64
}

// Format is how an environment is written.
type Format string

// The formats.
const (
	Dotenv Format = "dotenv"
	JSON   Format = "json"
)

// SourceKind is a kind of source, in the word that the configuration has for it.
type SourceKind string

// The kinds of sources.
const (
	FileSource        SourceKind = "file"
	EnvironmentSource SourceKind = "environment"
	AgeSource         SourceKind = "age"
	ExecSource        SourceKind = "exec"
)

// Kind returns the source's kind.
func (s EnvSource) Kind() SourceKind {
	switch {
	case s.Age != nil:
		return AgeSource
	case s.Exec != nil:
		return ExecSource
	case s.File == "":
		return EnvironmentSource
	}
	return FileSource
}

// String returns how the source is called: an env file by its path, and any other by its place in the list, its kind, and
// what it reads. A program's words are not shown.
func (s EnvSource) String() string {
	at := fmt.Sprintf("env[%d] %s", s.Index, s.Kind())
	switch s.Kind() {
	case FileSource:
		return s.File
	case AgeSource:
		return at + " " + s.Age.File
	case ExecSource:
		if len(s.Exec.Command) > 0 {
			at += " " + s.Exec.Command[0]
		}
	case EnvironmentSource:
	}
	return at
}

// Path returns the file that the source is kept in, or "" for one that is in none: a command's output or the daemon's own
// environment.
func (s EnvSource) Path() string {
	if s.Age != nil {
		return s.Age.File
	}
	return s.File
}

// EnvFiles returns the env sources, for a sentence.
func (a App) EnvFiles() string {
	var names []string
	for _, e := range a.Env {
		names = append(names, e.String())
	}
	return strings.Join(names, ", ")
}

// credentialName is what systemd calls a credential.
var credentialName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,254}$`)

func readEnv(f field) []EnvSource {
	var sources []EnvSource
	for i, e := range f.list() {
		m := e.only("file", "environment", "age", "identity", "exec", "format", "pass", "timeout", "max_bytes", "override")
		s := EnvSource{Index: i, Override: m.get("override").flag()}
		if i == 0 && s.Override {
			m.get("override").bad("has nothing to apply to: no source stands before this one", "take it out, or put the source behind the one that it overrides")
		}
		m.readSource(&s)
		again := func(o EnvSource) bool { return o.same(s) }
		if slices.ContainsFunc(sources, again) {
			e.bad("names "+map[SourceKind]string{FileSource: "a file", AgeSource: "an encrypted file", ExecSource: "a command"}[s.Kind()]+" for the second time", "keep one")
		}
		sources = append(sources, s)
	}
	return sources
}

// readSource reads the one kind of source that the mapping is, and refuses keys that belong to another.
func (m mapping) readSource(s *EnvSource) {
	var kinds []string
	for _, key := range []string{"file", "environment", "age", "exec"} {
		if m.has(key) {
			kinds = append(kinds, key)
		}
	}
	if len(kinds) != 1 {
		if m.set() {
			m.bad("must be one source", "write {file: /etc/…/.env.production}, or one of environment, age and exec; each source is an element of its own")
		}
		return
	}
	belongs := map[string]string{"identity": "age", "format": "exec", "pass": "exec", "timeout": "exec", "max_bytes": "exec"}
	for _, key := range []string{"identity", "format", "pass", "timeout", "max_bytes"} {
		if m.has(key) && belongs[key] != kinds[0] {
			m.get(key).bad("belongs to "+belongs[key]+", and this source is "+kinds[0], "take it out")
		}
	}
	switch kinds[0] {
	case "file":
		s.File = m.get("file").absolute()
	case "environment":
		s.Environment = m.get("environment").variables()
	case "age":
		s.Age = &Age{File: m.get("age").absolute(), Identity: readIdentity(m.need("identity", "say where the key is: {credential: NAME} or {file: /etc/…}"))}
	case "exec":
		s.Exec = m.readExecSource()
	}
}

func (m mapping) readExecSource() *Exec {
	e := &Exec{Command: m.get("exec").program(), Format: m.need("format", "say what the command prints: format: dotenv or format: json").format(),
		Timeout: m.get("timeout").duration(DefaultExecTimeout, time.Second, 5*time.Minute), MaxBytes: int64(m.get("max_bytes").number(int(MaxEnvBytes), 1, int(MaxEnvBytes)))}
	if m.has("pass") {
		e.Pass = m.get("pass").variables()
	}
	return e
}

func readIdentity(f field) Identity {
	if f.isText() {
		f.bad("must not be written out", "say where it is kept: {credential: NAME} or {file: /etc/…}")
		return Identity{}
	}
	m := f.only("credential", "file")
	if f.set() && m.set() && m.has("credential") == m.has("file") {
		f.bad("must name one place", "write either {credential: NAME} or {file: /etc/…}")
		return Identity{}
	}
	name := m.get("credential").text()
	if name != "" && !credentialName.MatchString(name) {
		m.get("credential").bad("is not the name of a credential", "write what stands before the colon of LoadCredential= in the daemon's unit")
	}
	return Identity{Credential: name, File: m.get("file").absolute()}
}

func (f field) format() Format {
	s := Format(f.text())
	if s != "" && s != Dotenv && s != JSON {
		f.bad("is not a format", "write dotenv (NAME=value lines) or json (one flat object of strings)")
	}
	return s
}

// variables returns a list of names of variables, each once.
func (f field) variables() []string {
	if f.isEmptyList() {
		f.bad("is empty", "list the names of the variables, or take the key out")
	}
	var names []string
	for _, e := range f.list() {
		name := e.variable()
		if name != "" && slices.Contains(names, name) {
			e.bad("stands there twice", "keep one")
		}
		names = append(names, name)
	}
	return names
}

// same tells whether two sources read the same.
func (s EnvSource) same(o EnvSource) bool {
	return s.Kind() == o.Kind() && s.what() == o.what() && s.what() != "" && s.Kind() != EnvironmentSource
}

// what returns what a source reads.
func (s EnvSource) what() string {
	if s.Exec != nil {
		return strings.Join(s.Exec.Command, " ")
	}
	return s.Path()
}
