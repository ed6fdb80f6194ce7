package server

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/orchestrator"
	"github.com/capakraken/fairlead/internal/rollout"
)

// turns lets requests wait, and remembers how they were to.
type turns struct {
	accepting
	wait      orchestrator.Wait
	withdrawn string
}

func (a *turns) TriggerInTurn(_ context.Context, by journal.Actor, r orchestrator.Request, w orchestrator.Wait) (rollout.State, error) {
	a.wait = w
	return a.Trigger(context.Background(), by, r)
}

func (a *turns) Withdraw(_ context.Context, app, key string) error {
	a.withdrawn = app + " " + key
	return a.err
}

// TestPrefer asks in all the ways in which a client may prefer to wait, or not to.
func TestPrefer(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"": 0, "wait=0": 0, "wait=90": 90 * time.Second, "Wait = 90": 90 * time.Second, `wait="90"`: 90 * time.Second, "wait=90; q=1": 90 * time.Second,
		"respond-async, wait=1": time.Second, "wait=1, wait=2": time.Second, "return=minimal": 0, "waiting=5": 0, "wait=86400": 24 * time.Hour,
	} {
		a := &turns{}
		answer := ask(newServer(t, a), Operator, http.MethodPost, "/v1/apps/capakraken/rollouts", `{"kind":"rotate"}`, "Prefer", header)
		applied := ""
		if want > 0 {
			applied = "wait=" + jsonOf(t, int(want.Seconds()))
		}
		if answer.StatusCode != http.StatusAccepted || a.wait.Limit != want || answer.Header.Get("Preference-Applied") != applied {
			t.Errorf("%q: status %d, waits %s, applied %q", header, answer.StatusCode, a.wait.Limit, answer.Header.Get("Preference-Applied"))
		}
	}
	for _, header := range []string{"wait", "wait=", "wait=-1", "wait=1.5", "wait=86401", "wait=1h", "wait=99999999999"} {
		a := &turns{}
		p := problemOf(t, ask(newServer(t, a), Operator, http.MethodPost, "/v1/apps/capakraken/rollouts", `{"kind":"rotate"}`, "Prefer", header))
		if p.Kind != fault.Usage || !strings.Contains(p.Detail, "a number of seconds from 0 to 86400") || a.request.App != "" {
			t.Errorf("%q: %+v", header, p)
		}
	}
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestWaitingSince sends since when a request has waited.
func TestWaitingSince(t *testing.T) {
	a := &turns{}
	post := func(since string) *http.Response {
		return ask(newServer(t, a), Operator, http.MethodPost, "/v1/apps/capakraken/rollouts", `{"kind":"rotate"}`, "Prefer", "wait=9", api.SinceHeader, since)
	}
	post("2026-03-30T12:00:00.123456789Z")
	if want := time.Date(2026, 3, 30, 12, 0, 0, 123456789, time.UTC); !a.wait.Since.Equal(want) {
		t.Errorf("since %s", a.wait.Since)
	}
	if p := problemOf(t, post("yesterday")); p.Kind != fault.Usage || !strings.Contains(p.Detail, api.SinceHeader) {
		t.Errorf("%+v", p)
	}
}

// TestBusyProblem says who holds the app, in words and in fields.
func TestBusyProblem(t *testing.T) {
	since := time.Date(2026, 3, 30, 12, 0, 0, 0, time.UTC)
	a := &turns{accepting: accepting{err: fault.Hide(&orchestrator.BusyError{App: "capakraken", Rollout: "01J", Holder: "bob (uid 1001)",
		Since: since, Age: 90 * time.Second, Reason: "CHG-7", Place: 3}, fault.Busy, "in vain")}}
	answer := ask(newServer(t, a), Operator, http.MethodPost, "/v1/apps/capakraken/rollouts", `{"kind":"rotate"}`, "Prefer", "wait=9")
	if answer.Header.Get("Preference-Applied") != "wait=9" || answer.Header.Get("Retry-After") != "" {
		t.Errorf("the header is %v", answer.Header)
	}
	p := problemOf(t, answer)
	if p.Status != http.StatusConflict || p.Rollout != "01J" || p.Holder != "bob (uid 1001)" || !p.Since.Equal(since) || p.Age != 90 || p.Reason != "CHG-7" || p.Position != 3 {
		t.Errorf("%+v", p)
	}
	text := jsonOf(t, p)
	for _, field := range []string{`"holder":"bob (uid 1001)"`, `"since":"2026-03-30T12:00:00Z"`, `"age_seconds":90`, `"reason":"CHG-7"`, `"position":3`} {
		if !strings.Contains(text, field) {
			t.Errorf("%s lacks %s", text, field)
		}
	}
}

// TestStoppingProblem tells a daemon that stops, whose next life can be waited for, from one that fails.
func TestStoppingProblem(t *testing.T) {
	for err, want := range map[error]string{
		fault.Hide(orchestrator.ErrStopping, fault.Unavailable, "the daemon stops"): "1",
		fault.New(fault.Unavailable, "the disk is full"):                            "",
	} {
		answer := ask(newServer(t, &turns{accepting: accepting{err: err}}), Operator, http.MethodPost, "/v1/apps/capakraken/rollouts", `{"kind":"rotate"}`, "Prefer", "wait=9")
		if got := answer.Header.Get("Retry-After"); got != want {
			t.Errorf("%v: Retry-After %q", err, got)
		}
		if p := problemOf(t, answer); (p.RetryAfter == 1) != (want == "1") {
			t.Errorf("%+v", p)
		}
	}
}

func TestWithdraw(t *testing.T) {
	a := &turns{}
	s := newServer(t, a)
	if answer := ask(s, Operator, http.MethodDelete, "/v1/apps/capakraken/waiters/k%2F1", ""); answer.StatusCode != http.StatusNoContent || a.withdrawn != "capakraken k/1" {
		t.Errorf("status %d, withdrawn %q", answer.StatusCode, a.withdrawn)
	}
	a.err = fault.Hide(&orchestrator.BusyError{Rollout: "01J"}, fault.Conflict, "its turn has come")
	if p := problemOf(t, ask(s, Operator, http.MethodDelete, "/v1/apps/capakraken/waiters/k", "")); p.Kind != fault.Conflict || p.Rollout != "01J" {
		t.Errorf("%+v", p)
	}
	if p := problemOf(t, ask(s, Operator, http.MethodDelete, "/v1/apps/capakraken/waiters/"+strings.Repeat("k", maxKey+1), "")); p.Kind != fault.Usage {
		t.Errorf("%+v", p)
	}
}
