// Package steps carries out the actions of a rollout, one file a step: validate, pull, restart, verify, clear, and
// revert. Every action looks at the host before it does anything and counts "already done" as success, so after any
// death it is simply called again. What an action needs of the outside is declared here as small interfaces, which
// speak of releases and containers and not of one runtime's calls.
package steps

import (
	"context"
	"time"

	"github.com/capakraken/fairlead/internal/compose"
	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/envfile"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/parity"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// Runtime puts a service's container in the place of another and takes it back. Every method looks first and may be
// called again after a death in its middle.
type Runtime interface {
	// Observe returns every container of the app, in any state, and those that are to be taken over by their name.
	Observe(ctx context.Context, k workload.Key, services []workload.Service) ([]workload.Container, error)
	// Compare says how the container that is asked for will differ from the one that it replaces. It changes nothing.
	Compare(ctx context.Context, r workload.Replacement) (workload.Comparison, error)
	// Replace makes and starts the rollout's container of one service. The old one is stopped before, and kept.
	Replace(ctx context.Context, r workload.Replacement) (workload.Replaced, error)
	// Prepare makes the rollout's one-off container, never started, and returns its id.
	Prepare(ctx context.Context, r workload.Replacement) (string, error)
	// Launch starts the one-off container, unless it was ever started before.
	Launch(ctx context.Context, k workload.Key, id string) error
	// Discard stops and removes the rollout's one-off container. None is no fault.
	Discard(ctx context.Context, k workload.Key, rollout string) error
	// Promote gives the rollout's container its final name and its restart policy.
	Promote(ctx context.Context, k workload.Key, rollout string, s workload.Service) error
	// Retire removes the kept old container, never its volumes.
	Retire(ctx context.Context, k workload.Key, rollout string, old workload.Container) error
	// Restore removes the rollout's container of a service and puts the old one back as it was.
	Restore(ctx context.Context, k workload.Key, rollout, service string, old *workload.Container) error
}

// Containers looks at single containers.
type Containers interface {
	// Inspect returns the container; its absence is a NotFound fault.
	Inspect(ctx context.Context, id string) (workload.Container, error)
	// Environment returns the environment that the container was created with.
	Environment(ctx context.Context, id string) (secret.Env, error)
	// Written returns paths that the container has written to beside its mounts, at most so many.
	Written(ctx context.Context, id string, most int) ([]string, error)
	// Logs returns the last lines of its output, not redacted.
	Logs(ctx context.Context, id string, lines int) (string, error)
	// WaitExit returns when the container no longer runs, or with the error of ctx.
	WaitExit(ctx context.Context, id string) error
}

// Host answers for what surrounds the app's own containers.
type Host interface {
	// Check returns what would keep the services from being started: missing networks, taken names and ports.
	Check(ctx context.Context, k workload.Key, services []workload.Service) ([]fault.Problem, error)
	// Consumers returns the running containers outside the app that may read the same legacy values: those of the
	// image's repository and those of the Compose projects.
	Consumers(ctx context.Context, k workload.Key, repository string, projects []string) ([]workload.Container, error)
	// Free returns the bytes that are free for images, and false where that cannot be seen.
	Free(ctx context.Context) (uint64, bool)
}

// Images gets images onto the host.
type Images interface {
	// Resolve asks the registry what digest the image's tag means now. Its warnings say where the answer may be old.
	Resolve(ctx context.Context, i workload.Image) (resolved workload.Image, warnings []string, err error)
	// Find returns the image as it is on the host: by its digest, by the name that it is kept under, or by its id.
	Find(ctx context.Context, k workload.Key, i workload.Image) (workload.Image, bool, error)
	// Keep gives an image that is on the host a name of ours. It returns the name when it was missing, and else nothing.
	Keep(ctx context.Context, k workload.Key, i workload.Image) (string, error)
	// LetGo takes our name for the image away, and where it was fetched by us and nobody needs it, the image itself. It
	// returns the names that it removed, and why something had to stay that may go later.
	LetGo(ctx context.Context, k workload.Key, i workload.Image, fetched bool) (removed []string, left string, err error)
	// Kept returns the identities of the app's images as they stand in our names, and their bytes together.
	Kept(ctx context.Context, k workload.Key) ([]string, int64, error)
	// Pull fetches the image by digest unless it is there.
	Pull(ctx context.Context, i workload.Image, progress func(done, total int64)) (workload.Fetched, error)
}

// Prober takes one look at the status of one container.
type Prober interface {
	// Look returns what the service says of itself. A Refused fault is final; any other may pass.
	Look(ctx context.Context, l workload.Look) (workload.Answer, error)
}

// Legacy is where an app's legacy values are.
type Legacy struct {
	App        string // for the database's list of sessions
	DSN        secret.Value
	Origin     string // where the DSN was read
	Config     config.Legacy
	Secrets    []secret.Spec // those with a column
	Networks   []string      // of the app's containers, where the host name may be known
	ExtraHosts []string
	Identity   secret.Identity // what the database was found to be before
}

// Database looks for residue and clears it.
type Database interface {
	// Inspect compares each legacy value with the expected one, by the secret's name. A table or a row that is not there
	// is a NotFound fault.
	Inspect(ctx context.Context, l Legacy, expected map[string]secret.Value) ([]secret.Residue, error)
	// Survey tells what the database is, and what may keep copies of a value that is cleared there.
	Survey(ctx context.Context, l Legacy) (secret.Survey, error)
	// Analyze has the database forget what its statistics hold of cleared values.
	Analyze(ctx context.Context, l Legacy) error
	// Stored returns the legacy values that are not empty, so that they can be kept out of a text. A table or a row that
	// is not there is a NotFound fault.
	Stored(ctx context.Context, l Legacy) (secret.Env, error)
	// Clear clears, in one transaction, what equals the expected value. With the row locked and before the first
	// write it asks proceed. It tells what it saw on a second connection after the commit.
	Clear(ctx context.Context, l Legacy, expected map[string]secret.Value, proceed func() error) ([]secret.Residue, error)
}

// Sources reads the env sources that are no plain env files.
type Sources interface {
	// Read reads one source of an app once. Its error is as that of envfile.Read: beside it there may be what could be read.
	// A source that only another process can read is an *envfile.Unseen.
	Read(ctx context.Context, app string, source config.EnvSource) (envfile.File, error)
}

// Define resolves an app's service definitions, as compose.Load does.
type Define func(context.Context, compose.Input, secret.Env) ([]compose.Service, compose.Findings)

// Hooks runs commands of this host.
type Hooks interface {
	// Check returns what keeps a program from being run: that it is not there, or that somebody else may have written it.
	// It runs nothing.
	Check(program string) []fault.Problem
	// Run runs a command to its end, with these variables, and returns the last of what it wrote, not redacted. What an
	// earlier call of the same name has left running is ended first. When ctx ends, so does the command.
	Run(ctx context.Context, call string, command, variables []string) (string, error)
}

// Engine tells what runs the containers.
type Engine interface {
	// Versions returns what the Engine says of itself.
	Versions(ctx context.Context) (parity.Engine, error)
}

// Options are what Steps is made of. All fields are required but Sources, Views, Engine and Define.
type Options struct {
	Instance   string
	Apps       map[string]config.App
	Key        secret.Key
	EnvPolicy  envfile.Policy
	Runtime    Runtime
	Containers Containers
	Host       Host
	Images     Images
	Prober     Prober
	Database   Database
	Hooks      Hooks
	Sources    Sources // nil where all sources are env files
	// Views, where set, takes the place of Sources for who only looks: a view, of which there may be many at a time, never
	// stands before a rollout at a source.
	Views  Sources
	Engine Engine // nil where it need not be told
	Define Define // nil for compose.Load
}

// Steps carries out actions for the configured apps. It holds no state of its own and is safe for concurrent use.
type Steps struct{ Options }

// looking returns the Steps for who only looks.
func (s *Steps) looking() *Steps {
	if s.Views == nil {
		return s
	}
	views := *s
	views.Sources = s.Views
	return &views
}

// New returns Steps, or an Internal fault when an option is missing. Service definitions that could not be honoured are
// refused here, all at once, and not at the first rollout.
func New(o Options) (*Steps, error) {
	if o.Instance == "" || o.Apps == nil || o.Runtime == nil || o.Containers == nil || o.Host == nil ||
		o.Images == nil || o.Prober == nil || o.Database == nil || o.Hooks == nil {
		return nil, fault.New(fault.Internal, "steps: an option is missing")
	}
	s := &Steps{Options: o}
	if s.Define == nil {
		s.Define = compose.Load
	}
	var problems []fault.Problem
	for _, name := range s.Apps() {
		app := o.Apps[name]
		if app.Compose != nil {
			continue // a Compose file changes on its own: a fault in it refuses a rollout, and never the daemon
		}
		problems = append(problems, compose.Check(context.Background(), definitions(app)).Problems...)
	}
	return s, fault.Many(fault.Refused, "the service definitions cannot be honoured", problems)
}

// job is one action on its way: all that a step's code may need.
type job struct {
	*Steps
	app      config.App
	key      workload.Key
	state    rollout.State
	action   rollout.Action
	progress func(rollout.Progress)
}

// Do carries out one action. What it returns is safe to store; its errors are faults, safe to show. Only of a hook there is
// evidence beside an error: its last words.
func (s *Steps) Do(ctx context.Context, st rollout.State, a rollout.Action, progress func(rollout.Progress)) (*rollout.Evidence, error) {
	app, err := s.app(st.Request.App)
	if err != nil {
		return nil, err
	}
	j := job{Steps: s, app: app, key: s.key(app), state: st, action: a, progress: progress}
	switch a.Verb {
	case rollout.DoValidate:
		return j.validate(ctx)
	case rollout.DoPull:
		return j.pull(ctx)
	case rollout.DoHook:
		return j.hook(ctx)
	case rollout.DoPrepare:
		return j.prepare(ctx)
	case rollout.DoPreStart:
		return j.preStart(ctx)
	case rollout.DoDiscard:
		return j.discard(ctx)
	case rollout.DoReplace:
		return j.replace(ctx)
	case rollout.DoVerify:
		return j.verify(ctx)
	case rollout.DoPromote:
		return j.promote(ctx)
	case rollout.DoRetire:
		return j.retire(ctx)
	case rollout.DoKeep:
		return j.keep(ctx)
	case rollout.DoClear:
		return j.clear(ctx)
	case rollout.DoRestore:
		return j.restore(ctx)
	case rollout.DoHold:
		return j.hold(ctx)
	case rollout.DoEnd, rollout.DoExpire, rollout.Nothing:
	}
	return nil, fault.New(fault.Internal, "no step does %q", a.Verb)
}

func (s *Steps) app(name string) (config.App, error) {
	app, ok := s.Options.Apps[name]
	if !ok {
		return config.App{}, fault.New(fault.NotFound, "no app %q is configured", name)
	}
	return app, nil
}

func (s *Steps) key(app config.App) workload.Key {
	return workload.Key{Instance: s.Instance, Environment: app.Environment, App: app.Name}
}

// say shows a passing sign of life.
func (j job) say(text string) {
	j.progress(rollout.Progress{Step: j.action.Step, Service: j.action.Service, Text: text})
}

// pause waits for d, and returns early with false when ctx ends.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
