package contexts

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
)

// An address is a socket of this host or a host behind ssh, and nothing that ssh or a shell would read otherwise.
func TestTargets(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Target{
		"unix:///run/fairlead/fairlead.sock":    {Socket: "/run/fairlead/fairlead.sock"},
		"ssh://staging":                         {Host: "staging"},
		"ssh://[fe80::1%25eth0]":                {Host: "fe80::1%eth0"},
		"ssh://ops@staging.example.com:2222/":   {Host: "staging.example.com", User: "ops", Port: 2222},
		"ssh://ops@[2001:db8::1]:22/run/f.sock": {Host: "2001:db8::1", User: "ops", Port: 22, Socket: "/run/f.sock"},
	} {
		got, err := ParseTarget(text)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "staging", "tcp://host:1", "http://host", "unix://host/run/x", "unix://run/x", "unix:///", "unix:///run/../x", "unix:run/x",
		"ssh://", "ssh://-oProxyCommand=x", "ssh://-oProxyCommand%3Dtouch", "ssh://-l@host", "ssh://a%20b@host", "ssh://a:b@host", "ssh://ho%20st", "ssh://host:0",
		"ssh://host:65536", "ssh://host/run/x;reboot", "ssh://host/run/$(reboot)", "ssh://host/run/a b", "ssh://host/-x/../y", "ssh://host?x=1", "ssh://host#x",
		"ssh://host\n/x", "ssh://" + strings.Repeat("a", 2000), "ssh://;@host", "ssh://[fe80::1%25$(touch%20x)]", "ssh://[fe80::1%25;id;]", "ssh://@host/x'y"} {
		if got, err := ParseTarget(text); err == nil || fault.KindOf(err) != fault.Usage {
			t.Errorf("%q is taken: %+v, %v", text, got, err)
		}
	}
}

// No text that is taken can be read by ssh or a shell as anything but words.
func FuzzTarget(f *testing.F) {
	f.Add("ssh://ops@host:22/run/x.sock")
	f.Add("unix:///run/x")
	f.Add("ssh://-oProxyCommand=x")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseTarget(text)
		if err != nil {
			return
		}
		if got.Host == "" {
			if !filepath.IsAbs(got.Socket) {
				t.Errorf("%q: %+v", text, got)
			}
			return
		}
		for _, word := range []string{got.Host, got.User, got.Socket} {
			if strings.HasPrefix(word, "-") || strings.ContainsAny(word, " \t\n'\"\\$`;&|<>(){}*?!~#=\x00") {
				t.Errorf("%q hands on %q", text, word)
			}
		}
	})
}

// The file is the user's alone, keeps what it was given, and survives callers at once.
func TestStore(t *testing.T) {
	t.Parallel()
	path, err := Path(func(name string) string {
		return map[string]string{"HOME": t.TempDir(), "XDG_CONFIG_HOME": "relative"}[name]
	})
	if err != nil || !strings.HasSuffix(path, "/.config/fairlead/contexts.yaml") {
		t.Fatalf("%s, %v", path, err)
	}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			if err := Change(path, func(s *Store) error { return s.Add(Context{fmt.Sprintf("c%d", i), "ssh://host"}) }); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	s, err := Load(path)
	if err != nil || len(s.Contexts) != 8 || s.Contexts[7].Name != "c7" {
		t.Fatalf("%+v, %v", s, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("%v is left, %v", left, err)
	}
	for name, change := range map[string]func(*Store) error{
		"again":     func(s *Store) error { return s.Add(Context{"c1", "ssh://other"}) },
		"an option": func(s *Store) error { return s.Add(Context{"-c", "ssh://other"}) },
		"a path":    func(s *Store) error { return s.Add(Context{"a/b", "ssh://other"}) },
		"local":     func(s *Store) error { return s.Add(Context{Local, "ssh://other"}) },
		"run":       func(s *Store) error { return s.Add(Context{"run", "ssh://other"}) },
		"remove":    func(s *Store) error { return s.Remove("c9") },
		"use":       func(s *Store) error { return s.Use("c9") },
	} {
		if err := Change(path, change); err == nil {
			t.Errorf("%s: done", name)
		}
	}
	if err := Change(path, func(s *Store) error { return s.Use("c3") }); err != nil {
		t.Fatal(err)
	}
	if err := Change(path, func(s *Store) error { return s.Remove("c3") }); err != nil {
		t.Fatal(err)
	}
	if s, err = Load(path); err != nil || s.Current != "" || len(s.Contexts) != 7 {
		t.Errorf("%+v, %v", s, err)
	}
}

// A file that somebody has damaged is refused as a whole, and not used in part.
func TestDamaged(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no yaml":     "contexts: [",
		"unknown key": "contexts: []\npassword: x\n",
		"an option":   "contexts: [{name: a, target: 'ssh://-oProxyCommand=x'}]\n",
		"twice":       "contexts: [{name: a, target: 'ssh://x'}, {name: a, target: 'ssh://y'}]\n",
		"current":     "current: b\ncontexts: [{name: a, target: 'ssh://x'}]\n",
		"too long":    strings.Repeat("#", maxBytes+1),
	} {
		path := filepath.Join(t.TempDir(), "contexts.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := Load(path); err == nil {
			t.Errorf("%s: %+v", name, s)
		}
	}
}
