package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"time"
)

// The worker beats every second, and after five seconds of silence it counts as dead.
const (
	beat    = time.Second
	silence = 5 * time.Second
)

// heartbeat is what the worker leaves for `refapp status`.
type heartbeat struct {
	At     time.Time `json:"at"`
	Status Status    `json:"status"`
}

// work reads the secrets at every beat until ctx ends. A version before the ADR leaves no heartbeat.
func (a *App) work(ctx context.Context) error {
	log.Print("working")
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for {
		now := heartbeat{time.Now(), a.status(ctx)}
		if !a.legacy() {
			if err := now.write(a.heartbeat); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// write replaces the file at path, so that a reader never sees half of it.
func (h heartbeat) write(path string) error {
	text, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("encode the heartbeat: %w", err)
	}
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return fmt.Errorf("write the heartbeat: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write the heartbeat: %w", err)
	}
	return nil
}

// printStatus writes the worker's last status to w, or one that says why there is none. It exits with 1 unless the worker
// is well, so that it serves as a health check, too.
func (a *App) printStatus(ctx context.Context, w io.Writer) error {
	if a.legacy() {
		return usage("the command line is not understood") // version 1 had no such command
	}
	if err := a.switches.spoilOutput(ctx, w); err != nil {
		return err
	}
	s := a.lastStatus(time.Now())
	if err := json.NewEncoder(w).Encode(s); err != nil {
		return fmt.Errorf("print the status: %w", err)
	}
	if !s.OK {
		return exit(1)
	}
	return nil
}

// lastStatus returns the status of the last heartbeat, if that is not too long ago.
func (a *App) lastStatus(now time.Time) Status {
	dead := Status{Version: a.version, Service: a.role, RuntimeSecrets: map[string]SecretStatus{}}
	text, err := os.ReadFile(a.heartbeat)
	if errors.Is(err, os.ErrNotExist) {
		dead.Problem = "the worker has not begun to work"
		return dead
	}
	var last heartbeat
	if err != nil || json.Unmarshal(text, &last) != nil {
		dead.Problem = "the worker's heartbeat cannot be read"
		return dead
	}
	if age := now.Sub(last.At); age > silence {
		dead.Problem = fmt.Sprintf("the worker is silent for %s", age.Round(time.Second))
		return dead
	}
	return last.Status
}
