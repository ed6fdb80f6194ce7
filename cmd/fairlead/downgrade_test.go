package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/cli"
	"github.com/capakraken/fairlead/internal/daemon"
)

// Journals that a newer version has gone on with.
const newerJournals = "../../internal/orchestrator/testdata/journals"

// A daemon that is older than its journal does not start. It says which version to start, and has changed nothing: not
// one byte, and no file's time.
func TestDowngradeIsRefused(t *testing.T) {
	for name, says := range map[string][]string{
		"newer-line":  {"00000000000000000001.jsonl:4:", "written by a newer fairlead", "nothing was changed", "start that version"},
		"newer-level": {"fairlead 9.9.0 has written to this journal since record 4", "nothing was changed", "start that version or a newer one"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			state, config, socket := filepath.Join(dir, "state"), filepath.Join(dir, "fairlead.yaml"), filepath.Join(dir, "socket")
			if err := os.CopyFS(filepath.Join(state, "journal"), os.DirFS(filepath.Join(newerJournals, name))); err != nil {
				t.Fatal(err)
			}
			text := "instance: downgrade-" + name + "\nengine: {host: unix://" + filepath.Join(dir, "nobody") + "}\n" +
				"apps:\n  capakraken:\n    environment: production\n    image: shop\n    services: {web: {}, worker: {}}\n"
			for path, content := range map[string]string{config: text, filepath.Join(state, "lock"): "", filepath.Join(state, "host.key"): strings.Repeat("k", 32)} {
				if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			before := aged(t, state)
			var out, told bytes.Buffer
			code := cli.Run(t.Context(), []string{"daemon", "--config", config, "--state", state, "--socket", socket},
				cli.Options{In: strings.NewReader(""), Out: &out, Err: &told, Getenv: func(string) string { return "" }, Version: "0.1.0", Daemon: daemon.Command("0.1.0")})
			if code != 3 {
				t.Errorf("it ended with %d: %s", code, told.String())
			}
			for _, text := range says {
				if !strings.Contains(told.String(), text) {
					t.Errorf("%q is missing in: %s", text, told.String())
				}
			}
			if diff := cmp.Diff(before, snapshot(t, state)); diff != "" {
				t.Errorf("the state directory was changed:\n%s", diff)
			}
			if _, err := os.Lstat(socket); !os.IsNotExist(err) {
				t.Errorf("a socket was made: %v", err)
			}
		})
	}
}

// entry is a file or a directory as it is on the disk.
type entry struct {
	Mode    fs.FileMode
	Changed time.Time
	Text    string
}

// snapshot returns all that is in dir.
func snapshot(t *testing.T, dir string) map[string]entry {
	t.Helper()
	all := map[string]entry{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		e := entry{Mode: info.Mode(), Changed: info.ModTime()}
		if info.Mode().IsRegular() {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			e.Text = string(text)
		}
		all[path] = e
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// aged makes everything in dir old, so that every write shows, and returns it.
func aged(t *testing.T, dir string) map[string]entry {
	t.Helper()
	for path, e := range snapshot(t, dir) {
		mode := fs.FileMode(0o600)
		if e.Mode.IsDir() {
			mode = 0o700
		}
		old := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	return snapshot(t, dir)
}
