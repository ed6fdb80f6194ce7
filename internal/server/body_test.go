package server

import (
	"net/http"
	"testing"
)

// FuzzTrigger sends bodies of all sorts: one is taken, refused as wrong usage, or too large, but never a failure of ours.
func FuzzTrigger(f *testing.F) {
	for _, seed := range []string{`{"kind":"deploy","image":"2.0.0","force":true,"reason":"why"}`, `{"kind":"rotate"} `, `{"kind":1}`, `{"Kind":"rotate"}`,
		`[]`, `null`, `{"kind":"rotate","kind":"deploy"}`, `{"reason":"\ud800"}`, "\xff", ``} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		s := newServer(t, &accepting{})
		switch answer := ask(s, Operator, http.MethodPost, "/v1/apps/capakraken/rollouts", body, "Content-Type", "application/json"); answer.StatusCode {
		case http.StatusAccepted, http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		default:
			t.Errorf("%q: status %d", body, answer.StatusCode)
		}
	})
}
