package lint_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-envparse"

	"github.com/capakraken/fairlead/internal/envfile"
	"github.com/capakraken/fairlead/internal/lint"
	"github.com/capakraken/fairlead/internal/secret"
)

// clean tells whether nothing was found.
func clean(r lint.Report) bool { return r.Errors+r.Warnings == 0 }

// fairleads returns what Fairlead reads in text.
func fairleads(t *testing.T, text string) map[string]string {
	t.Helper()
	env, problems := envfile.Parse("f", []byte(text))
	if len(problems) > 0 {
		t.Errorf("nothing was found in what Fairlead refuses: %q", problems)
	}
	read := map[string]string{}
	for _, v := range env {
		read[v.Name] = v.Value.Reveal()
	}
	return read
}

// FuzzReaders holds that what the linter calls clean, or what fixing made so, is read alike by the readers that are
// written in Go.
func FuzzReaders(f *testing.F) {
	for _, text := range corpus(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fixed, _ := lint.Fix(secret.NewValue(text))
		for _, text := range []string{text, fixed.Reveal()} {
			if clean(check(text)) {
				inGo(t, text)
			}
		}
	})
}

func inGo(t *testing.T, text string) {
	t.Helper()
	want := fairleads(t, text)
	if got, err := envparse.Parse(strings.NewReader(text)); err != nil || !maps.Equal(got, want) {
		t.Errorf("go-envparse: %v\n%s", err, cmp.Diff(want, got))
	}
	if got, err := dotenv.UnmarshalBytesWithLookup([]byte(text), nil); err != nil || !maps.Equal(got, want) {
		t.Errorf("Compose: %v\n%s", err, cmp.Diff(want, got))
	}
}

// TestReadersAgree gives files that are clean to real readers. Lines are made at random; those in which the linter
// finds nothing go together into one file.
func TestReadersAgree(t *testing.T) {
	const files, lines = 8, 400
	for seed := range uint64(files) {
		r := rand.New(rand.NewPCG(seed, 1))
		var b strings.Builder
		for n := 0; n < lines; {
			line := randomLine(r, n)
			fixed, _ := lint.Fix(secret.NewValue(line))
			if seed%2 == 1 { // every second file is of fixed lines
				line = fixed.Reveal()
			}
			if clean(check(line)) {
				b.WriteString(line)
				n++
			}
		}
		text := b.String()
		if !clean(check(text)) {
			t.Fatalf("clean lines together are not: %+v", check(text).Findings[0])
		}
		file := filepath.Join(t.TempDir(), "clean.env")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		inGo(t, text)
		want := fairleads(t, text)
		if len(want) < lines/3 {
			t.Errorf("only %d variables", len(want))
		}
		for _, shell := range []string{"bash", "dash"} {
			if got := sourced(t, shell, file); !maps.Equal(got, want) {
				t.Errorf("%s, seed %d:\n%s", shell, seed, cmp.Diff(want, got))
			}
		}
		if got, ok := nodes(t, file); ok && !maps.Equal(got, want) {
			t.Errorf("Node, seed %d:\n%s", seed, cmp.Diff(want, got))
		}
		if got, ok := dockers(t, file); ok && !maps.Equal(got, want) {
			t.Errorf("Docker, seed %d:\n%s", seed, cmp.Diff(want, got))
		}
		maps.DeleteFunc(want, func(_, value string) bool { return value == "" })
		if got, ok := systemds(t, text); ok && !maps.Equal(got, want) {
			t.Errorf("systemd, seed %d:\n%s", seed, cmp.Diff(want, got))
		}
	}
}

// randomLine returns a line that is often an assignment, and seldom a good one.
func randomLine(r *rand.Rand, n int) string {
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	value := func() string {
		var b strings.Builder
		for range r.IntN(8) {
			b.WriteString(pick("x", "Yz", "0", "_", ".", "/", ":", "@", "%", "+", ",", "=", "-", "é", "日", "!", "?", "*", "[", "]", "{", "}", "^", "~", "#", " ", "$", "\\", ";", "&", "\"", "'", "`", "(", "|", "<", "\t", "://", " #", "export "))
		}
		return b.String()
	}
	end := pick("\n", "\n", "\n", "\n", "\r\n", " \n")
	switch r.IntN(12) {
	case 0:
		return "#" + value() + end
	case 1:
		return pick("", " ", "\t") + end
	case 2:
		return pick(" ", "  ", "\t") + fmt.Sprintf("V%d=%s", n, value()) + end
	case 3:
		quote := pick(`"`, `'`)
		return fmt.Sprintf("V%d=%s%s%s%s", n, quote, value(), quote, pick("", " # "+value())) + end
	case 4:
		return fmt.Sprintf("%s%s%d=%s", pick("export ", "", "", "_"), pick("_", "export", "a", "UID"), n, value()) + end
	}
	return fmt.Sprintf("V%d=%s", n, value()) + end
}

