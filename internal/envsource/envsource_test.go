package envsource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/capakraken/fairlead/internal/command"
	"github.com/capakraken/fairlead/internal/envfile"
	"github.com/capakraken/fairlead/internal/fault"
)

// canary stands in every value and in everything that a command says: no error may hold it.
const canary = "c4n4ry-in-an-env-source"

// reader returns a Reader for a daemon that has these variables.
func reader(t *testing.T, variables map[string]string) *Reader {
	t.Helper()
	return New(Options{Caller: "test-" + t.Name(), Policy: envfile.Policy{UID: os.Getuid(), GID: os.Getgid()}, Commands: command.New(os.Getuid()),
		Lookup: func(name string) (string, bool) { v, ok := variables[name]; return v, ok }})
}

// file writes a file with its last name and returns its path.
func file(t *testing.T, name string, content []byte, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// wants fails unless err is a refusal, one of whose problems holds the part, and none the canary.
func wants(t *testing.T, err error, part string) {
	t.Helper()
	if fault.KindOf(err) != fault.Refused || !strings.Contains(fmt.Sprint(fault.ProblemsOf(err)), part) {
		t.Errorf("got %v, want %q", err, part)
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		if strings.Contains(fmt.Sprintf("%+v", e), canary) {
			t.Error("the error holds a value")
		}
	}
}

func TestEnvironment(t *testing.T) {
	r := reader(t, map[string]string{"A": canary, "B": "", "C": canary + "\x00", "D": canary + "\xff"})
	f, err := r.Environment("env[1] environment", []string{"B", "A"})
	if err != nil || f.Env.Value("A").Reveal() != canary || len(f.Env) != 2 {
		t.Fatalf("got %v, %v", f, err)
	}
	if v, _ := f.Env.Lookup("A"); v.Origin.String() != "env[1] environment" {
		t.Errorf("origin %s", v.Origin)
	}
	f, err = r.Environment("env[1] environment", []string{"X", "A", "C", "D"})
	wants(t, err, "the daemon's own environment has no X")
	wants(t, err, "C holds a NUL byte")
	wants(t, err, "D is not in UTF-8")
	if fmt.Sprint(f.Faulty) != "[C D X]" || len(f.Env) != 1 {
		t.Errorf("got %v", f)
	}
}

// sealed encrypts content for a fresh identity, and returns both.
func sealed(t *testing.T, content string, armored bool) (text []byte, identity string) {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	into := io.WriteCloser(nopCloser{&out})
	if armored {
		into = armor.NewWriter(&out)
	}
	w, err := age.Encrypt(into, id.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), into.Close()); err != nil {
		t.Fatal(err)
	}
	return []byte(out.String()), "# created: today\n" + id.String() + "\n"
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func TestAge(t *testing.T) {
	const label = "env[0] age /etc/x.age"
	for _, armored := range []bool{false, true} {
		text, id := sealed(t, "A="+canary+"\nB='x y'\n", armored)
		key := file(t, "key", []byte(id), 0o400)
		r := reader(t, map[string]string{"CREDENTIALS_DIRECTORY": filepath.Dir(key)})
		for _, i := range []Identity{{File: key}, {Credential: "key"}} {
			f, err := r.Age(label, file(t, "x.age", text, 0o644), i)
			if err != nil || f.Env.Value("A").Reveal() != canary || f.Content.IsEmpty() {
				t.Fatalf("got %v, %v", f, err)
			}
			if v, _ := f.Env.Lookup("B"); v.Origin.String() != label+":2" {
				t.Errorf("origin %s", v.Origin)
			}
		}
	}
}

func TestAgeRefuses(t *testing.T) {
	text, id := sealed(t, "A="+canary+"\n", false)
	_, other := sealed(t, "", false)
	bad, badID := sealed(t, "A="+canary+"#x\n", true)
	nothing, nothingID := sealed(t, "", false)
	long, longID := sealed(t, strings.Repeat("A="+canary+"\n", 50_000), false)
	good := file(t, "key", []byte(id), 0o600)
	at := func(name string, content []byte, mode os.FileMode) string { return file(t, name, content, mode) }
	for name, tt := range map[string]struct {
		path string
		key  Identity
		want string
	}{
		"wrong identity":       {at("x", text, 0o644), Identity{File: at("k", []byte(other), 0o600)}, "env[0] age: is not encrypted to "},
		"no identity":          {at("x", text, 0o644), Identity{File: at("k", []byte(canary), 0o600)}, "holds no age identity"},
		"identity for all":     {at("x", text, 0o644), Identity{File: at("k", []byte(id), 0o644)}, "has mode 0644 (wanted: 0640 at most)"},
		"no identity file":     {at("x", text, 0o644), Identity{File: "/no/such/key"}, "/no/such/key: does not exist"},
		"no credential":        {at("x", text, 0o644), Identity{Credential: "none"}, "has no credential none"},
		"no file":              {"/no/such/file", Identity{File: good}, "/no/such/file: does not exist"},
		"a file for all":       {at("x", text, 0o666), Identity{File: good}, "has mode 0666 (wanted: 0644 at most)"},
		"not encrypted":        {at("x", []byte("A="+canary+"\n"), 0o640), Identity{File: good}, "is not a file that age has encrypted"},
		"cut":                  {at("x", text[:len(text)-3], 0o640), Identity{File: good}, "is damaged"},
		"changed":              {at("x", append(text[:len(text)-1:len(text)-1], text[len(text)-1]^1), 0o640), Identity{File: good}, "is damaged"},
		"empty":                {at("x", nil, 0o640), Identity{File: good}, "is empty"},
		"nothing in it":        {at("x", nothing, 0o640), Identity{File: at("k", []byte(nothingID), 0o600)}, "gives nothing"},
		"too much in it":       {at("x", long, 0o640), Identity{File: at("k", []byte(longID), 0o600)}, "more than the 1048576"},
		"a line in doubt":      {at("x", bad, 0o640), Identity{File: at("k", []byte(badID), 0o600)}, "env[0] age:1: the value of A holds a #"},
		"both cannot be read":  {"/no/such/file", Identity{File: "/no/such/key"}, "/no/such/file: does not exist"},
		"both cannot be read2": {"/no/such/file", Identity{File: "/no/such/key"}, "/no/such/key: does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			r := reader(t, map[string]string{"CREDENTIALS_DIRECTORY": filepath.Dir(good)})
			_, err := r.Age("env[0] age", tt.path, tt.key)
			wants(t, err, tt.want)
		})
	}
	_, err := reader(t, nil).Age("env[0] age", at("x", text, 0o644), Identity{Credential: "key"})
	wants(t, err, "$CREDENTIALS_DIRECTORY is not set")
}

