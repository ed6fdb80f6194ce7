package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
)

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	good := script(t, ":")
	path := func(name string) string { return filepath.Join(dir, name) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, mode := range map[string]os.FileMode{"group": 0o775, "others": 0o757, "plain": 0o644} {
		must(os.WriteFile(path(name), []byte("#!/bin/sh\n"), 0o600))
		must(os.Chmod(path(name), mode))
	}
	must(os.Mkdir(path("open"), 0o700))
	must(os.WriteFile(path("open/hook"), []byte("#!/bin/sh\n"), 0o755))
	must(os.Chmod(path("open"), 0o777))
	must(os.Symlink(good, path("link")))
	must(os.Symlink(path("group"), path("link-to-group")))
	must(os.Symlink(good, path("open/link")))
	must(os.Symlink("loop", path("loop")))
	for program, want := range map[string]string{
		good:                  "",
		"/bin/true":           "",
		path("link"):          "",
		path("nowhere"):       "does not exist",
		path("plain/hook"):    "cannot be looked at (not a directory)",
		path("loop"):          "cannot be looked at (for an unknown reason)",
		dir:                   "is not a file",
		path("group"):         "may be written by more than its owner (mode 0775); mend it with: chmod go-w",
		path("others"):        "may be written by more than its owner (mode 0757)",
		path("plain"):         "may not be executed",
		path("link-to-group"): "may be written by more than its owner",
		path("open/hook"):     "lies below " + path("open") + ", where everybody may replace it",
		path("open/link"):     "lies below " + path("open") + ", where everybody may replace it",
	} {
		problems := host().Check(program)
		switch {
		case want == "" && len(problems) > 0:
			t.Errorf("%s: %v", program, problems)
		case want != "" && (len(problems) == 0 || !strings.HasPrefix(problems[0].String(), program+": "+want)):
			t.Errorf("%s: got %v, want %q", program, problems, want)
		}
	}
}

// A program of somebody else is as bad as one that somebody else may write to.
func TestCheckOwner(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give a file away")
	}
	mine := script(t, ":")
	if err := os.Chown(mine, 4711, -1); err != nil {
		t.Fatal(err)
	}
	if got := host().Check(mine); len(got) != 1 || !strings.Contains(got[0].What, "belongs to uid 4711") {
		t.Errorf("the file: %v", got)
	}
	if got := (&Host{uid: 4711}).Check(mine); len(got) != 0 {
		t.Errorf("the daemon's own file: %v", got)
	}
	if _, err := run(t, []string{mine}); fault.KindOf(err) != fault.Refused || !strings.Contains(fault.Text(err), "its program may not be run: "+mine+": belongs to uid 4711") {
		t.Errorf("it was run: %v", err)
	}
	other := script(t, ":")
	if err := os.Chown(filepath.Dir(other), 4711, -1); err != nil {
		t.Fatal(err)
	}
	if got := host().Check(other); len(got) != 1 || !strings.Contains(got[0].What, "which belongs to uid 4711, who may replace it") {
		t.Errorf("the directory: %v", got)
	}
}
