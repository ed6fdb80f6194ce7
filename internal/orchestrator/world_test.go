package orchestrator

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/parity"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// The app of these tests, and one that is only there to be left alone.
const (
	capakraken = "capakraken"
	other      = "other"
)

var services = []string{"web", "worker"}

// call is one call of an action, as a test's own function sees it.
type call struct {
	ctx      context.Context
	state    rollout.State
	action   rollout.Action
	progress func(rollout.Progress)
}

// world stands for the steps and for the host behind them. It outlives daemons.
type world struct {
	// on is asked before an action is done; an error makes it fail. The keys are "verify", "replace web", ….
	on map[string]func(call) error
	// found changes what an action found.
	found func(rollout.Action, *rollout.Evidence) *rollout.Evidence
	// prestarts has the rollouts begin with a one-off container.
	prestarts bool
	// hooks are those of the app.
	hooks []rollout.Hook
	// begin refuses requests.
	begin func(rollout.Request) error
	// seen is called with each action before it is done.
	seen func(rollout.State, rollout.Action)
	// shows, where set, is what the host shows in place of the live containers.
	shows func() []workload.Container
	// looks, where set, is called with each look at the host.
	looks func(context.Context) error
	// blind tells that the host cannot be looked at.
	blind error

	mu      sync.Mutex
	did     []string
	live    map[string]string // the live container of each service
	retired map[string]bool
	residue bool
	// unchanged and refused answer whether the environment is the one that runs.
	unchanged bool
	env       secret.Fingerprint
	manual    bool     // nothing is cleared with a deploy; set before it is configured
	more      []string // apps; set before they are configured
	refused   error
}

func newWorld() *world {
	w := &world{on: map[string]func(call) error{}, live: map[string]string{}, retired: map[string]bool{}, residue: true}
	for _, s := range services {
		w.live[s] = "old-" + s
	}
	return w
}

// meanwhile changes how the host looks, while somebody may be looking.
func (w *world) meanwhile(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// picture is the host at one moment.
type picture struct {
	Live    map[string]string
	Retired map[string]bool
	Residue bool
}

func (w *world) picture() picture {
	w.mu.Lock()
	defer w.mu.Unlock()
	return picture{maps.Clone(w.live), maps.Clone(w.retired), w.residue}
}

// done returns the actions that were done, in order, those that were done again only once.
func (w *world) done() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(slices.Compact(slices.Clone(w.did)), ", ")
}

// Unchanged is what the test has set.
func (w *world) Unchanged(context.Context, string) (bool, secret.Fingerprint, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.unchanged, w.env, w.refused
}

// Apps returns the configured apps.
func (w *world) Apps() []string { return append([]string{capakraken, other}, w.more...) }

// Begin accepts what is configured.
func (w *world) Begin(app string, kind rollout.Kind, image string) (rollout.Request, error) {
	r := rollout.Request{App: app, Kind: kind, Services: services, Clears: !w.manual,
		Limits: rollout.Limits{Validate: time.Minute, Pull: time.Minute, Restart: time.Minute, Verify: time.Minute, Clear: time.Minute, Revert: time.Minute}}
	if kind != rollout.Cleanup {
		r.Images = &rollout.Images{Keep: 2}
	}
	if w.prestarts {
		r.PreStart = &rollout.PreStart{Service: "web", Command: []string{"migrate"}, Timeout: time.Minute}
	}
	r.Hooks = w.hooks
	if image != "" {
		r.Image = workload.Image{Repository: "registry.example.com/app", Tag: image}
	}
	switch {
	case !slices.Contains(w.Apps(), app):
		return r, fault.New(fault.NotFound, "no app %q is configured", app)
	case kind.Steps() == nil:
		return r, fault.New(fault.Usage, "unknown kind of rollout %q", kind)
	case w.begin != nil:
		return r, w.begin(r)
	}
	return r, nil
}