func script(t *testing.T, lines string) string {
	t.Helper()
	return file(t, "print", []byte("#!/bin/sh\n"+lines+"\n"), 0o755)
}

func printing(words ...string) Command {
	return Command{Name: "shop-0", Words: words, Timeout: time.Minute, MaxBytes: 1 << 20}
}

func TestExec(t *testing.T) {
	t.Setenv("LEAK", canary)
	r := reader(t, map[string]string{"ADDR": "there", "HIDDEN": "not passed"})
	c := printing(script(t, `echo "A=$1"; echo "B=$ADDR"; echo "C=${HIDDEN-none}${LEAK-none}"; echo D=noise >&2`), canary)
	c.Pass = []string{"ADDR"}
	f, err := r.Exec(t.Context(), "env[0] exec", c)
	if err != nil || f.Env.Value("A").Reveal() != canary || f.Env.Value("B").Reveal() != "there" || f.Env.Value("C").Reveal() != "nonenone" || len(f.Env) != 3 {
		t.Fatalf("got %v, %v", f, err)
	}
	if v, _ := f.Env.Lookup("B"); v.Origin.String() != "env[0] exec:2" {
		t.Errorf("origin %s", v.Origin)
	}
	c = printing(script(t, `printf '%s' '{"A": "`+canary+`", "B": "x\ny"}'`))
	c.JSON = true
	f, err = r.Exec(t.Context(), "env[0] exec", c)
	if err != nil || f.Env.Value("A").Reveal() != canary || f.Env.Value("B").Reveal() != "x\ny" || !f.Content.IsEmpty() {
		t.Fatalf("got %v, %v", f, err)
	}
}

