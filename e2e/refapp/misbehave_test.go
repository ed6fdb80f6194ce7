package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func misbehaving(t *testing.T, role, switches string) *App {
	t.Helper()
	app, _ := testApp(t, role, Row{"REFAPP_MISBEHAVE": switches, "AZURE_OPENAI_API_KEY": planted}, nil)
	return app
}

func TestParseSwitches(t *testing.T) {
	tests := map[string]struct {
		list, role string
		on, off    string
		fails      bool
	}{
		"nothing":               {list: "", role: "web", off: "crash"},
		"one":                   {list: "crash", role: "web", on: "crash", off: "leak"},
		"several, with blanks":  {list: " leak , hang,", role: "web", on: "hang"},
		"for this service":      {list: "worker:crash", role: "worker", on: "crash"},
		"for the other service": {list: "worker:crash", role: "web", off: "crash"},
		"unknown":               {list: "explode", role: "web", fails: true},
		"no duration":           {list: "slow-start=soon", role: "web", fails: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := parseSwitches(tt.list, tt.role)
			if (err != nil) != tt.fails {
				t.Fatalf("error %v", err)
			}
			if err == nil && (tt.on != "" && !s.on(tt.on) || s.on(tt.off)) {
				t.Errorf("set %v", s.set)
			}
		})
	}
}

func TestDistortedStatus(t *testing.T) {
	tests := map[string]func(s Status, body string) bool{
		"never-healthy":           func(s Status, _ string) bool { return !s.OK },
		"source-database":         func(s Status, _ string) bool { return s.RuntimeSecrets["primary-ai"].Source == fromDatabase },
		"source-database=gemini":  func(s Status, _ string) bool { return s.RuntimeSecrets["gemini"].Source == fromDatabase },
		"one-secret-missing":      func(s Status, _ string) bool { return len(s.RuntimeSecrets) == 4 },
		"misreport-version=9.9.9": func(s Status, _ string) bool { return s.Version == "9.9.9" },
		"leak":                    func(_ Status, body string) bool { return strings.Contains(body, planted) },
	}
	for switches, right := range tests {
		t.Run(switches, func(t *testing.T) {
			if s, body := askStatus(t, misbehaving(t, "web", switches)); !right(s, body) {
				t.Errorf("status %s", body)
			}
		})
	}
}

func TestFlapping(t *testing.T) {
	app := misbehaving(t, "web", "flapping")
	first, _ := askStatus(t, app)
	second, _ := askStatus(t, app)
	if !first.OK || second.OK {
		t.Errorf("ok: %v, then %v", first.OK, second.OK)
	}
}

func TestSpoiledAnswer(t *testing.T) {
	for switches, want := range map[string]int{"redirect": 302, "http-500": 500, "wrong-json": 200, "huge": 200} {
		answer, body := ask(t, misbehaving(t, "web", switches), "GET", "/api/runtime-status", "")
		if answer.StatusCode != want {
			t.Errorf("%s: %d, want %d", switches, answer.StatusCode, want)
		}
		if switches == "huge" && len(body) < 100<<20 {
			t.Errorf("huge: only %d bytes", len(body))
		}
	}
}

func TestHangEndsWithTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		app := misbehaving(t, "web", "hang")
		begin := time.Now()
		app.switches.spoil(nil, (&http.Request{}).WithContext(ctx))
		if got := time.Since(begin); got != time.Hour {
			t.Errorf("answered after %s", got)
		}
	})
}

func TestMisbehaveAtStart(t *testing.T) {
	tests := []struct {
		switches string
		after    time.Duration // until the service is ended
		code     exit
	}{
		{"crash", 0, 3},
		{"leak-log", 0, 1},
		{"crash-after=2s", 2 * time.Second, 3},
		{"crash-loop", 500 * time.Millisecond, 0},
		{"slow-start=5s,crash", 5 * time.Second, 3},
	}
	for _, tt := range tests {
		t.Run(tt.switches, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				ctx, stop, err := misbehaving(t, "web", tt.switches).misbehaveAtStart(t.Context())
				defer stop()
				if err == nil {
					<-ctx.Done()
					err = ended(ctx, nil)
				}
				if code, ok := errors.AsType[exit](err); !ok || code != tt.code || time.Since(begin) != tt.after {
					t.Errorf("%v after %s, want code %d after %s", err, time.Since(begin), tt.code, tt.after)
				}
			})
		})
	}
}

func TestSpoiledOutput(t *testing.T) {
	for switches, want := range map[string]exit{"wrong-json": 0, "http-500": 1, "huge": 0} {
		var out bytes.Buffer
		err := misbehaving(t, "worker", switches).printStatus(t.Context(), &out)
		if code, ok := errors.AsType[exit](err); !ok || code != want {
			t.Errorf("%s: %v, want %v", switches, err, want)
		}
	}
}
