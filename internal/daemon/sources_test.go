package daemon

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/envfile"
)

// Who only looks neither ends the command of a rollout nor waits for it, nor keeps a rollout waiting.
func TestViewsLeaveRolloutsAlone(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path, begun, release := filepath.Join(dir, "print"), filepath.Join(dir, "begun"), filepath.Join(dir, "release")
	text := "#!/bin/sh\nif mkdir " + begun + " 2>/dev/null; then until [ -e " + release + " ]; do sleep 0.02; done; fi\necho A=b\n"
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	by := newHands(t.Name(), envfile.Policy{UID: os.Getuid(), GID: os.Getgid()}, false)
	source := config.EnvSource{Exec: &config.Exec{Command: []string{path}, Format: config.Dotenv, Timeout: time.Minute, MaxBytes: 1 << 10}}
	ended := make(chan error, 1)
	go func() { // ends when release is there
		_, err := by.rollouts.Read(t.Context(), "shop", source)
		ended <- err
	}()
	for _, err := os.Stat(begun); err != nil; _, err = os.Stat(begun) {
		select {
		case err := <-ended:
			t.Fatalf("the rollout's command has ended already: %v", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
	if f, err := by.views.Read(t.Context(), "shop", source); err != nil || len(f.Env) != 1 {
		t.Errorf("a view gets %v, %v", f.Env.Names(), err)
	}
	if err := os.WriteFile(release, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the rollout's command: %v", err)
	}
}
