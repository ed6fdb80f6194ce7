package cli_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/cli"
	"github.com/capakraken/fairlead/internal/server"
	"github.com/capakraken/fairlead/internal/server/servertest"
)

// TestShowTellsTheStory holds what is shown of an ended rollout to what was told while it ran, line by line.
func TestShowTellsTheStory(t *testing.T) {
	for _, name := range []string{"succeeded", "succeeded-with-residue", "unchanged", "refused", "refused-once", "rolled-back", "hooked", "hook-failed", "cleanup", "cleanup-with-residue"} {
		t.Run(name, func(t *testing.T) {
			d := servertest.Start(t, server.Options{Rollouts: scenario(t, name), Version: "test"})
			told, shown := output(t, d.Socket, "watch"), output(t, d.Socket, "show")
			_, told, _ = strings.Cut(told, "\n") // the headline, which show has as a table
			for line := range strings.Lines(told) {
				if !strings.Contains(shown, line) {
					t.Errorf("show leaves out: %s", line)
				}
			}
		})
	}
}

// output returns what a command prints of the scenario's rollout.
func output(t *testing.T, socket, command string) string {
	t.Helper()
	var out, complaints bytes.Buffer
	cli.Run(t.Context(), []string{command, id, "--socket", socket}, cli.Options{
		In: strings.NewReader(""), Out: &out, Err: &complaints, Version: "test", Now: func() time.Time { return servertest.At(600) }})
	if complaints.Len() > 0 {
		t.Fatal(complaints.String())
	}
	return out.String()
}
