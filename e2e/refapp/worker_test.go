package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// printed returns what `refapp status` prints and how it ends.
func printed(t *testing.T, app *App) (Status, string, error) {
	t.Helper()
	var out bytes.Buffer
	err := app.printStatus(t.Context(), &out)
	var s Status
	if err := json.Unmarshal(out.Bytes(), &s); err != nil {
		t.Fatalf("printed %q: %v", out.String(), err)
	}
	return s, out.String(), err
}

func TestWorkerSeesASecretArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app, store := testApp(t, "worker", Row{"SMTP_PASSWORD": planted}, nil)
		ctx, cancel := context.WithCancel(t.Context())
		worked := make(chan error, 1)
		go func() { worked <- app.work(ctx) }()

		synctest.Wait()
		s, text, err := printed(t, app)
		if err != nil || !s.OK || s.Service != "worker" || s.RuntimeSecrets["smtp"].Source != fromEnvironment || s.RuntimeSecrets["gemini"].Configured {
			t.Errorf("status %s, %v", text, err)
		}
		if strings.Contains(text, planted) {
			t.Error("the status holds a secret's value")
		}

		if err := store.Update(ctx, Row{"geminiApiKey": planted}); err != nil {
			t.Fatal(err)
		}
		<-time.After(beat + beat/2)
		if s, text, _ := printed(t, app); s.RuntimeSecrets["gemini"].Source != fromDatabase {
			t.Errorf("a beat later: %s", text)
		}

		cancel()
		if err := <-worked; err != nil {
			t.Error(err)
		}
		<-time.After(silence + beat)
		if s, text, err := printed(t, app); s.OK || !strings.Contains(s.Problem, "silent") || !errors.Is(err, exit(1)) {
			t.Errorf("after the worker's end: %s, %v", text, err)
		}
	})
}

func TestStatusOfAWorkerThatNeverBeat(t *testing.T) {
	app, _ := testApp(t, "worker", nil, nil)
	if s, text, err := printed(t, app); s.OK || s.Problem == "" || !errors.Is(err, exit(1)) {
		t.Errorf("no heartbeat: %s, %v", text, err)
	}
	if err := os.WriteFile(app.heartbeat, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, text, _ := printed(t, app); s.OK || s.Problem == "" {
		t.Errorf("half a heartbeat: %s", text)
	}
}

func TestWorkerBeforeTheADRHasNoStatus(t *testing.T) {
	app, _ := testApp(t, "worker", Row{"REFAPP_VERSION": "1.0.0"}, nil)
	if err := app.printStatus(t.Context(), &bytes.Buffer{}); !errors.Is(err, exitUsage) {
		t.Errorf("got %v", err)
	}
}