// sourced returns what a shell exports that reads the file.
func sourced(t *testing.T, shell, file string) map[string]string {
	t.Helper()
	path, err := exec.LookPath(shell)
	if err != nil {
		t.Skip("there is no " + shell)
	}
	before := exec.CommandContext(t.Context(), path, "-c", "env -0")
	after := exec.CommandContext(t.Context(), path, "-c", `set -a; . "$1"; env -0`, shell, file)
	read := map[string]string{}
	for i, c := range []*exec.Cmd{before, after} {
		c.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"}
		var errs strings.Builder
		c.Stderr = &errs
		out, err := c.Output()
		if err != nil || errs.Len() > 0 {
			t.Errorf("%s: %v: %s", shell, err, &errs)
		}
		for entry := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
			name, value, _ := strings.Cut(entry, "=")
			if i == 0 {
				read[name] = value
			} else if old, ok := read[name]; ok && old == value {
				delete(read, name) // the shell's own
			} else {
				read[name] = value
			}
		}
	}
	return read
}

// TestNamesThatShellsKeep holds that bash does something else with each of these names than to set it.
func TestNamesThatShellsKeep(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash")
	}
	names := []string{"BASHOPTS", "BASHPID", "BASH_COMPAT", "COMP_WORDBREAKS", "DIRSTACK", "EPOCHREALTIME", "EPOCHSECONDS", "EUID", "FUNCNAME", "GROUPS", "HISTCMD", "LINENO",
		"OPTIND", "PIPESTATUS", "PPID", "RANDOM", "SECONDS", "SHELLOPTS", "SHLVL", "SRANDOM", "UID", "_"}
	for _, name := range names {
		if got := broken(check(name + "=5x\n")); strings.Join(got, " ") != "E21" {
			t.Errorf("%s: %v", name, got)
		}
		file := filepath.Join(t.TempDir(), "one.env")
		if err := os.WriteFile(file, []byte(name+"=5x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		c := exec.CommandContext(t.Context(), bash, "-c", `set -a; . "$1"; env -0`, "bash", file)
		var errs strings.Builder
		c.Env, c.Stderr = []string{"PATH=/usr/bin:/bin"}, &errs
		out, _ := c.Output()
		if strings.Contains("\x00"+string(out), "\x00"+name+"=5x\x00") && errs.Len() == 0 {
			t.Errorf("bash simply sets %s", name)
		}
	}
}

// systemds returns what systemd reads in the text, where there is one: its reader of environment.d is that of
// EnvironmentFile= as well, but takes an empty value for none. A value is printed in quotes where it is not plain.
func systemds(t *testing.T, text string) (map[string]string, bool) {
	t.Helper()
	path := "/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator"
	if _, err := os.Stat(path); err != nil {
		return nil, false
	}
	run := func(text string) []string {
		dir := filepath.Join(t.TempDir(), "environment.d")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "clean.conf"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c := exec.CommandContext(t.Context(), path)
		c.Env = []string{"HOME=" + filepath.Dir(dir), "XDG_CONFIG_HOME=" + filepath.Dir(dir)}
		out, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	}
	host := map[string]bool{}
	for _, line := range run("") {
		host[line] = true
	}
	read := map[string]string{}
	for _, line := range run(text) {
		if name, value, ok := strings.Cut(line, "="); ok && !host[line] {
			read[name] = strings.Trim(value, `"`)
		}
	}
	return read, true
}

// nodes returns what Node reads in the file, where there is a Node that can.
func nodes(t *testing.T, file string) (map[string]string, bool) {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		return nil, false
	}
	const program = `console.log(JSON.stringify(require("node:util").parseEnv(require("node:fs").readFileSync(process.argv[1], "utf8"))))`
	out, err := exec.CommandContext(t.Context(), path, "-e", program, file).Output()
	if err != nil {
		return nil, false // an old one
	}
	read := map[string]string{}
	if err := json.Unmarshal(out, &read); err != nil {
		t.Fatal(err)
	}
	return read, true
}