func TestExecRefuses(t *testing.T) {
	say := "echo " + canary + " >&2; echo A=" + canary + "; "
	for name, tt := range map[string]struct {
		script string
		change func(*Command)
		want   string
	}{
		"exit code":      {say + "exit 3", nil, "env[0] exec: its exit code is 3 (what it said is not shown"},
		"signal":         {say + "kill -9 $$", nil, "env[0] exec: it was ended by the signal SIGKILL"},
		"timeout":        {say + "sleep 300", func(c *Command) { c.Timeout = 200 * time.Millisecond }, "env[0] exec: did not end within 200ms, and was ended"},
		"too much":       {say + "while :; do echo A=" + canary + "; done", func(c *Command) { c.MaxBytes = 1000 }, "env[0] exec: gives more than the 1000 bytes"},
		"nothing":        {"echo " + canary + " >&2", nil, "env[0] exec: gives nothing"},
		"no environment": {"echo '" + canary + "'", nil, "env[0] exec:1: the line has no ="},
		"no JSON":        {"echo " + canary, func(c *Command) { c.JSON = true }, "env[0] exec:1: is not one JSON object"},
		"not passed":     {say, func(c *Command) { c.Pass = []string{"TOKEN"} }, "has no TOKEN to pass on"},
		"not there":      {say, func(c *Command) { c.Words = []string{"/no/such/client"} }, "env[0] exec: /no/such/client: does not exist"},
		"of everybody":   {say, func(c *Command) { _ = os.Chmod(c.Words[0], 0o777) }, "may be written by more than its owner"},
		"not executable": {say, func(c *Command) { _ = os.Chmod(c.Words[0], 0o644) }, "may not be executed"},
	} {
		t.Run(name, func(t *testing.T) {
			c := printing(script(t, tt.script))
			if tt.change != nil {
				tt.change(&c)
			}
			_, err := reader(t, nil).Exec(t.Context(), "env[0] exec", c)
			wants(t, err, tt.want)
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := reader(t, nil).Exec(ctx, "env[0] exec", printing("/bin/true")); err == nil || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Two who read one source at a time do not end each other's command.
func TestExecOneByOne(t *testing.T) {
	lock := filepath.Join(t.TempDir(), "lock")
	path := script(t, `mkdir `+lock+` || exit 1; sleep 0.05; rmdir `+lock+`; echo A=b`)
	r := reader(t, nil)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if _, err := r.Exec(t.Context(), "env[0] exec", printing(path)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// The time that a command has is its own: what others took before it does not count.
func TestExecHasItsOwnTime(t *testing.T) {
	path := script(t, "sleep 1; echo A=b")
	c := printing(path)
	c.Timeout = 4 * time.Second
	r := reader(t, nil)
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			if _, err := r.Exec(t.Context(), "env[0] exec", c); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// A process that is not the daemon says so of what only the daemon can read, and runs nothing.
func TestElsewhere(t *testing.T) {
	r := reader(t, nil)
	r.Elsewhere = true
	text, _ := sealed(t, "A=b\n", false)
	mark := filepath.Join(t.TempDir(), "mark")
	_, one := r.Environment("env[0] environment", []string{"A"})
	_, two := r.Age("env[1] age", file(t, "x", text, 0o640), Identity{Credential: "key"})
	_, three := r.Exec(t.Context(), "env[2] exec", printing(script(t, "touch "+mark)))
	for _, err := range []error{one, two, three} {
		if u, ok := errors.AsType[*envfile.Unseen](err); !ok || u.Source == "" {
			t.Errorf("got %v", err)
		}
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("it was run")
	}
	_, err := r.Exec(t.Context(), "env[2] exec", printing("/no/such/client"))
	wants(t, err, "does not exist")
}
