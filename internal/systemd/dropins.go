// Package systemd has the host's service manager look after an app: it writes the drop-ins of the units' instances that
// are called after the app, and asks systemctl to take them up. What is written holds names and paths, and nothing of any
// file's content. The units themselves are installed with Fairlead, and never changed.
package systemd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/capakraken/fairlead/internal/fault"
)

// Dir is where a host's own units and drop-ins are.
const Dir = "/etc/systemd/system"

// dropIn is what each drop-in is called, so that an operator's own ones stand beside it.
const dropIn = "50-fairlead.conf"

// Mode says what is done when an env file has changed.
type Mode string

// The modes.
const (
	Validate Mode = "validate" // the files are checked, and what is wrong is told; the exit code is the unit's
	Rotate   Mode = "rotate"   // the app is rotated, if the change means anything
)

// Plan is how one app is looked after.
type Plan struct {
	App      string
	Files    []string // the env files, absolute
	OnChange Mode
	Schedule string // when it is looked for what nothing told of; empty for the units' own times
	Residue  bool   // the app has a legacy database, which is looked at from time to time
}

// Validate returns what keeps the plan from being written into units.
func (p Plan) Validate() error {
	if p.OnChange != Validate && p.OnChange != Rotate {
		return fault.New(fault.Usage, "--on-change is %q, where validate or rotate belongs", p.OnChange)
	}
	if strings.ContainsFunc(p.Schedule, control) {
		return fault.New(fault.Usage, "--schedule holds more than one line")
	}
	if len(p.Files) == 0 {
		return fault.New(fault.Refused, "%s has no env file, so there is nothing to look after", p.App)
	}
	for _, file := range p.Files {
		if !path.IsAbs(file) || strings.ContainsFunc(file, control) || strings.TrimSpace(file) != file || strings.HasSuffix(file, `\`) {
			return fault.New(fault.Refused, "%q cannot be written into a unit; give the file a plain name", file)
		}
	}
	return nil
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

// Units returns the units that look after the app, in the order in which they are enabled.
func (p Plan) Units() []string {
	units := []string{Instance("change", p.App, "path"), Instance("change", p.App, "timer")}
	if p.Residue {
		units = append(units, Instance("residue", p.App, "timer"))
	}
	return units
}

// Instance returns the name of an app's unit, such as fairlead-change@shop.path.
func Instance(what, app, kind string) string { return "fairlead-" + what + "@" + app + "." + kind }

// DropIn is one file that belongs below Dir.
type DropIn struct {
	Path    string // such as fairlead-change@shop.path.d/50-fairlead.conf
	Content string
}

// DropIns returns the files that carry the plan out.
func (p Plan) DropIns() []DropIn {
	var watched strings.Builder
	for _, file := range p.Files {
		watched.WriteString("PathChanged=" + literal(file) + "\n")
	}
	out := []DropIn{
		p.dropIn("change", "path", "[Path]\n"+watched.String()),
		p.dropIn("change", "service", fmt.Sprintf("[Service]\nEnvironment=FAIRLEAD_ON_CHANGE=%s\n", p.OnChange)),
	}
	if p.Schedule != "" {
		timer := "[Timer]\nOnCalendar=\nOnCalendar=" + literal(p.Schedule) + "\n"
		out = append(out, p.dropIn("change", "timer", timer))
		if p.Residue {
			out = append(out, p.dropIn("residue", "timer", timer))
		}
	}
	return out
}

func (p Plan) dropIn(what, kind, content string) DropIn {
	return DropIn{Path: path.Join(Instance(what, p.App, kind)+".d", dropIn),
		Content: "# Written by: fairlead systemd enable " + p.App + ". Changes are lost; a drop-in of another name beside this one stays.\n" + content}
}

// literal returns s as a unit's value that stands for itself.
func literal(s string) string { return strings.ReplaceAll(s, "%", "%%") }

// every are the kinds of drop-ins that a plan may have.
var every = [][2]string{{"change", "path"}, {"change", "service"}, {"change", "timer"}, {"residue", "timer"}}

// Write puts the plan's drop-ins below dir, each as a whole or not at all, and takes away what an earlier plan of the app
// left there that this one does not have. It may be called again, also after it failed halfway.
func (p Plan) Write(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return failed(dir, "cannot be opened", err)
	}
	defer root.Close() //nolint:errcheck // every file is synced and closed by itself
	wanted := p.DropIns()
	for _, d := range wanted {
		if err := replace(root, d); err != nil {
			return failed(path.Join(dir, d.Path), "cannot be written", err)
		}
	}
	return forget(root, dir, p.App, func(name string) bool {
		return slices.ContainsFunc(wanted, func(d DropIn) bool { return d.Path == name })
	})
}

// Remove takes the drop-ins of the app away. What is not there is no fault, and what is not ours stays.
func Remove(dir, app string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return failed(dir, "cannot be opened", err)
	}
	defer root.Close() //nolint:errcheck // nothing was written
	return forget(root, dir, app, func(string) bool { return false })
}

func forget(root *os.Root, dir, app string, stays func(string) bool) error {
	for _, k := range every {
		name := path.Join(Instance(k[0], app, k[1])+".d", dropIn)
		if stays(name) {
			continue
		}
		if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return failed(path.Join(dir, name), "cannot be removed", err)
		}
		_ = root.Remove(path.Dir(name)) // unless somebody else has a drop-in there
	}
	return nil
}

// replace writes a file that is seen old or new and never in between, also after a power failure.
func replace(root *os.Root, d DropIn) error {
	if err := root.MkdirAll(path.Dir(d.Path), 0o755); err != nil {
		return err
	}
	next := d.Path + ".new" // systemd reads nothing that does not end in .conf
	if err := root.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := root.OpenFile(next, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(d.Content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := root.Rename(next, d.Path); err != nil {
		return err
	}
	folder, err := root.Open(path.Dir(d.Path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

func failed(where, what string, err error) error {
	why := "for an unknown reason"
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		why = e.Err.Error()
	}
	fix := ""
	if errors.Is(err, fs.ErrPermission) {
		fix = "; run this as root"
	}
	return fault.Hide(err, fault.Unavailable, "%s: %s: %s%s", where, what, why, fix)
}
