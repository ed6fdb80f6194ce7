package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// ask sends one request to the app and returns the answer and its body.
func ask(t *testing.T, app *App, method, path, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	handler, err := app.handler()
	if err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	for pair := range slices.Chunk(headers, 2) {
		request.Header.Set(pair[0], pair[1])
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder.Result(), recorder.Body.String()
}

func askStatus(t *testing.T, app *App) (Status, string) {
	t.Helper()
	answer, body := ask(t, app, "GET", "/api/runtime-status", "")
	var s Status
	if err := json.Unmarshal([]byte(body), &s); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("status %d, body %.200q: %v", answer.StatusCode, body, err)
	}
	return s, body
}

const planted = "planted-secret-value-4711"

func TestStatusTellsSourceAndPresenceButNoValue(t *testing.T) {
	app, _ := testApp(t, "web", Row{"AZURE_OPENAI_API_KEY": planted}, Row{"smtpPassword": planted})
	s, body := askStatus(t, app)
	want := map[string]SecretStatus{
		"primary-ai": {fromEnvironment, true}, "smtp": {fromDatabase, true},
		"dall-e": {fromNowhere, false}, "gemini": {fromNowhere, false}, "anonymization-seed": {fromNowhere, false},
	}
	for name, w := range want {
		if s.RuntimeSecrets[name] != w {
			t.Errorf("%s: %+v, want %+v", name, s.RuntimeSecrets[name], w)
		}
	}
	if !s.OK || s.Version != "2.0.0" || s.Service != "web" {
		t.Errorf("status %+v", s)
	}
	if strings.Contains(body, planted) {
		t.Error("the status holds a secret's value")
	}
}

func TestStatusWithoutDatabase(t *testing.T) {
	app, store := testApp(t, "web", Row{"AZURE_OPENAI_API_KEY": planted}, nil)
	store.err = errors.New("cannot connect")
	s, _ := askStatus(t, app)
	if s.OK || s.Problem == "" || s.RuntimeSecrets["primary-ai"].Source != fromEnvironment {
		t.Errorf("status %+v", s)
	}
}

func TestStatusAsksForTheToken(t *testing.T) {
	app, _ := testApp(t, "web", Row{"STATUS_TOKEN": "token"}, nil)
	for given, want := range map[string]int{"": 401, "token": 401, "Bearer wrong": 401, "Bearer token": 200} {
		if answer, _ := ask(t, app, "GET", "/api/runtime-status", "", "Authorization", given); answer.StatusCode != want {
			t.Errorf("with %q: %d, want %d", given, answer.StatusCode, want)
		}
	}
}

func TestVersionBeforeTheADRHasNoStatus(t *testing.T) {
	app, _ := testApp(t, "web", Row{"REFAPP_VERSION": "1.0.0"}, nil)
	if answer, _ := ask(t, app, "GET", "/api/runtime-status", ""); answer.StatusCode != http.StatusNotFound {
		t.Errorf("got %d", answer.StatusCode)
	}
}

func TestSettingsPageExplainsTheVariables(t *testing.T) {
	app, _ := testApp(t, "web", Row{"GEMINI_API_KEY": planted}, Row{"smtpHost": "mail.<example>"})
	_, page := ask(t, app, "GET", "/settings", "")
	for _, s := range catalog() {
		if !strings.Contains(page, s.env) {
			t.Errorf("the page does not name %s", s.env)
		}
	}
	if !strings.Contains(page, "environment") || !strings.Contains(page, "mail.&lt;example&gt;") {
		t.Errorf("the page lacks a source or a setting:\n%s", page)
	}
	if strings.Contains(page, planted) {
		t.Error("the page holds a secret's value")
	}
}

func TestSettingsUpdate(t *testing.T) {
	const body = `{"smtpHost":"mail.example","smtpPassword":"` + planted + `"}`
	t.Run("ignores secrets", func(t *testing.T) {
		app, store := testApp(t, "web", nil, nil)
		_, answer := ask(t, app, "POST", "/settings", body)
		if want := `{"updated":["smtpHost"],"ignored":["smtpPassword"]}`; strings.TrimSpace(answer) != want {
			t.Errorf("answer %s, want %s", answer, want)
		}
		if store.row["smtpHost"] != "mail.example" || store.row["smtpPassword"] != "" {
			t.Errorf("stored %v", store.row)
		}
	})
	t.Run("stored them before the ADR", func(t *testing.T) {
		app, store := testApp(t, "web", Row{"REFAPP_VERSION": "1.4.2"}, nil)
		ask(t, app, "POST", "/settings", body)
		if store.row["smtpPassword"] != planted {
			t.Errorf("stored %v", store.row)
		}
	})
	for name, wrong := range map[string]string{"unknown": `{"id":"x"}`, "not an object": `[]`, "not a text": `{"smtpHost":1}`} {
		t.Run("refuses "+name, func(t *testing.T) {
			app, store := testApp(t, "web", nil, nil)
			if answer, _ := ask(t, app, "POST", "/settings", wrong); answer.StatusCode != http.StatusBadRequest || len(store.row) > 0 {
				t.Errorf("answer %d, stored %v", answer.StatusCode, store.row)
			}
		})
	}
}
