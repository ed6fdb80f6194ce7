package rollout

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

var dawn = time.Date(2026, 3, 30, 6, 0, 0, 0, time.UTC)

// limits are longer than Grace, so that no action needs it.
var limits = Limits{Validate: time.Minute, Pull: 10 * time.Minute, Restart: 2 * time.Minute, Verify: 5 * time.Minute,
	Clear: time.Minute, Revert: 3 * time.Minute}

// scene is what a rollout is asked for, and what it finds.
type scene struct {
	kind     Kind
	services []string
	absent   bool // nothing runs before
	same     bool // the release to deploy runs already
	force    bool
	legacy   bool // there is a legacy database, with residue
	clears   bool
	prestart bool // a one-off container runs before the old ones stop
	hooks    bool // there is one on each side of each step
}

func (sc scene) request() Request {
	r := Request{ID: "01R", App: "capakraken", Kind: sc.kind, Services: sc.services, Force: sc.force, Clears: sc.clears,
		Requester: "anna", Reason: "a new release", Limits: limits, IdempotencyKey: "k"}
	if !sc.absent {
		r.Previous = &Previous{Release: workload.Release{ID: "elder", Image: image, Since: dawn.Add(-time.Hour)}, Services: definitions(sc.services)}
	}
	if sc.prestart {
		r.PreStart = &PreStart{Service: "web", Command: []string{"migrate"}, Timeout: 4 * time.Minute}
	}
	if sc.hooks {
		for _, step := range []Step{Validate, Pull, Restart, Verify, Clear} {
			for _, when := range []When{Before, After} {
				r.Hooks = append(r.Hooks, Hook{Step: step, When: when, Name: "backup", Timeout: time.Minute})
			}
		}
	}
	r.Images = &Images{Keep: 2, Known: []PastImage{{Image: elder}, {Image: eldest, Fetched: true}}}
	switch sc.kind {
	case Rollback:
		r.Image, r.To = image, "eldest"
	case Cleanup:
		r.Images = nil
	case Deploy:
		r.Image = workload.Image{Repository: "registry.example.com/app", Tag: "2.0.0"}
	}
	return r
}

// elder and eldest are what ran before.
var (
	elder  = workload.Image{Repository: "registry.example.com/app", Digest: "sha256:0e"}
	eldest = workload.Image{Repository: "registry.example.com/app", Digest: "sha256:1e"}
)

// image is the one that the tag stands for.
var image = workload.Image{Repository: "registry.example.com/app", Tag: "2.0.0", Digest: "sha256:0123456789abcdef", ID: "sha256:local"}

func residue() []secret.Residue {
	return []secret.Residue{{Secret: "primary-ai", Column: "azureOpenAiApiKey", Verdict: secret.Same}}
}

// definitions returns what the services' containers are made from.
func definitions(names []string) []workload.Service {
	var out []workload.Service
	for _, name := range names {
		grace := 10 * time.Second
		out = append(out, workload.Service{Name: name, Command: []string{"serve", "<&>"}, StopGracePeriod: &grace,
			Ports: []workload.Port{{HostPort: "3000", ContainerPort: 3000, Protocol: "tcp"}}, Restart: workload.RestartPolicy{Name: "always"}})
	}
	return out
}

func (sc scene) validated() *Validated {
	v := &Validated{Sources: []string{"/etc/capakraken/.env.production"}, Keys: []string{"AZURE_OPENAI_API_KEY"},
		Secrets:  []SecretFact{{Name: "primary-ai", Env: "AZURE_OPENAI_API_KEY", Provisioned: true, Gated: true, Fingerprint: "f00d", Origin: "x:1"}},
		Services: definitions(sc.services), Definitions: "de", Env: "ee", Image: image, HasLegacy: sc.legacy}
	if sc.legacy {
		v.Residue, v.Database = residue(), "db"
	}
	for _, name := range sc.services {
		b := Baseline{Service: name}
		if !sc.absent {
			b.Container = &workload.Container{ID: "old-" + name, Name: name, Service: name, Ours: true, Release: "elder", Image: image,
				Status: workload.Running, StartedAt: dawn.Add(-time.Hour)}
			b.Answered, b.Answer = true, workload.Answer{Healthy: true}
		}
		if sc.same {
			b.Container.Release = workload.ReleaseID(image.Digest, "de", "ee")
		}
		v.Baseline = append(v.Baseline, b)
	}
	return v
}

