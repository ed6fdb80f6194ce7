package config

import (
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
)

func TestCredentials(t *testing.T) {
	const text = `instance: a
registry: {config: {credential: logins}}
apps:
  shop:
    environment: production
    image: shop
    env: [{file: /etc/env}]
    services: {web: {}}
    verify: {web: {exec: [status]}}
    secrets: [{name: a, env: A, legacy: {column: a}}]
    legacy: {dsn: {credential: dsn}, table: t, row: {id: 1}}
`
	cfg, err := Parse("fairlead.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got := cfg.Apps["shop"].Legacy.DSN; got != (DSN{Credential: "dsn"}) {
		t.Errorf("the address is in %+v", got)
	}
	if cfg.Registry.Credential != "logins" || cfg.Registry.ConfigFile != "" {
		t.Errorf("the logins are in %+v", cfg.Registry)
	}
	for from, want := range map[string]string{
		"credential: dsn":             "credential: ../dsn",
		"{credential: logins}":        "{credential: }",
		"{credential: dsn}":           "{credential: dsn, file: /etc/dsn}",
		"config: {credential: logins": "config: {file: /etc/logins",
	} {
		if _, err := Parse("fairlead.yaml", []byte(strings.Replace(text, from, want, 1))); fault.KindOf(err) != fault.Refused {
			t.Errorf("%s is taken: %v", want, err)
		}
	}
}
