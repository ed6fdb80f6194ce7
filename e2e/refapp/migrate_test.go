package main

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
)

func TestMigrate(t *testing.T) {
	for _, c := range []struct {
		switches string
		want     error
	}{
		{"", nil},
		{"web:crash", nil},
		{"migrate:slow-start=2s", nil},
		{"migrate:crash", exit(3)},
		{"migrate:leak-log", exit(1)},
	} {
		synctest.Test(t, func(t *testing.T) {
			app, store := testApp(t, "migrate", Row{"REFAPP_VERSION": "2.1.0", "REFAPP_MISBEHAVE": c.switches}, nil)
			if err := app.runMigration(t.Context()); !errors.Is(err, c.want) {
				t.Errorf("%q: %v, want %v", c.switches, err, c.want)
			}
			if !slices.Equal(store.migrations, []string{"2.1.0"}) {
				t.Errorf("%q: noted is %q", c.switches, store.migrations)
			}
		})
	}
}
