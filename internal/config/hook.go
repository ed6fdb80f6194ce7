package config

import (
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/capakraken/fairlead/internal/secret"
)

// Hook is a command of the host that is called beside a step. Its words reach the program as they stand in the file: no
// shell sees them.
type Hook struct {
	Before  bool   // its step; else it is called after it
	Step    string // one of HookSteps
	Name    string // for people; that of the program where the file gives none
	Command []string
	Timeout time.Duration
}

// DefaultHookTimeout is how long a hook may take that says nothing else.
const DefaultHookTimeout = time.Minute

// maxHooks is how many hooks an app may have: each one's last lines are kept in the journal.
const maxHooks = 16

// hookName is what a hook may be called.
var hookName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// HookSteps returns the steps that a hook can stand beside. A revert has none: nothing must keep it from putting back
// what ran before.
func HookSteps() []string { return []string{"validate", "pull", "restart", "verify", "clear"} }

// readHooks reads the commands that are called beside the steps, in the order in which they are called.
func readHooks(f field) []Hook {
	var hooks []Hook
	for i, e := range f.list() {
		if i == maxHooks {
			f.bad("has more than 16 hooks", "let one program do what several do beside the same step")
		}
		m := e.only("before", "after", "command", "timeout", "name")
		h := Hook{Timeout: m.get("timeout").duration(DefaultHookTimeout, time.Second, time.Hour)}
		h.Before, h.Step = m.beside()
		h.Command = m.need("command", "write the program and its words, such as [/usr/local/bin/drain, web]").program()
		h.Name = m.hookName(h.Command)
		same := func(o Hook) bool { return o.Before == h.Before && o.Step == h.Step && o.Name == h.Name }
		if h.Name != "" && h.Step != "" && slices.ContainsFunc(hooks, same) {
			e.bad("is called "+h.Name+", as another one beside the same step is", "give it a name of its own, so that people can tell which one failed")
		}
		hooks = append(hooks, h)
	}
	return hooks
}

// beside returns on which side of which step a hook stands.
func (m mapping) beside() (before bool, step string) {
	switch b, a := m.has("before"), m.has("after"); {
	case b && a:
		m.get("after").bad("stands beside before", "keep one, and write a hook of its own for the other")
		return true, ""
	case !b && !a:
		if m.set() {
			m.bad("does not say when it is called", "write before: STEP or after: STEP, such as before: restart")
		}
		return false, ""
	case b:
		return true, m.get("before").step()
	}
	return false, m.get("after").step()
}

// step returns the name of a step.
func (f field) step() string {
	s := f.text()
	if s != "" && !slices.Contains(HookSteps(), s) {
		f.bad("is not a step that has hooks", "write one of "+strings.Join(HookSteps(), ", "))
		return ""
	}
	return s
}

// program returns the words of a command that the host runs: the program by its path, and what it is given.
func (f field) program() []string {
	if f.isEmptyList() {
		f.bad("is empty", "write the program and its words, such as [/usr/local/bin/drain, web]")
		return nil
	}
	if f.isText() {
		f.bad("must be a list: no shell takes a text apart", "write each word as an element, such as [/usr/local/bin/drain, web]")
		return nil
	}
	var words []string
	for i, e := range f.list() {
		word := ""
		if i == 0 {
			word = e.absolute()
		} else {
			word = e.text()
		}
		if strings.ContainsRune(word, 0) {
			e.bad("holds a NUL, which no program can be given", "take it out")
		}
		if i > 0 && writtenOut(words[i-1], word) {
			e.bad("seems to be a secret that is written out: everybody could read it in the list of processes, and the journal would keep it", "let the program read it from a file of its own")
		}
		words = append(words, word)
	}
	return words
}

// writtenOut tells whether a word of a command seems to be a secret: the value of an option whose name says so, or an
// address with a password. The path of a file that holds one is none.
func writtenOut(before, word string) bool {
	option, value := before, word
	if name, v, joined := strings.Cut(word, "="); joined {
		option, value = name, v
	} else if !strings.HasPrefix(before, "-") || strings.Contains(before, "=") {
		option = ""
	}
	if u, err := url.Parse(value); err == nil && u.User != nil {
		_, set := u.User.Password()
		return set
	}
	return value != "" && value[0] != '/' && value[0] != '-' && secret.LooksSecret(option)
}

// hookName returns the hook's name: the one it is given, or its program's.
func (m mapping) hookName(command []string) string {
	f, name := m.get("name"), ""
	switch {
	case m.has("name"):
		name = f.text()
	case len(command) > 0 && command[0] != "":
		name = filepath.Base(command[0])
	}
	if name != "" && !hookName.MatchString(name) {
		f.bad("is not a usable name for a hook", "use letters, digits, dots, hyphens and _, 63 at most, beginning with a letter or digit")
	}
	return name
}
