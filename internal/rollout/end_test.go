package rollout

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

// What the operator is told at the end, and the kind of failure that the command exits with.
func TestEnds(t *testing.T) {
	deploy := scene{kind: Deploy, services: both, legacy: true, clears: true}
	manual := scene{kind: Deploy, services: both, legacy: true}
	cleanup := scene{kind: Cleanup, services: both, legacy: true, clears: true}
	for name, c := range map[string]struct {
		scene
		on       map[string]string
		kind     fault.Kind
		failure  string // the beginning of the failure's text
		warnings []string
	}{
		"a deploy":            {scene: deploy},
		"its clear is manual": {scene: manual, warnings: []string{"legacy values remain in the database (primary-ai), since this app's clear is manual: run 'fairlead cleanup capakraken'"}},
		"its clear fails":     {scene: deploy, on: map[string]string{"clear": fails}, warnings: []string{"the clear failed, so legacy values may be left (see 'fairlead residue capakraken'): clear failed"}},
		"its retire fails":    {scene: deploy, on: map[string]string{"retire web": fails}, warnings: []string{"web: the old container is still there, with its old secrets: retire web failed"}},
		"a rotation":          {scene: scene{kind: Rotate, services: both}},
		"a cleanup":           {scene: cleanup},
		"a cleanup's clear fails": {scene: cleanup, on: map[string]string{"clear": fails}, kind: fault.Difference,
			warnings: []string{"the clear failed, so legacy values may be left (see 'fairlead residue capakraken'): clear failed"}},
		"refused":                  {scene: deploy, on: map[string]string{"validate": fails}, kind: fault.Refused, failure: "validate failed"},
		"rolled back":              {scene: deploy, on: map[string]string{"verify": fails}, kind: fault.RolledBack, failure: "verify failed"},
		"rolled back for a cancel": {scene: deploy, on: map[string]string{"verify": cancelled}, kind: fault.RolledBack, failure: "cancelled by anna"},
		"halted":                   {scene: deploy, on: map[string]string{"verify": fails, "hold": fails}, kind: fault.Halted, failure: "hold failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, c.scene)
			r.play(c.on)
			if r.state.Fault() != c.kind {
				t.Errorf("it is reported as %q, not %q", r.state.Fault(), c.kind)
			}
			if diff := cmp.Diff(c.warnings, r.state.Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			end := r.events[len(r.events)-1]
			switch {
			case c.failure == "" && end.Failure != nil:
				t.Errorf("the end tells a failure: %s", end.Failure.Text())
			case c.failure != "" && (end.Failure == nil || end.Failure.Message != c.failure):
				t.Errorf("the end does not tell %q: %+v", c.failure, end.Failure)
			}
		})
	}
}

// A halted rollout keeps both: what turned it back, and what it is stuck on.
func TestHaltedKeepsTheFirstFailure(t *testing.T) {
	r := start(t, scene{kind: Deploy, services: both})
	r.play(map[string]string{"verify": fails, "restore web": fails})
	if s := r.state; s.Failure.Message != "verify failed" || s.Stuck.Message != "restore web failed" {
		t.Errorf("failure %q, stuck %q", s.Failure.Message, s.Stuck.Message)
	}
}

// A cleanup that keeps a differing value has found a difference, and says in which column and why.
func TestKeptResidue(t *testing.T) {
	r := until(t, scene{kind: Cleanup, services: both, legacy: true, clears: true}, "clear")
	a := r.begin()
	r.apply(Event{Type: Done, Action: &a, Evidence: &Evidence{Cleared: &Cleared{Residue: []secret.Residue{
		{Secret: "primary-ai", Column: "azureOpenAiApiKey", Verdict: secret.Differs, Kept: "it is not the environment's value"},
		{Secret: "smtp", Column: "smtpPassword", Verdict: secret.Same, Cleared: true},
		{Secret: "gemini", Column: "geminiApiKey", Verdict: secret.Empty},
	}}}})
	r.play(nil)
	want := []string{`primary-ai: the legacy value in column "azureOpenAiApiKey" was kept: it is not the environment's value`}
	if diff := cmp.Diff(want, r.state.Warnings); diff != "" || r.state.Fault() != fault.Difference {
		t.Errorf("it is reported as %q with\n%s", r.state.Fault(), diff)
	}
}

func TestUnproved(t *testing.T) {
	from := func(service string, source secret.Source) Reported { return Reported{service, source, true} }
	for name, c := range map[string]struct {
		says []Reported
		want string // what the one fault contains; empty for none
	}{
		"environment":              {[]Reported{from("web", secret.Environment)}, ""},
		"environment, by both":     {[]Reported{from("web", secret.Environment), from("worker", secret.Environment)}, ""},
		"nobody names it":          {nil, "no service names the source of smtp"},
		"database":                 {[]Reported{from("web", secret.Database)}, `web takes smtp from "database"`},
		"one of two says database": {[]Reported{from("web", secret.Environment), from("worker", secret.Database)}, `worker takes smtp from "database"`},
		"none":                     {[]Reported{from("web", secret.None)}, `from "none"`},
		"another word for it":      {[]Reported{from("web", "Environment")}, `from "Environment"`},
		"no word":                  {[]Reported{from("web", "")}, `from ""`},
		"environment, but absent":  {[]Reported{{"web", secret.Environment, false}}, "is not there"},
	} {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(Unproved([]string{"smtp"}, map[string][]Reported{"smtp": c.says, "other": {from("web", secret.Database)}}), "; ")
			if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
				t.Errorf("unproved is %q", got)
			}
		})
	}
	if got := Unproved(nil, nil); got != nil {
		t.Errorf("without gated secrets, %v is unproved", got)
	}
}

func TestGated(t *testing.T) {
	v := Validated{Secrets: []SecretFact{{Name: "a", Gated: true}, {Name: "b"}, {Name: "c", Gated: true}}}
	if got := v.Gated(); !cmp.Equal(got, []string{"a", "c"}) {
		t.Errorf("gated are %v", got)
	}
}

// Of an error that is not ours nothing is stored, since its text may carry a secret.
func TestNewFailure(t *testing.T) {
	many := fault.Many(fault.Refused, "refused", []fault.Problem{{Where: "x:1", What: "A is missing"}, {Where: "x:2", What: "B is empty"}})
	for name, c := range map[string]struct {
		err  error
		want Failure
		text string
	}{
		"a fault":       {fault.New(fault.TimedOut, "too late"), Failure{Kind: fault.TimedOut, Message: "too late"}, "too late"},
		"many problems": {many, Failure{Kind: fault.Refused, Message: "refused", Problems: fault.ProblemsOf(many)}, many.Error()},
		"a hidden cause": {fault.Hide(errors("hunter22"), fault.Unavailable, "the database does not answer"),
			Failure{Kind: fault.Unavailable, Message: "the database does not answer"}, "the database does not answer"},
		"a stranger": {errors("hunter22"), Failure{Kind: fault.Internal, Message: fault.Text(errors(""))}, fault.Text(errors(""))},
	} {
		t.Run(name, func(t *testing.T) {
			got := NewFailure(c.err)
			if diff := cmp.Diff(&c.want, got); diff != "" || got.Text() != c.text {
				t.Errorf("text %q, (-want +got):\n%s", got.Text(), diff)
			}
		})
	}
}

// errors is an error with a text of its own.
type errors string

func (e errors) Error() string { return string(e) }
