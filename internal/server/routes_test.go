package server

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
)

// as returns a context of a connection of a peer with this role.
func as(r Role) context.Context {
	return context.WithValue(context.Background(), peerKey{}, func() peer {
		return peer{Role: r, Actor: journal.Actor{UID: 1000, GID: 1000, PID: 1, User: "alice", Role: r.String()}}
	})
}

func newServer(t testing.TB, r Rollouts) *Server {
	t.Helper()
	s, err := New(Options{Rollouts: r, Log: zap.NewNop(), Version: "1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ask sends one request without a socket.
func ask(s *Server, role Role, method, path, body string, header ...string) *http.Response {
	r := httptest.NewRequestWithContext(as(role), method, "http://fairlead"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(&connected{w}, r)
	return w.Result()
}

// connected is a recorder that takes deadlines, as a connection does.
type connected struct{ *httptest.ResponseRecorder }

func (connected) SetReadDeadline(time.Time) error { return nil }

func (connected) SetWriteDeadline(time.Time) error { return nil }

// problemOf returns the problem in an answer, which must be one.
func problemOf(t *testing.T, answer *http.Response) api.Problem {
	t.Helper()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var p api.Problem
	if answer.Header.Get("Content-Type") != "application/problem+json" || json.Unmarshal(body, &p) != nil {
		t.Fatalf("status %d is no problem: %s", answer.StatusCode, body)
	}
	if p.Status != answer.StatusCode || p.Type != "about:blank" || p.Title == "" || p.Detail == "" || p.Kind == "" {
		t.Fatalf("the problem is not complete: %s", body)
	}
	return p
}

// TestRoles asks for every route in every role. The rollouts know nothing, so whoever is let through is told so.
func TestRoles(t *testing.T) {
	wanted := map[string]Role{
		"GET /v1/health": Viewer, "GET /v1/apps": Viewer, "GET /v1/apps/{app}": Viewer, "GET /v1/apps/{app}/secrets": Viewer,
		"GET /v1/apps/{app}/residue": Operator, "GET /v1/apps/{app}/provisioning": Operator, "PUT /v1/apps/{app}/lock": Operator, "DELETE /v1/apps/{app}/lock": Operator,
		"POST /v1/apps/{app}/rollouts": Operator, "DELETE /v1/apps/{app}/waiters/{key}": Operator, "GET /v1/rollouts": Viewer, "GET /v1/rollouts/{id}": Viewer,
		"GET /v1/rollouts/{id}/events": Viewer, "POST /v1/rollouts/{id}/cancel": Operator, "GET /v1/audit": Viewer, "GET /metrics": Viewer,
	}
	s := newServer(t, &nothing{})
	for _, r := range s.routes() {
		least, ok := wanted[r.method+" "+r.path]
		if !ok {
			t.Errorf("%s %s is not in this test", r.method, r.path)
		}
		delete(wanted, r.method+" "+r.path)
		body := ""
		if r.method != http.MethodGet {
			body = `{"reason":"a test"}`
		}
		if strings.HasSuffix(r.path, "/rollouts") && r.method == http.MethodPost {
			body = `{"kind":"rotate"}`
		}
		for role := NoRole; role <= Admin; role++ {
			path := strings.NewReplacer("{app}", "capakraken", "{id}", "01K", "{key}", "k-1").Replace(r.path)
			answer := ask(s, role, r.method, path, body)
			if refused := answer.StatusCode == http.StatusForbidden; refused != (role < least) {
				t.Errorf("%s %s as %s: status %d", r.method, r.path, role, answer.StatusCode)
			} else if refused && problemOf(t, answer).Kind != fault.Forbidden {
				t.Errorf("%s %s as %s: not said to be forbidden", r.method, r.path, role)
			}
			if answer.Header.Get("Fairlead-Version") != "1.2.3" {
				t.Errorf("%s %s: the version is not told", r.method, r.path)
			}
		}
	}
	for missing := range wanted {
		t.Errorf("%s is not served", missing)
	}
}

// TestUnknown asks for what is no route: it is told so, whoever asks.
func TestUnknown(t *testing.T) {
	s := newServer(t, &nothing{})
	for _, path := range []string{"/", "/v1", "/v1/", "/v1/apps/", "/v1/apps/x/y", "/v2/apps", "/debug/pprof/", "/v1//apps", "/v1/../v1/apps", "/v1/apps/x/"} {
		if p := problemOf(t, ask(s, NoRole, http.MethodGet, path, "")); p.Status != http.StatusNotFound || p.Kind != fault.NotFound {
			t.Errorf("%s: %+v", path, p)
		}
	}
	answer := ask(s, NoRole, http.MethodPatch, "/v1/apps/x/lock", "{}")
	if p := problemOf(t, answer); p.Status != http.StatusMethodNotAllowed || answer.Header.Get("Allow") != "DELETE, PUT" {
		t.Errorf("PATCH: %+v, Allow %q", p, answer.Header.Get("Allow"))
	}
}

// TestBrowser sends what only a browser would.
func TestBrowser(t *testing.T) {
	s := newServer(t, &nothing{})
	for _, header := range []string{"Origin", "Referer"} {
		if p := problemOf(t, ask(s, Admin, http.MethodGet, "/v1/apps", "", header, "http://localhost")); p.Status != http.StatusForbidden {
			t.Errorf("%s: %+v", header, p)
		}
	}
	for host, status := range map[string]int{
		"fairlead": 200, "localhost": 200, "localhost:80": 200, "unix": 200,
		"example.com": 403, "127.0.0.1": 403, "fairlead.example.com": 403, "": 403, "localhost.": 403, "[::1]:80": 403,
	} {
		r := httptest.NewRequestWithContext(as(Viewer), http.MethodGet, "/v1/apps", nil)
		r.Host = host
		w := httptest.NewRecorder()
		s.ServeHTTP(&connected{w}, r)
		if w.Code != status {
			t.Errorf("host %q: status %d, want %d", host, w.Code, status)
		}
	}
}

// TestBody sends bodies that are refused before anybody reads them.
func TestBody(t *testing.T) {
	s := newServer(t, &nothing{})
	const path = "/v1/apps/capakraken/rollouts"
	for _, c := range []struct {
		name, body string
		header     []string
		status     int
		says       string
	}{
		{"unknown field", `{"kind":"deploy","imgae":"2.0.0"}`, nil, 400, `a field that is not known here: "imgae"`},
		{"wrong type", `{"kind":"deploy","force":"yes"}`, nil, 400, `field "force" is a string, where a bool belongs`},
		{"no JSON", `kind=deploy`, nil, 400, "breaks at byte"},
		{"cut off", `{"kind":`, nil, 400, "ends too early"},
		{"two values", `{"kind":"rotate"}{}`, nil, 400, "more than one"},
		{"no kind", `{}`, nil, 400, `field "kind" is ""`},
		{"wrong kind", `{"kind":"destroy"}`, nil, 400, `field "kind" is "destroy"`},
		{"form", `{"kind":"rotate"}`, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "Content-Type: application/json"},
		{"no type", `{"kind":"rotate"}`, []string{"Content-Type", ""}, 415, "Content-Type: application/json"},
		{"too large", `{"reason":"` + strings.Repeat("x", maxBody) + `"}`, nil, 413, "larger than 65536 bytes"},
		{"long reason", `{"kind":"rotate","reason":"` + strings.Repeat("x", maxReason+1) + `"}`, nil, 400, "the reason is longer than 500 bytes"},
		{"two lines", `{"kind":"rotate","reason":"a\nb"}`, nil, 400, "the reason must be one line of plain text"},
		{"escape", `{"kind":"rotate","reason":"\u001b[2J"}`, nil, 400, "the reason must be one line of plain text"},
		{"long key", `{"kind":"rotate"}`, []string{"Idempotency-Key", strings.Repeat("k", maxKey+1)}, 400, "the Idempotency-Key is longer than 128 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := problemOf(t, ask(s, Operator, http.MethodPost, path, c.body, c.header...))
			if p.Status != c.status || p.Kind != fault.Usage || !strings.Contains(p.Detail, c.says) {
				t.Errorf("got %d %s: %s", p.Status, p.Kind, p.Detail)
			}
		})
	}
	if p := problemOf(t, ask(s, Operator, http.MethodPut, "/v1/apps/x/lock", `{"reason":" "}`)); !strings.Contains(p.Detail, "takes a reason") {
		t.Errorf("a lock without a reason: %+v", p)
	}
	if p := problemOf(t, ask(s, Viewer, http.MethodGet, "/v1/apps", `{}`)); !strings.Contains(p.Detail, "takes no body") {
		t.Errorf("a GET with a body: %+v", p)
	}
	for _, query := range []string{"?limit=-1", "?limit=1001", "?limit=x", "?lmit=1", "?app=a&app=b"} {
		if p := problemOf(t, ask(s, Viewer, http.MethodGet, "/v1/rollouts"+query, "")); p.Status != http.StatusBadRequest {
			t.Errorf("%s: %+v", query, p)
		}
	}
}
