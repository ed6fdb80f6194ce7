package server

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/orchestrator"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
)

func readAll(t *testing.T, answer *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// accepting takes every rollout, and remembers what it was asked.
type accepting struct {
	nothing
	by      journal.Actor
	request orchestrator.Request
	err     error
}

func (a *accepting) Trigger(_ context.Context, by journal.Actor, r orchestrator.Request) (rollout.State, error) {
	a.by, a.request = by, r
	return rollout.State{Request: rollout.Request{ID: "01K", App: r.App, Kind: r.Kind}, Phase: rollout.Forward}, a.err
}

func TestTrigger(t *testing.T) {
	a := &accepting{}
	answer := ask(newServer(t, a), Operator, http.MethodPost, "/v1/apps/capakraken/rollouts", `{"kind":"deploy","image":"2.0.0","force":true,"reason":"ADR 0001"}`,
		"Idempotency-Key", "k-1")
	if answer.StatusCode != http.StatusAccepted || answer.Header.Get("Location") != "/v1/rollouts/01K" {
		t.Errorf("status %d, Location %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	if body := readAll(t, answer); !strings.HasPrefix(body, `{"id":"01K","app":"capakraken","kind":"deploy","request":{`) {
		t.Errorf("body %s", body)
	}
	if want := (orchestrator.Request{App: "capakraken", Kind: rollout.Deploy, Image: "2.0.0", Force: true, Reason: "ADR 0001", IdempotencyKey: "k-1"}); a.request != want {
		t.Errorf("asked for %+v", a.request)
	}
	if want := (journal.Actor{UID: 1000, GID: 1000, PID: 1, User: "alice", Role: "operator"}); a.by != want {
		t.Errorf("in the name of %+v", a.by)
	}
}

// TestProblems maps every kind of failure to its answer.
func TestProblems(t *testing.T) {
	for _, c := range []struct {
		err     error
		status  int
		rollout string
		detail  string
	}{
		{fault.Hide(&orchestrator.BusyError{Rollout: "01J"}, fault.Busy, "held by 01J"), 409, "01J", "held by 01J"},
		{fault.Hide(&orchestrator.BusyError{Lock: &rollout.Lock{Rollout: "01H"}}, fault.Busy, "locked"), 409, "01H", "locked"},
		{fault.New(fault.Conflict, "another request"), 409, "", "another request"},
		{fault.New(fault.Refused, "no"), 422, "", "no"},
		{fault.New(fault.Unavailable, "no disk"), 503, "", "no disk"},
		{io.ErrUnexpectedEOF, 500, "", "internal error (its text is withheld, since it could carry a secret)"},
	} {
		p := problemOf(t, ask(newServer(t, &accepting{err: c.err}), Operator, http.MethodPost, "/v1/apps/capakraken/rollouts", `{"kind":"rotate"}`))
		if p.Status != c.status || p.Rollout != c.rollout || p.Detail != c.detail || p.Kind != fault.KindOf(c.err) || p.Instance != "/v1/apps/capakraken/rollouts" {
			t.Errorf("%v: %+v", c.err, p)
		}
	}
	many := fault.Many(fault.Refused, "the environment cannot be used", []fault.Problem{{Where: "f:1", What: "A is empty"}, {Where: "f:2", What: "B is empty"}})
	if p := problemOf(t, ask(newServer(t, &accepting{err: many}), Operator, http.MethodPost, "/v1/apps/capakraken/rollouts", `{"kind":"rotate"}`)); len(p.Problems) != 2 || p.Detail != "the environment cannot be used" {
		t.Errorf("several faults: %+v", p)
	}
}

// panicking has a bug whose text must not be told.
type panicking struct{ nothing }

func (panicking) Apps(context.Context) []rollout.App { panic("hunter2-hunter2") }

func TestPanic(t *testing.T) {
	p := problemOf(t, ask(newServer(t, panicking{}), Viewer, http.MethodGet, "/v1/apps", ""))
	if p.Status != http.StatusInternalServerError || strings.Contains(p.Detail, "hunter2") {
		t.Errorf("%+v", p)
	}
}

// guarded has a lock that only an admin may take away.
type guarded struct {
	nothing
	lock     *rollout.Lock
	unlocked bool
}

func (g *guarded) App(context.Context, string) (rollout.App, error) {
	return rollout.App{Name: "capakraken", Lock: g.lock}, nil
}
func (g *guarded) Unlock(context.Context, journal.Actor, string, string) (rollout.Unlocked, error) {
	g.unlocked = true
	return rollout.Unlocked{App: "capakraken", Observed: &rollout.Observed{Doubts: []string{"service web does not run"}}}, nil
}

// What fairlead has locked itself, only an admin gives free. The answer says what is current now.
func TestUnlockGuarded(t *testing.T) {
	for _, lock := range []*rollout.Lock{{Rollout: "01K"}, {Lost: true}, {Lost: true, Before: &rollout.Lock{Holder: "anna"}}} {
		g := &guarded{lock: lock}
		s := newServer(t, g)
		if p := problemOf(t, ask(s, Operator, http.MethodDelete, "/v1/apps/capakraken/lock", `{"reason":"looked"}`)); p.Kind != fault.Forbidden || g.unlocked {
			t.Errorf("by an operator: %+v", p)
		}
		answer := ask(s, Admin, http.MethodDelete, "/v1/apps/capakraken/lock", `{"reason":"looked"}`)
		var told rollout.Unlocked
		if err := json.NewDecoder(answer.Body).Decode(&told); err != nil || answer.StatusCode != http.StatusOK || !g.unlocked || told.Observed == nil || len(told.Observed.Doubts) != 1 {
			t.Errorf("by an admin: status %d, %+v, %v", answer.StatusCode, told, err)
		}
	}
	g := &guarded{lock: &rollout.Lock{Holder: "anna"}}
	if answer := ask(newServer(t, g), Operator, http.MethodDelete, "/v1/apps/capakraken/lock", `{"reason":"looked"}`); answer.StatusCode != http.StatusOK || !g.unlocked {
		t.Errorf("a plain lock, by an operator: status %d", answer.StatusCode)
	}
}

// written has a journal of ten records, of which some are another app's.
type written struct {
	nothing
	damaged uint64 // the first record that cannot be read
}

func (w written) Audit(from uint64) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		for seq := from; seq <= 10; seq++ {
			if seq == w.damaged {
				yield(journal.Record{}, fault.New(fault.Difference, "the journal is damaged"))
				return
			}
			r := recorded(seq, "daemon.started", `{"n":1}`).Record
			r.Time = r.Time.Add(time.Duration(seq) * time.Minute)
			if seq%2 == 0 {
				r.App = "other"
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

func TestAudit(t *testing.T) {
	s := newServer(t, written{})
	for query, seqs := range map[string][]uint64{
		"":                             {1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
		"?limit=3":                     {8, 9, 10},
		"?limit=10":                    {1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
		"?from=4&limit=3":              {4, 5, 6},
		"?from=9":                      {9, 10},
		"?app=other&limit=2":           {8, 10},
		"?app=other&from=5":            {6, 8, 10},
		"?since=2026-03-30T12:09:00Z":  {9, 10},
		"?rollout=01K&limit=1":         {10},
		"?rollout=nothing":             {},
		"?app=nothing&limit=5&from=11": {},
	} {
		answer := ask(s, Viewer, http.MethodGet, "/v1/audit"+query, "")
		want := ""
		for r := range (written{}).Audit(1) {
			for _, seq := range seqs {
				if r.Seq == seq {
					line, err := r.Line()
					if err != nil {
						t.Fatal(err)
					}
					want += string(line)
				}
			}
		}
		if got := readAll(t, answer); got != want || answer.Header.Get("Content-Type") != "application/jsonl" {
			t.Errorf("%q: %s\n%s", query, answer.Header.Get("Content-Type"), got)
		}
	}
	for _, query := range []string{"?limit=10001", "?since=yesterday", "?from=-1", "?until=2"} {
		if p := problemOf(t, ask(s, Viewer, http.MethodGet, "/v1/audit"+query, "")); p.Status != http.StatusBadRequest {
			t.Errorf("%q: %+v", query, p)
		}
	}
}

// TestAuditDamaged reads a damaged journal: a problem where nothing was written yet, and else an answer that breaks off.
func TestAuditDamaged(t *testing.T) {
	s := newServer(t, written{damaged: 5})
	for _, query := range []string{"?from=5", "?limit=3"} {
		if p := problemOf(t, ask(s, Viewer, http.MethodGet, "/v1/audit"+query, "")); p.Kind != fault.Difference {
			t.Errorf("%q: %+v", query, p)
		}
	}
	defer func() {
		if p := recover(); p != http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
			t.Errorf("the answer was not broken off: %v", p)
		}
	}()
	ask(s, Viewer, http.MethodGet, "/v1/audit", "")
}

// counted has one rollout that runs.
type counted struct{ nothing }

func (counted) Rollouts(string, int) []rollout.State {
	return []rollout.State{{Phase: rollout.Forward}, {Phase: rollout.Over}}
}
func (counted) Refusing() string { return "the disk is full" }

func TestMetrics(t *testing.T) {
	s := newServer(t, counted{})
	s.Observe(rollout.State{
		Request: rollout.Request{App: "capakraken", Kind: rollout.Deploy}, Phase: rollout.Over, Outcome: rollout.Succeeded,
		Begun: time.Unix(0, 0), Ended: time.Unix(3, 0),
		Validated: &rollout.Validated{HasLegacy: true, Residue: []secret.Residue{{Secret: "a", Verdict: secret.Same}, {Secret: "b", Verdict: secret.Empty}}},
	})
	answer := ask(s, Viewer, http.MethodGet, "/metrics", "")
	body := readAll(t, answer)
	for _, line := range []string{
		`fairlead_rollouts_total{app="capakraken",kind="deploy",outcome="succeeded"} 1`,
		`fairlead_rollout_duration_seconds_sum{app="capakraken",kind="deploy"} 3`,
		`fairlead_residue{app="capakraken"} 1`,
		`fairlead_rollouts_active 1`,
		`fairlead_refusing 1`,
		`fairlead_build_info{instance="",version="1.2.3"} 1`,
	} {
		if !strings.Contains(body, line+"\n") {
			t.Errorf("the metrics lack %s", line)
		}
	}
	if !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("Content-Type %s", answer.Header.Get("Content-Type"))
	}
}
