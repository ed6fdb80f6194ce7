package systemd

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/fault"
)

// tree returns every file below dir with what it holds.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil || d.IsDir() {
			out[name+"/"] = ""
			return err
		}
		content, err := os.ReadFile(path)
		_, own, _ := strings.Cut(string(content), "\n")
		out[name] = own
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	p := Plan{App: "shop", Files: []string{"/etc/shop/.env", "/srv/100% of/env"}, OnChange: Rotate, Schedule: "Mon..Fri 03:00", Residue: true}
	timer := "[Timer]\nOnCalendar=\nOnCalendar=Mon..Fri 03:00\n"
	want := map[string]string{
		"fairlead-change@shop.path.d/": "", "fairlead-change@shop.path.d/50-fairlead.conf": "[Path]\nPathChanged=/etc/shop/.env\nPathChanged=/srv/100%% of/env\n",
		"fairlead-change@shop.service.d/": "", "fairlead-change@shop.service.d/50-fairlead.conf": "[Service]\nEnvironment=FAIRLEAD_ON_CHANGE=rotate\n",
		"fairlead-change@shop.timer.d/": "", "fairlead-change@shop.timer.d/50-fairlead.conf": timer,
		"fairlead-residue@shop.timer.d/": "", "fairlead-residue@shop.timer.d/50-fairlead.conf": timer,
	}
	for range 2 { // a second time changes nothing
		if err := p.Write(dir); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
			t.Fatal(diff)
		}
	}
	// What a kill has left of a write is in nobody's way.
	if err := os.WriteFile(filepath.Join(dir, "fairlead-change@shop.path.d/50-fairlead.conf.new"), []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	// An operator's own drop-in stays, and what the new plan lacks goes.
	own := "fairlead-change@shop.timer.d/own.conf"
	if err := os.WriteFile(filepath.Join(dir, own), []byte("#\n[Timer]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.Schedule, p.OnChange = "", Validate
	if err := p.Write(dir); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{"fairlead-change@shop.timer.d/50-fairlead.conf", "fairlead-residue@shop.timer.d/50-fairlead.conf", "fairlead-residue@shop.timer.d/"} {
		delete(want, gone)
	}
	want[own], want["fairlead-change@shop.service.d/50-fairlead.conf"] = "[Timer]\n", "[Service]\nEnvironment=FAIRLEAD_ON_CHANGE=validate\n"
	if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
		t.Error(diff)
	}
	for range 2 {
		if err := Remove(dir, "shop"); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(map[string]string{"fairlead-change@shop.timer.d/": "", own: "[Timer]\n"}, tree(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestWhatCannotBeWritten(t *testing.T) {
	good := Plan{App: "shop", Files: []string{"/etc/env"}, OnChange: Validate}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*Plan){
		"--on-change":          func(p *Plan) { p.OnChange = "deploy" },
		"more than one line":   func(p *Plan) { p.Schedule = "daily\nExecStart=/bin/x" },
		"no env file":          func(p *Plan) { p.Files = nil },
		"cannot be written in": func(p *Plan) { p.Files = []string{"/etc/e\nv"} },
		`"etc/env"`:            func(p *Plan) { p.Files = []string{"etc/env"} },
		`"/etc/env "`:          func(p *Plan) { p.Files = []string{"/etc/env "} },
	} {
		p := good
		change(&p)
		if err := p.Validate(); err == nil || !strings.Contains(fault.Text(err), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := good.Write(filepath.Join(t.TempDir(), "nowhere")); fault.KindOf(err) != fault.Unavailable || !strings.Contains(fault.Text(err), "no such file") {
		t.Errorf("a folder that is not there: %v", err)
	}
}
