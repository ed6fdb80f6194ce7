// Package internal_test holds the walls between the rooms. They are part of the design: a room that needs another one
// either belongs on a higher floor, or asks for what it needs through an interface of its own.
package internal_test

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/capakraken/fairlead/"

// ground is the floor that every room may stand on.
var ground = []string{"fault", "secret", "workload", "rollout", "parity"}

// rooms says what each room may import. An import goes only downwards.
var rooms = map[string][]string{
	"fault":        nil,
	"failpoint":    nil,
	"secret":       {"fault"},
	"workload":     {"fault", "secret"},
	"rollout":      {"fault", "secret", "workload"},
	"parity":       {"fault", "workload"},
	"journal":      {"failpoint", "fault"},
	"lint":         {"fault", "secret", "envfile"},
	"config":       {"fault", "secret", "workload", "parity", "lint"},
	"compose":      {"fault", "secret", "workload"},
	"envfile":      {"fault", "secret"},
	"engine":       {"failpoint", "fault", "secret", "workload"},
	"probe":        {"fault", "secret", "workload"},
	"legacysql":    nil,
	"legacy":       {"failpoint", "fault", "secret", "legacysql"},
	"command":      {"fault"},
	"hook":         {"fault", "command"},
	"envsource":    {"fault", "secret", "envfile", "command"},
	"systemd":      {"fault"},
	"draft":        {"fault", "secret", "workload"},
	"contexts":     {"fault"},
	"dial":         {"fault"},
	"steps":        and(ground, "failpoint", "journal", "config", "compose", "envfile", "lint"),
	"orchestrator": and(ground, "failpoint", "journal", "steps"),
	"doctor":       and(ground, "config", "steps"),
	"api":          ground,
	"server":       and(ground, "journal", "api", "orchestrator"),
	"cli":          and(ground, "journal", "config", "compose", "envfile", "lint", "api", "draft", "doctor", "systemd", "contexts", "dial", "legacysql"),
	"daemon": and(ground, "failpoint", "journal", "config", "compose", "envfile", "engine", "probe", "legacy", "command", "hook", "envsource", "steps",
		"orchestrator", "doctor", "api", "server"),
}

// libraries says which rooms may know what is not ours and makes a room what it is. A library that is not named here is
// a tool, and free. A path that ends in a slash stands for all below it.
var libraries = map[string][]string{
	"github.com/docker/":               {"engine"},
	"github.com/moby/":                 {"engine"},
	"github.com/containerd/":           {"engine"},
	"github.com/jackc/pgx/":            {"legacy"},
	"github.com/compose-spec/":         {"compose"},
	"github.com/hashicorp/go-envparse": {"envfile"},
	"filippo.io/age":                   {"envsource"},
	"filippo.io/age/":                  {"envsource"},
	"github.com/itchyny/gojq":          {"probe", "config"},
	"go.yaml.in/yaml/":                 {"config", "compose", "draft", "contexts"},
	"github.com/prometheus/":           {"server"},
	"github.com/coreos/go-systemd/":    {"daemon"},
	"github.com/spf13/cobra":           {"cli", "daemon"},
	"go.uber.org/zap":                  {"orchestrator", "server", "daemon"},
	"go.uber.org/zap/":                 {"daemon"},
	"database/sql":                     {},
	"os/exec":                          {"command", "dial", "systemd"}, // of a command's own host, the caller's ssh and systemctl; nothing else is run: the Engine and the database are spoken to
	"net/http/pprof":                   {},                             // a dump of the memory holds the secrets
	"expvar":                           {},
	"runtime/pprof":                    {},
	"plugin":                           {},
	"unsafe":                           {},
	"log":                              {}, // its logger is the whole process's
}

// senses are the packages with which a room sees more than its arguments. The ground floor is pure.
var senses = []string{"context", "io/fs", "log", "math/rand", "net", "os", "runtime", "sync", "syscall", "testing"}

// and returns rooms with more of them.
func and(rooms []string, more ...string) []string { return slices.Concat(rooms, more) }

// pkg is a package as go list tells of it.
type pkg struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string
}

// name returns the package's path below internal, or the whole one where it is not there.
func (p pkg) name() string { return inside(p.ImportPath) }

// forTests tells whether the package only helps tests: it is called after its room, and lies in it.
func (p pkg) forTests() bool {
	room, rest, nested := strings.Cut(p.name(), "/")
	return nested && rest == room+"test"
}

func inside(importPath string) string { return strings.TrimPrefix(importPath, module+"internal/") }

// packages returns those that the daemon may be made of.
func packages(t *testing.T) []pkg {
	t.Helper()
	text, err := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Dir,GoFiles,Imports", "./...", "../cmd/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(text))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if len(p.GoFiles) > 0 {
			all = append(all, p)
		}
	}
	if len(all) < len(rooms)/2 {
		t.Fatalf("only %d packages were found", len(all))
	}
	return all
}

func TestImportsGoDownwards(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		if p.forTests() {
			continue
		}
		allowed, isRoom := rooms[p.name()]
		if !isRoom && p.ImportPath != module+"cmd/fairlead" {
			t.Errorf("%s is a room without a floor: give it one in this table, or put what it does where it belongs", p.ImportPath)
			continue
		}
		if !isRoom {
			allowed = []string{"cli", "daemon"}
		}
		for _, i := range p.Imports {
			if strings.HasPrefix(i, module) && !slices.Contains(allowed, inside(i)) {
				t.Errorf("%s imports %s; it may import only: %s", p.ImportPath, i, strings.Join(allowed, ", "))
			}
		}
	}
}

// The table itself must not let two rooms know each other.
func TestFloorsHaveAnOrder(t *testing.T) {
	t.Parallel()
	var reach func(from, to string) bool
	reach = func(from, to string) bool {
		return slices.ContainsFunc(rooms[from], func(next string) bool { return next == to || reach(next, to) })
	}
	for _, room := range slices.Sorted(maps.Keys(rooms)) {
		for _, below := range rooms[room] {
			if _, ok := rooms[below]; !ok || below == room {
				t.Errorf("%s may import %s, which is no other room", room, below)
			}
		}
		for _, below := range rooms[room] {
			if reach(below, room) {
				t.Fatalf("%s and %s may import each other", room, below)
			}
		}
	}
}

func TestLibrariesStayInTheirRooms(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		if p.forTests() {
			continue
		}
		for _, i := range p.Imports {
			for library, owners := range libraries {
				named := i == library || strings.HasSuffix(library, "/") && strings.HasPrefix(i, library)
				if named && !slices.Contains(owners, p.name()) {
					t.Errorf("%s imports %s, which only these may know: %v", p.ImportPath, i, owners)
				}
			}
		}
	}
}

func TestGroundFloorIsPure(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		if !slices.Contains(ground, p.name()) {
			continue
		}
		for _, i := range p.Imports {
			if slices.Contains(senses, i) || strings.HasPrefix(i, "os/") || path.Base(i) == "rand" || strings.Contains(i, ".") && !strings.HasPrefix(i, module) {
				t.Errorf("%s imports %s, and is pure no more", p.ImportPath, i)
			}
		}
	}
}
