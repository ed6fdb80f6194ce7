package orchestrator

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/rollout"
)

// kept returns the journals that released versions have written, as "v1-0/succeeded". See testdata/journals/README.md.
func kept(t *testing.T) []string {
	t.Helper()
	dirs, err := filepath.Glob("testdata/journals/v*/*")
	if err != nil || len(dirs) < 30 {
		t.Fatalf("%d old journals are kept: %v", len(dirs), err)
	}
	for i, dir := range dirs {
		dirs[i] = strings.TrimPrefix(dir, "testdata/journals/")
	}
	return dirs
}

// copied returns the directory of a copy of a kept journal. Its files are from long ago, so that every write shows.
func copied(t *testing.T, name string) string {
	t.Helper()
	from, dir := filepath.Join("testdata", "journals", name), filepath.Join(t.TempDir(), "journal")
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	old := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	for _, name := range append(files(t, dir), ".") {
		path := filepath.Join(dir, name)
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	names, err := fs.Glob(os.DirFS(dir), "*")
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// shape is a file as it is on the disk.
type shape struct {
	Mode    fs.FileMode
	Changed time.Time
	Text    string
}

// shapes returns the files of a directory and the directory itself.
func shapes(t *testing.T, dir string) map[string]shape {
	t.Helper()
	out := map[string]shape{}
	for _, name := range append(files(t, dir), ".") {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		s := shape{Mode: info.Mode(), Changed: info.ModTime()}
		if info.Mode().IsRegular() {
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			s.Text = string(text)
		}
		out[name] = s
	}
	return out
}

// opened folds the journal in dir, as a daemon does before it starts.
func opened(t *testing.T, dir string) (*Orchestrator, error) {
	t.Helper()
	log, err := journal.Open(journal.Options{Dir: dir})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = log.Close() })
	return New(Options{Journal: log, Steps: newWorld(), Log: zap.NewNop(), Version: "test"})
}

// This version reads every journal that a released one has written, and folds it to what it always was.
func TestOldJournals(t *testing.T) {
	for _, name := range kept(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report, err := journal.Verify(filepath.Join("testdata", "journals", name))
			if err != nil || report.Tear != nil || report.Records == 0 {
				t.Fatalf("it does not verify: %+v, %v", report, err)
			}
			dir := copied(t, name)
			before := shapes(t, dir)
			o, err := opened(t, dir)
			if err != nil {
				t.Fatal(err)
			}
			folded, err := json.MarshalIndent(o.ledger, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", "folded", name+".json"), append(folded, '\n'))
			for file, s := range shapes(t, dir) {
				if file != "." && s.Text != before[file].Text {
					t.Errorf("%s was changed by a look at it", file)
				}
			}
		})
	}
}

// golden holds got against a file. UPDATE=1 rewrites it.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if os.Getenv("UPDATE") != "" {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
		t.Errorf("it is not folded to %s (-want +got); UPDATE=1 rewrites that, should the change be meant:\n%s", path, diff)
	}
}

// A journal that a newer version has gone on with is refused before anything is changed, and the operator is told which
// version to start.
func TestNewerJournals(t *testing.T) {
	level := []string{"fairlead 9.9.0", "record 4", "level 99", "nothing was changed", "start that version or a newer one"}
	for name, says := range map[string][]string{
		"newer-line":       {".jsonl:4:", "newer fairlead", "nothing was changed", "start that version"},
		"newer-level":      level,
		"newer-level torn": level,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			name, isTorn := strings.CutSuffix(name, " torn")
			dir := copied(t, name)
			if isTorn {
				torn(t, dir)
			}
			before := shapes(t, dir)
			_, err := opened(t, dir)
			wantKind(t, err, fault.Refused)
			for _, text := range says {
				if !strings.Contains(fault.Text(err), text) {
					t.Errorf("%q is missing in: %s", text, fault.Text(err))
				}
			}
			if diff := cmp.Diff(before, shapes(t, dir)); diff != "" {
				t.Errorf("it was refused, and changed:\n%s", diff)
			}
		})
	}
}

// What a version of our own level has recorded and we do not know says nothing that we would need.
func TestUnknownRecords(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := started(t, newWorld())
		for _, typ := range []string{daemonStarted, "app.praised"} {
			text, err := json.Marshal(map[string]any{"version": "1.1.0", "level": Level, "praise": "much"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.Journal.Append(journal.Record{Actor: anna, Type: typ, App: capakraken, Data: text}); err != nil {
				t.Fatal(err)
			}
		}
		r.stop()
		r.life()
		r.start()
		if s := r.end(r.trigger(rollout.Rotate)); s.Outcome != rollout.Succeeded {
			t.Errorf("it ended %s", s.Outcome)
		}
		r.stop()
	})
}

// torn cuts the end off the last line of a journal, as a crash does with a record that was never acknowledged.
func torn(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, files(t, dir)[0])
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	last := bytes.LastIndexByte(bytes.TrimSuffix(text, []byte("\n")), '\n') + 1
	if err := os.Truncate(path, int64(last+(len(text)-last)/2)); err != nil {
		t.Fatal(err)
	}
}