// Do does an action as the steps would, looking first.
func (w *world) Do(ctx context.Context, s rollout.State, a rollout.Action, progress func(rollout.Progress)) (*rollout.Evidence, error) {
	if w.seen != nil {
		w.seen(s, a)
	}
	name := strings.TrimSpace(string(a.Verb) + " " + a.Service)
	w.mu.Lock()
	w.did = append(w.did, name)
	w.mu.Unlock()
	if act := w.on[name]; act != nil {
		if err := act(call{ctx, s, a, progress}); err != nil && a.Verb == rollout.DoHook {
			return &rollout.Evidence{Hooked: &rollout.Hooked{Log: "its last words"}}, err
		} else if err != nil {
			return nil, err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	ev, err := w.change(s, a)
	if err == nil && w.found != nil {
		ev = w.found(a, ev)
	}
	return ev, err
}

func (w *world) change(s rollout.State, a rollout.Action) (*rollout.Evidence, error) {
	switch a.Verb {
	case rollout.DoValidate:
		return &rollout.Evidence{Validated: w.validated()}, nil
	case rollout.DoPull:
		return &rollout.Evidence{Pulled: &rollout.Pulled{Image: workload.Image{Repository: "registry.example.com/app", Digest: "sha256:22"}}}, nil
	case rollout.DoPrepare:
		return &rollout.Evidence{Prepared: &rollout.Prepared{Service: "web", ID: "pre"}}, nil
	case rollout.DoPreStart:
		return &rollout.Evidence{PreStarted: &rollout.PreStarted{ID: "pre"}}, nil
	case rollout.DoDiscard:
		return &rollout.Evidence{Discarded: &rollout.Discarded{ID: "pre"}}, nil
	case rollout.DoReplace:
		w.live[a.Service] = "new-" + a.Service
		return &rollout.Evidence{Replaced: &workload.Replaced{Service: a.Service, NewID: "new-" + a.Service, OldID: "old-" + a.Service}}, nil
	case rollout.DoVerify:
		return &rollout.Evidence{Verified: &rollout.Verified{Attempts: 1}}, nil
	case rollout.DoRetire:
		if w.live[a.Service] != "new-"+a.Service {
			return nil, fault.New(fault.Internal, "the last container of %s was to be removed", a.Service)
		}
		w.retired[a.Service] = true
	case rollout.DoKeep:
		return &rollout.Evidence{Kept: &rollout.Kept{}}, nil
	case rollout.DoClear:
		w.residue = false
		return &rollout.Evidence{Cleared: &rollout.Cleared{Residue: []secret.Residue{{Secret: "smtp", Verdict: secret.Same, Cleared: true}}}}, nil
	case rollout.DoRestore:
		if w.retired[a.Service] {
			return nil, fault.New(fault.Halted, "the old container of %s is gone", a.Service)
		}
		w.live[a.Service] = "old-" + a.Service
		return &rollout.Evidence{Restored: &rollout.Restored{Service: a.Service, Baseline: "running"}}, nil
	case rollout.DoHook:
		return &rollout.Evidence{Hooked: &rollout.Hooked{}}, nil
	case rollout.DoPromote, rollout.DoHold, rollout.DoEnd, rollout.DoExpire, rollout.Nothing:
	}
	return nil, nil
}

// validated returns what validate finds: the baseline is always the old containers, as it was when the rollout began.
func (w *world) validated() *rollout.Validated {
	v := &rollout.Validated{HasLegacy: true, Definitions: "de", Env: "ee", Image: workload.Image{Digest: "sha256:11"},
		Secrets: []rollout.SecretFact{{Name: "smtp", Env: "SMTP_PASSWORD", Gated: true, Fingerprint: "f1"}},
		Residue: []secret.Residue{{Secret: "smtp", Verdict: secret.Same}}}
	for _, s := range services {
		v.Baseline = append(v.Baseline, rollout.Baseline{Service: s, Container: &workload.Container{ID: "old-" + s, Service: s, Ours: true, Status: workload.Running}})
	}
	return v
}

// Observe returns the live containers.
func (w *world) Observe(ctx context.Context, app string) (rollout.App, []workload.Container, error) {
	if !slices.Contains(w.Apps(), app) {
		return rollout.App{}, nil, fault.New(fault.NotFound, "no app %q is configured", app)
	}
	a := rollout.App{Name: app, Environment: "test", Services: services}
	w.mu.Lock()
	looks, blind, shows := w.looks, w.blind, w.shows
	w.mu.Unlock()
	if looks != nil {
		if err := looks(ctx); err != nil {
			return a, nil, err
		}
	}
	if blind != nil {
		return a, nil, blind
	}
	if shows != nil && app == capakraken {
		return a, shows(), nil
	}
	var found []workload.Container
	for _, s := range services {
		if id := w.picture().Live[s]; id != "" {
			found = append(found, workload.Container{ID: id, Name: id, Service: s, Ours: true, Status: workload.Running})
		}
	}
	return a, found, nil
}

// Secrets returns one secret, whose value is the present one.
func (w *world) Secrets(_ context.Context, app string) (rollout.SecretReport, map[string]secret.Fingerprint, error) {
	return rollout.SecretReport{App: app, Secrets: []rollout.SecretStatus{{Name: "smtp", Env: "SMTP_PASSWORD"}}},
		map[string]secret.Fingerprint{"smtp": "f1"}, nil
}

// Provisioning returns what a report has without the journal.
func (w *world) Provisioning(context.Context, string) (parity.Report, error) {
	return parity.Report{Format: parity.Format, App: "capakraken"}, nil
}

// Residue returns what is left.
func (w *world) Residue(context.Context, string) (rollout.ResidueReport, error) {
	return rollout.ResidueReport{}, nil
}
