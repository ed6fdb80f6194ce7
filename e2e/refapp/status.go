package main

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"log"
	"net/http"
)

// Status is what the application says of itself: presence and source of every secret, never a value.
type Status struct {
	OK             bool                    `json:"ok"`
	Version        string                  `json:"version"`
	Service        string                  `json:"service"`
	Problem        string                  `json:"problem,omitempty"`
	RuntimeSecrets map[string]SecretStatus `json:"runtimeSecrets"`
	Debug          string                  `json:"debug,omitempty"` // only a misbehaving version fills it
}

// SecretStatus is what the application says of one secret.
type SecretStatus struct {
	Source     source `json:"source"`
	Configured bool   `json:"configured"`
}

// status looks at the environment and the database now.
func (a *App) status(ctx context.Context) Status {
	s := Status{OK: true, Version: a.version, Service: a.role, RuntimeSecrets: map[string]SecretStatus{}}
	stored, err := a.store.Read(ctx)
	if err != nil {
		s.OK, s.Problem = false, err.Error()
	}
	secrets := resolve(a.env, stored, a.legacy())
	for _, r := range secrets {
		s.RuntimeSecrets[r.name] = SecretStatus{Source: r.source, Configured: r.value != ""}
	}
	a.switches.distort(&s, secrets)
	return s
}

// handleStatus answers GET /api/runtime-status. The code is 200 even when the application is unwell: the body says so.
func (a *App) handleStatus(w http.ResponseWriter, r *http.Request) {
	if !a.allowed(r) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "a bearer token is needed", http.StatusUnauthorized)
		return
	}
	if a.switches.spoil(w, r) {
		return
	}
	writeJSON(w, a.status(r.Context()))
}

// allowed tells whether the request carries the token, if one is asked for.
func (a *App) allowed(r *http.Request) bool {
	given := r.Header.Get("Authorization")
	return a.token == "" || subtle.ConstantTimeCompare([]byte(given), []byte("Bearer "+a.token)) == 1
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		log.Printf("an answer was not delivered: %v", err)
	}
}
