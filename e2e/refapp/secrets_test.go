package main

import "testing"

func TestResolve(t *testing.T) {
	tests := map[string]struct {
		env, row Row
		legacy   bool
		source   source
		value    string
	}{
		"nowhere":                  {source: fromNowhere},
		"environment only":         {env: Row{"SMTP_PASSWORD": "e"}, source: fromEnvironment, value: "e"},
		"database only":            {row: Row{"smtpPassword": "d"}, source: fromDatabase, value: "d"},
		"environment comes first":  {env: Row{"SMTP_PASSWORD": "e"}, row: Row{"smtpPassword": "d"}, source: fromEnvironment, value: "e"},
		"empty variable":           {env: Row{"SMTP_PASSWORD": ""}, row: Row{"smtpPassword": "d"}, source: fromDatabase, value: "d"},
		"before the ADR":           {env: Row{"SMTP_PASSWORD": "e"}, row: Row{"smtpPassword": "d"}, legacy: true, source: fromDatabase, value: "d"},
		"before the ADR, unstored": {env: Row{"SMTP_PASSWORD": "e"}, legacy: true, source: fromNowhere},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			all := resolve(func(name string) string { return tt.env[name] }, tt.row, tt.legacy)
			if len(all) != len(catalog()) {
				t.Fatalf("resolved %d secrets, want all %d", len(all), len(catalog()))
			}
			for _, r := range all {
				want, value := fromNowhere, ""
				if r.name == "smtp" {
					want, value = tt.source, tt.value
				}
				if r.source != want || r.value != value {
					t.Errorf("%s: %q from %s, want %q from %s", r.name, r.value, r.source, value, want)
				}
			}
		})
	}
}
