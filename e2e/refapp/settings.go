package main

import (
	_ "embed"
	"encoding/json"
	"html/template"
	"log"
	"net/http"
	"slices"
	"strings"
)

//go:embed settings.html
var settingsPage string

// handleSettings answers GET /settings: a page that tells for each secret its variable and where it comes from now.
func (a *App) handleSettings(page *template.Template) http.HandlerFunc {
	type setting struct{ Name, Value string }
	type row struct {
		Name, Env, Description string
		Source                 source
	}
	type content struct {
		Version  string
		Legacy   bool
		Secrets  []row
		Settings []setting
	}
	return func(w http.ResponseWriter, r *http.Request) {
		stored, err := a.store.Read(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		c := content{Version: a.version, Legacy: a.legacy()}
		for _, s := range resolve(a.env, stored, a.legacy()) {
			c.Secrets = append(c.Secrets, row{s.name, s.env, s.description, s.source})
		}
		for _, column := range plainColumns() {
			c.Settings = append(c.Settings, setting{column, stored[column]})
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if err := page.Execute(w, c); err != nil {
			log.Printf("the settings page was not delivered: %v", err)
		}
	}
}

// updated is the answer to a change of the settings.
type updated struct {
	Updated []string `json:"updated"`
	Ignored []string `json:"ignored"` // secrets, which come from the environment only
}

// updateSettings answers POST /settings: a JSON object of texts by column. Secrets are ignored, as rule 3 of the ADR has
// it; only a version before the ADR stores them.
func (a *App) updateSettings(w http.ResponseWriter, r *http.Request) {
	var sent Row
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&sent); err != nil {
		http.Error(w, "the body is not a JSON object of texts", http.StatusBadRequest)
		return
	}
	answer := updated{Updated: []string{}, Ignored: []string{}}
	changed := Row{}
	for column, value := range sent {
		switch {
		case slices.Contains(plainColumns(), column) || a.legacy() && isSecret(column):
			changed[column] = value
			answer.Updated = append(answer.Updated, column)
		case isSecret(column):
			answer.Ignored = append(answer.Ignored, column)
		default:
			http.Error(w, "there is no such setting: "+strings.ToValidUTF8(column, "?"), http.StatusBadRequest)
			return
		}
	}
	if err := a.store.Update(r.Context(), changed); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	slices.Sort(answer.Updated)
	slices.Sort(answer.Ignored)
	writeJSON(w, answer)
}

func isSecret(column string) bool {
	return slices.ContainsFunc(catalog(), func(s secret) bool { return s.column == column })
}