// evidence returns what action a finds and does in the scene.
func (sc scene) evidence(s State, a Action) *Evidence {
	switch a.Verb {
	case DoValidate:
		return &Evidence{Validated: sc.validated()}
	case DoPull:
		return &Evidence{Pulled: &Pulled{Image: image, Bytes: 6 << 20}}
	case DoHook:
		return &Evidence{Hooked: &Hooked{Ran: time.Second}}
	case DoPrepare:
		return &Evidence{Prepared: &Prepared{Service: "web", ID: "pre"}}
	case DoPreStart:
		return &Evidence{PreStarted: &PreStarted{ID: "pre", Ran: time.Minute, Log: "migrated"}}
	case DoDiscard:
		return &Evidence{Discarded: &Discarded{ID: "pre", Status: workload.Exited, ExitCode: 1, Log: "no"}}
	case DoReplace:
		r := &workload.Replaced{Service: a.Service, NewID: "new-" + a.Service, NewName: a.Service + "-01R"}
		if !sc.absent {
			r.OldID, r.OldName = "old-"+a.Service, a.Service+"-old"
		}
		return &Evidence{Replaced: r}
	case DoVerify:
		v := &Verified{Attempts: 3}
		for _, name := range sc.services {
			v.Proofs = append(v.Proofs, Proof{Service: name, Container: s.Subject(name), StartedAt: dawn, Answer: workload.Answer{Healthy: true}})
		}
		return &Evidence{Verified: v}
	case DoKeep:
		return &Evidence{Kept: &Kept{Named: []string{"kept"}, Removed: []string{"gone"}}}
	case DoClear:
		cleared := residue()
		cleared[0].Cleared = true
		return &Evidence{Cleared: &Cleared{Residue: cleared}}
	case DoRestore:
		return &Evidence{Restored: &Restored{Service: a.Service, Removed: "new-" + a.Service, ExitCode: 1, Log: "boom", Baseline: "running"}}
	case DoPromote, DoRetire, DoHold, DoEnd, DoExpire, Nothing:
	}
	return nil
}

// journalled returns e as it comes back from a journal.
func journalled(t testing.TB, e Event) Event {
	t.Helper()
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	back := Event{Type: e.Type, Time: e.Time}
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	return back
}

// run is one rollout under way, with all that has happened to it.
type run struct {
	testing.TB
	scene  scene
	state  State
	now    time.Time
	events []Event // as they were before they were journalled
	// seen, where set, is told of each event after it was folded in, and of the state before.
	seen func(State, Event)
}

func start(t testing.TB, sc scene) *run {
	t.Helper()
	r := &run{TB: t, scene: sc, now: dawn}
	request := sc.request()
	r.apply(Event{Type: Requested, Request: &request})
	return r
}

// apply folds e in as it would come back from the journal. A moment passes with it.
func (r *run) apply(e Event) {
	r.Helper()
	r.now = r.now.Add(time.Second)
	e.Time = r.now
	before := r.state
	next, err := Apply(before, journalled(r.TB, e))
	if err != nil {
		r.Fatalf("after %s: %v", strings.Join(names(r.events), ", "), err)
	}
	r.state, r.events = next, append(r.events, e)
	if r.seen != nil {
		r.seen(before, e)
	}
}

func (r *run) begin() Action {
	r.Helper()
	a := Next(r.state, r.now)
	r.apply(Event{Type: Begun, Action: &a})
	return a
}

func (r *run) done(a Action) {
	r.Helper()
	r.apply(Event{Type: Done, Action: &a, Evidence: r.scene.evidence(r.state, a)})
}

func (r *run) fail(a Action) {
	r.Helper()
	e := Event{Type: Failed, Action: &a, Failure: NewFailure(fault.New(fault.Refused, "%s", named(a)+" failed"))}
	if a.Verb == DoHook {
		e.Evidence = r.scene.evidence(r.state, a) // what it said before it failed
	}
	r.apply(e)
}

func (r *run) cancel() {
	r.Helper()
	r.apply(Event{Type: Cancelled, Reason: "cancelled by anna"})
}

// recordOnly records the end, or an expired deadline, and reports whether that was what came next.
func (r *run) recordOnly() bool {
	r.Helper()
	switch a := Next(r.state, r.now); a.Verb {
	case DoEnd:
		r.apply(r.state.End(a.Outcome, r.now))
	case DoExpire:
		r.apply(Event{Type: Failed, Action: &a, Failure: NewFailure(fault.New(fault.TimedOut, "too late"))})
	default:
		return false
	}
	return true
}

// named returns an action as the stories call it.
func named(a Action) string {
	switch a.Verb {
	case DoEnd:
		return "end " + string(a.Outcome)
	case DoExpire:
		return "expire " + string(a.Step)
	case DoHook:
		return fmt.Sprintf("hook %d", a.Hook)
	}
	return strings.TrimSpace(string(a.Verb) + " " + a.Service)
}

// names returns the actions that were begun, expired or ended, in order.
func names(events []Event) []string {
	var out []string
	for _, e := range events {
		switch {
		case e.Type == Begun, e.Type == Failed && e.Action.Verb == DoExpire:
			out = append(out, named(*e.Action))
		case e.Type == Ended:
			out = append(out, "end "+string(e.Outcome))
		}
	}
	return out
}
