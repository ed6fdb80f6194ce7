// Package world makes the real things that Fairlead is tried on: a registry, a PostgreSQL server, networks, images and
// containers of the reference application, on the Docker Engine that is there.
//
// A World is one run. All that it makes carries the label fairlead.e2e with the run's name, or is recorded in the run's
// directory, and is gone after Close. A run that was killed leaves a directory whose lock nobody holds; the next run, or
// Sweep, ends and removes what it left. Nothing else on the host is touched.
package world

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Label is on everything that a World makes on the Engine. Its value is the run's name. Containers inherit it from the
// images, so it is also on those that a program under test makes of them.
const Label = "fairlead.e2e"

// World is one run. All but Close is safe for concurrent use.
type World struct {
	Run    string  // the run's name, unlike any other's
	Engine *Engine // the Engine that everything runs on
	Dir    string  // a directory of this run; callers may put files there

	lock *os.File

	mu      sync.Mutex // guards what follows, since tests that share a World run side by side
	closers []func() error
	base    *layer // of the reference application, made when first needed
}

// New begins a run. First it removes what killed runs left. The caller closes the World.
func New(ctx context.Context) (*World, error) {
	engine, err := Connect(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := Sweep(ctx, engine); err != nil {
		return nil, err
	}
	run := randomName(6)
	dir, lock, err := claim(run)
	if err != nil {
		return nil, err
	}
	return &World{Run: run, Engine: engine, Dir: dir, lock: lock}, nil
}

// Workshop returns a World that can make images, and nothing else: it has no Engine. What it needs is put into dir.
func Workshop(dir string) *World { return &World{Run: randomName(6), Dir: dir} }

// ForTest is New for a test, which fails when it fails, and closes the World when the test ends.
func ForTest(t testing.TB) *World {
	t.Helper()
	w, err := New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Errorf("close the test world: %v", err)
		}
	})
	return w
}

// Close ends every process and removes everything that this run made, as far as it can, and returns all that failed. It
// takes a minute at most and may be called twice.
func (w *World) Close() error {
	if w.lock == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	// Containers go before the servers that they talk to.
	errs := []error{removeObjects(ctx, w.Engine, w.Run)}
	for _, end := range slices.Backward(w.closers) {
		errs = append(errs, end())
	}
	if err := errors.Join(errs...); err != nil {
		return errors.Join(err, w.release()) // the directory stays, so that the next sweep tries again
	}
	err := os.RemoveAll(w.Dir)
	for errors.Is(err, unix.ENOTEMPTY) && ctx.Err() == nil { // somebody who was just ended has written into it meanwhile
		err = os.RemoveAll(w.Dir)
	}
	return errors.Join(err, w.release())
}

func (w *World) release() error {
	err := w.lock.Close()
	w.lock, w.closers = nil, nil
	return err
}

// onClose has end called by Close, the last one first.
func (w *World) onClose(end func() error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closers = append(w.closers, end)
}

// mkdir makes a directory of this run.
func (w *World) mkdir(name string) (string, error) {
	dir, err := os.MkdirTemp(w.Dir, name+"-")
	if err != nil {
		return "", fmt.Errorf("make a directory for %s: %w", name, err)
	}
	return dir, nil
}

// name returns a new name for an object of this run on the Engine.
func (w *World) name(kind string) string {
	return fmt.Sprintf("fairlead-e2e-%s-%s-%s", w.Run, kind, randomName(2))
}

// labels returns the labels of an object of this run.
func (w *World) labels() map[string]string { return map[string]string{Label: w.Run} }

// randomName returns n random bytes in hexadecimal.
func randomName(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// runDirs matches the directories of all runs.
func runDirs() string { return filepath.Join(os.TempDir(), "fairlead-e2e-*") }
