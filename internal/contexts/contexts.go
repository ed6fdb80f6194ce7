// Package contexts keeps the daemons that a user works with: a name for each, and how it is reached. They stand in a file
// of the user's own, which holds no secret: ssh keeps its keys.
package contexts

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"

	"go.yaml.in/yaml/v4"

	"github.com/capakraken/fairlead/internal/fault"
)

// Local is the name of the daemon of this host, which needs no context.
const Local = "local"

// Context is one daemon by a name.
type Context struct {
	Name   string `yaml:"name" json:"name"`
	Target string `yaml:"target" json:"target"` // as it was given
}

// Store is the file's content.
type Store struct {
	// Current is the context that is used where none is named; empty for the daemon of this host.
	Current  string    `yaml:"current,omitempty"`
	Contexts []Context `yaml:"contexts"` // sorted by their names
}

// maxBytes bounds the file.
const maxBytes = 1 << 20

// Path returns where a user's contexts are kept: in XDG_CONFIG_HOME, or in .config below the home directory.
func Path(getenv func(string) string) (string, error) {
	base := getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(base) { // the specification has a relative one ignored
		home := getenv("HOME")
		if !filepath.IsAbs(home) {
			return "", fault.New(fault.Usage, "there is no place for contexts: neither XDG_CONFIG_HOME nor HOME is set to an absolute path")
		}
		base = filepath.Join(home, ".config")
	}
	return filepath.Join(base, "fairlead", "contexts.yaml"), nil
}

// Load reads the contexts. A file that is not there holds none.
func Load(path string) (Store, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Store{}, nil
	}
	if err != nil {
		return Store{}, fault.Hide(err, fault.Usage, "%s cannot be read: see its owner and mode", path)
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil || len(text) > maxBytes {
		return Store{}, fault.Hide(err, fault.Usage, "%s cannot be read, or is longer than %d bytes", path, maxBytes)
	}
	var s Store
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&s); err != nil && !errors.Is(err, io.EOF) {
		return Store{}, fault.Hide(err, fault.Usage, "%s is not what 'fairlead context' writes: mend it or remove it, and add the contexts anew", path)
	}
	for i, c := range s.Contexts {
		if err := check(c); err != nil {
			return Store{}, fault.Hide(err, fault.Usage, "%s: %s", path, fault.Text(err))
		}
		if slices.ContainsFunc(s.Contexts[:i], func(o Context) bool { return o.Name == c.Name }) {
			return Store{}, fault.New(fault.Usage, "%s: the context %s stands there twice: remove one", path, c.Name)
		}
	}
	if _, ok := s.Find(s.Current); s.Current != "" && !ok {
		return Store{}, fault.New(fault.Usage, "%s: the current context %q is none of those that stand there: choose one with 'fairlead context use'", path, s.Current)
	}
	s.sort()
	return s, nil
}

// Change reads the contexts, changes them and writes them, one caller at a time.
func Change(path string, change func(*Store) error) error {
	unlock, err := lock(path)
	if err != nil {
		return err
	}
	defer unlock()
	s, err := Load(path)
	if err == nil {
		err = change(&s)
	}
	if err != nil {
		return err
	}
	return s.save(path)
}

// lock keeps other callers out until it is called back. The kernel takes the lock away from one that dies.
func lock(path string) (unlock func(), err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Hide(err, fault.Unavailable, "%s cannot be made: see who may write there; nothing was changed", dir)
	}
	f, err := os.Open(dir)
	if err == nil {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		return nil, fault.Hide(err, fault.Unavailable, "%s cannot be locked; nothing was changed", dir)
	}
	return func() { _ = f.Close() }, nil
}

// save writes the contexts, readable by the user alone: all of them or, if it fails, none.
func (s Store) save(path string) error {
	text, err := yaml.Marshal(s)
	if err != nil {
		return fault.Hide(err, fault.Internal, "the contexts cannot be written as YAML")
	}
	if err := replace(path, text); err != nil {
		return fault.Hide(err, fault.Unavailable, "%s cannot be written: see the disk's space and who may write there; nothing was changed", path)
	}
	return nil
}

// replace puts text into the place of a file, through one beside it, so that a crash leaves the old or the new one.
func replace(path string, text []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".contexts-") // made with mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err = cmp.Or(err, f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	return dir.Sync()
}

// Find returns the context with a name.
func (s Store) Find(name string) (Context, bool) {
	i := slices.IndexFunc(s.Contexts, func(c Context) bool { return c.Name == name })
	if i < 0 {
		return Context{}, false
	}
	return s.Contexts[i], true
}

// Add adds a context. One with its name is never replaced.
func (s *Store) Add(c Context) error {
	if err := check(c); err != nil {
		return err
	}
	if old, ok := s.Find(c.Name); ok {
		return fault.New(fault.Conflict, "there is a context %s already (%s): remove it first with 'fairlead context remove %s', or choose another name; nothing was changed", c.Name, old.Target, c.Name)
	}
	s.Contexts = append(s.Contexts, c)
	s.sort()
	return nil
}

// Remove takes a context away. Where it was the current one, that is the daemon of this host again.
func (s *Store) Remove(name string) error {
	if _, ok := s.Find(name); !ok {
		return Unknown(name)
	}
	s.Contexts = slices.DeleteFunc(s.Contexts, func(c Context) bool { return c.Name == name })
	if s.Current == name {
		s.Current = ""
	}
	return nil
}

// Use makes a context the current one. Local, or "", is the daemon of this host.
func (s *Store) Use(name string) error {
	if name == Local || name == "" {
		s.Current = ""
		return nil
	}
	if _, ok := s.Find(name); !ok {
		return Unknown(name)
	}
	s.Current = name
	return nil
}

func (s *Store) sort() {
	slices.SortFunc(s.Contexts, func(a, b Context) int { return cmp.Compare(a.Name, b.Name) })
}

// Unknown says that there is no context of a name.
func Unknown(name string) error {
	return fault.New(fault.NotFound, "there is no context %q: 'fairlead context list' shows those that there are, and 'fairlead context add' makes one", name)
}

// usable is what a context may be called: no path, no option, and never what a report's file is called.
var usable = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)

// check returns what is wrong with a context.
func check(c Context) error {
	switch {
	case !usable.MatchString(c.Name):
		return fault.New(fault.Usage, "%q is not a usable name for a context: use letters, digits, hyphens and _, 63 at most, beginning with a letter or digit", c.Name)
	case c.Name == Local, c.Name == "run":
		return fault.New(fault.Usage, "%q cannot be the name of a context: it means something else already; choose another", c.Name)
	}
	_, err := ParseTarget(c.Target)
	return err
}
