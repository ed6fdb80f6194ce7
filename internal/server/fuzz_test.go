package server

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/orchestrator"
)

// understood fails unless the answer is one of these, or a refusal as wrong usage that is a problem and has an end. A
// failure of ours is never one.
func understood(t *testing.T, answer *http.Response, good ...int) {
	t.Helper()
	switch code := answer.StatusCode; {
	case slices.Contains(good, code):
	case code == http.StatusBadRequest || code == http.StatusRequestEntityTooLarge || code == http.StatusUnsupportedMediaType:
		if p := problemOf(t, answer); p.Detail == "" || len(p.Detail) > 64<<10 {
			t.Errorf("status %d says %d bytes", code, len(p.Detail))
		}
	default:
		t.Errorf("status %d: %.500s", code, readAll(t, answer))
	}
}

// FuzzReason sends bodies of all sorts where a reason belongs. What is taken is one line of plain text.
func FuzzReason(f *testing.F) {
	for _, seed := range []string{`{"reason":"why"}`, `{"reason":"` + strings.Repeat("x", maxReason+1) + `"}`, `{"reason":"a\u001b[2J"}`, `{"reason":null}`, `{}`, `{"reason":"a"}{}`, "\x00"} {
		f.Add(seed, "application/json")
	}
	f.Add(`{"reason":"why"}`, "application/json; charset=\"")
	f.Fuzz(func(t *testing.T, body, media string) {
		s := newServer(t, &accepting{})
		for _, to := range []struct{ method, path string }{
			{http.MethodPost, "/v1/rollouts/01K/cancel"}, {http.MethodPut, "/v1/apps/capakraken/lock"}, {http.MethodDelete, "/v1/apps/capakraken/lock"},
		} {
			understood(t, ask(s, Admin, to.method, to.path, body, "Content-Type", media), http.StatusOK, http.StatusAccepted, http.StatusNoContent, http.StatusNotFound)
		}
	})
}

// FuzzParameters sends queries of all sorts to everything that takes one.
func FuzzParameters(f *testing.F) {
	for _, seed := range []string{"", "app=capakraken&limit=20", "limit=-1", "limit=18446744073709551616", "from=1&since=2026-03-30T12:00:00Z", "from=1&from=2", "since=now",
		"%", "a;b", "limit=1e3", "rollout=%00", "app=%ff&=", "&&&"} {
		f.Add(seed)
	}
	s := newServer(f, &accepting{})
	f.Fuzz(func(t *testing.T, query string) {
		for _, r := range query {
			if r <= ' ' || r == '#' || r >= 0x7f {
				query = url.QueryEscape(query) // net/http would not let it come this far
				break
			}
		}
		for _, path := range []string{"/v1/rollouts", "/v1/audit"} {
			understood(t, ask(s, Viewer, http.MethodGet, path+"?"+query, ""), http.StatusOK)
		}
	})
}

// FuzzHeaders sends a trigger and a follower with headers of all sorts. A key that is taken is one line of plain text, and a
// wait is no longer than the longest.
func FuzzHeaders(f *testing.F) {
	for _, seed := range []string{"", "k-1", "18446744073709551615", "-1", "wait=60", "respond-async, wait=\"3\"; x", "wait=99999999999", "2026-03-30T12:00:00Z", "\u202e", "a\tb", strings.Repeat("k", maxKey+1)} {
		f.Add(seed, seed, seed)
	}
	f.Fuzz(func(t *testing.T, key, prefer, since string) {
		a := &accepting{}
		s := newServer(t, a)
		understood(t, ask(s, Operator, http.MethodPost, "/v1/apps/capakraken/rollouts", `{"kind":"rotate"}`, "Idempotency-Key", key), http.StatusAccepted)
		if k := a.request.IdempotencyKey; len(k) > maxKey || strings.ContainsFunc(k, unprintable) {
			t.Errorf("the key %q was taken", k)
		}
		understood(t, ask(s, Viewer, http.MethodGet, "/v1/rollouts/01K/events", "", "Last-Event-ID", key), http.StatusOK, http.StatusNotFound)
		if wait, err := preferredWait(http.Header{"Prefer": {prefer, key}}); err == nil && (wait < 0 || wait > orchestrator.LongestWait) {
			t.Errorf("a wait of %s was taken", wait)
		}
		if at, err := waitingSince(http.Header{"Fairlead-Waiting-Since": {since}}); err != nil && !at.IsZero() {
			t.Errorf("a refused time of %s was taken", at)
		}
	})
}

// FuzzPath asks for paths of all sorts with methods of all sorts: nothing but a route is ever answered as one.
func FuzzPath(f *testing.F) {
	for _, r := range (&Server{}).routes() {
		f.Add(r.method, r.path)
	}
	f.Add("GET", "/v1/apps/../health")
	f.Add("BREW", "/v1/rollouts/%2e%2e%2f")
	f.Fuzz(func(t *testing.T, method, path string) {
		u, err := url.ParseRequestURI("http://fairlead/" + strings.TrimPrefix(path, "/"))
		if err != nil || !token(method) || u.Host != "fairlead" {
			return // net/http answers these by itself
		}
		w := httptest.NewRecorder()
		r := (&http.Request{Method: method, URL: u, Host: "fairlead", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody}).WithContext(as(NoRole))
		newServer(t, &accepting{}).ServeHTTP(&connected{w}, r)
		switch w.Code {
		case http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusBadRequest:
		default:
			t.Errorf("%s %q: status %d for one without a role", method, path, w.Code)
		}
	})
}

// token tells whether net/http takes text for a method.
func token(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') })
}
