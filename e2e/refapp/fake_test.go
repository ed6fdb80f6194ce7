package main

import (
	"context"
	"maps"
	"path/filepath"
	"sync"
	"testing"
)

// fakeStore is a Store in memory.
type fakeStore struct {
	err error

	mu  sync.Mutex // guards row
	row Row

	migrations []string
}

func (f *fakeStore) Migrate(context.Context) error { return f.err }

func (f *fakeStore) NoteMigration(_ context.Context, version string) error {
	f.migrations = append(f.migrations, version)
	return f.err
}

func (f *fakeStore) Read(context.Context) (Row, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.row), f.err
}

func (f *fakeStore) Update(_ context.Context, changed Row) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.Copy(f.row, changed)
	return f.err
}

func (f *fakeStore) Close() {}

// testApp returns a service with the given environment and stored row.
func testApp(t *testing.T, role string, env, row Row) (*App, *fakeStore) {
	t.Helper()
	env = maps.Clone(env)
	if env == nil {
		env = Row{}
	}
	env["REFAPP_HEARTBEAT"] = filepath.Join(t.TempDir(), "heartbeat.json")
	app, err := newApp(role, func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	store := &fakeStore{row: maps.Clone(row)}
	if store.row == nil {
		store.row = Row{}
	}
	app.store = store
	return app, store
}
