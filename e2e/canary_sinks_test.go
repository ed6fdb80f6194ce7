//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/e2e/world"
)

// sinks is all that could have taken up a value, gathered while a stage is played on.
type sinks struct {
	*stage
	socket *http.Client // to the daemon
	mu     sync.Mutex
	texts  map[string]map[string]bool // what was gathered of each kind
}

// gathering begins to gather on a stage, until the test ends.
func gathering(t *testing.T, s *stage) *sinks {
	t.Helper()
	k := &sinks{stage: s, texts: map[string]map[string]bool{}}
	k.socket = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", s.Socket())
	}}}
	ctx, stop := context.WithCancel(context.Background())
	events, err := s.World.Engine.Stream(ctx, "GET", "/events", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var gathering sync.WaitGroup
	gathering.Go(func() { // ends with ctx, which ends the stream
		defer events.Close()
		for lines := bufio.NewScanner(events); lines.Scan(); {
			k.add("events", lines.Text())
		}
	})
	gathering.Go(func() { k.sample(ctx) }) // ends with ctx
	t.Cleanup(func() { stop(); gathering.Wait() })
	return k
}

// add keeps a text of a kind.
func (k *sinks) add(kind, text string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.texts[kind] == nil {
		k.texts[kind] = map[string]bool{}
	}
	k.texts[kind][text] = true
}

// all returns what was gathered of a kind.
func (k *sinks) all(kind string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out strings.Builder
	for text := range k.texts[kind] {
		out.WriteString(text + "\n")
	}
	return out.String()
}

// sample keeps the command lines of processes: those of the daemon and of this process's children often, since they may be
// short, and those of all now and then.
func (k *sinks) sample(ctx context.Context) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		pids := children()
		if i%10 == 0 {
			pids, _ = filepath.Glob("/proc/[0-9]*") // the pattern is a good one
		}
		for _, pid := range pids {
			if line, err := os.ReadFile(filepath.Join("/proc", filepath.Base(pid), "cmdline")); err == nil {
				k.add("command lines", strings.ReplaceAll(string(line), "\x00", " "))
			}
		}
	}
}

// children returns the ids of this process's children, of which the daemon is one.
func children() []string {
	lists, _ := filepath.Glob("/proc/self/task/*/children") // the pattern is a good one
	var pids []string
	for _, list := range lists {
		text, _ := os.ReadFile(list) // the thread may have ended
		pids = append(pids, strings.Fields(string(text))...)
	}
	return pids
}

// command runs a command, keeps what it printed, and expects an exit code.
func (k *sinks) command(code int, args ...string) rig.Result {
	k.t.Helper()
	res := k.run(code, args...)
	k.add("commands", res.String())
	k.look()
	return res
}

// look gathers what stands still for a moment: the Engine's objects, but for the environment that containers were created
// with.
func (k *sinks) look() {
	k.t.Helper()
	ctx := k.t.Context()
	filter := url.Values{"all": {"1"}, "filters": {`{"label":["` + world.Label + `=` + k.World.Run + `"]}`}}
	var containers, images []struct {
		ID string `json:"Id"`
	}
	k.must(k.World.Engine.Call(ctx, "GET", "/containers/json", filter, nil, &containers))
	k.must(k.World.Engine.Call(ctx, "GET", "/images/json", filter, nil, &images))
	for _, c := range containers {
		var is map[string]any
		if err := ignoreGone(k.World.Engine.Call(ctx, "GET", "/containers/"+c.ID+"/json", nil, nil, &is)); err != nil {
			k.t.Fatal(err)
		}
		if config, ok := is["Config"].(map[string]any); ok {
			delete(config, "Env")
		}
		text, err := json.Marshal(is)
		k.must(err)
		k.add("containers", string(text))
	}
	for _, i := range images {
		var is json.RawMessage
		k.must(ignoreGone(k.World.Engine.Call(ctx, "GET", "/images/"+i.ID+"/json", nil, nil, &is)))
		k.add("images", string(is))
	}
}

// ask keeps the daemon's answer to a request.
func (k *sinks) ask(path string) {
	k.t.Helper()
	answer, err := k.socket.Get("http://fairlead" + path)
	k.must(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	k.must(err)
	if answer.StatusCode >= 400 {
		k.t.Errorf("GET %s: %s: %s", path, answer.Status, text)
	}
	k.add("answers", path+"\n"+fmt.Sprint(answer.Header)+"\n"+string(text))
}

// process keeps what the kernel shows of the daemon, and what it has logged. It comes before the daemon ends.
func (k *sinks) process() {
	k.t.Helper()
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", k.PID()))
	k.must(err)
	k.add("the daemon's environment", string(environ))
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", k.PID()))
	k.must(err)
	for line := range strings.Lines(string(limits)) {
		if fields := strings.Fields(line); strings.HasPrefix(line, "Max core file size") && (fields[4] != "0" || fields[5] != "0") {
			k.t.Errorf("the daemon may dump its memory: %s", line)
		}
	}
}

// files returns the files that could hold a value, but for the env file, which must.
func (k *sinks) files() map[string]string {
	k.t.Helper()
	found := map[string]string{}
	for _, pattern := range []string{filepath.Join(k.World.Dir, "*.log"), "core*", filepath.Join(coreDirectory(), "core*")} {
		names, err := filepath.Glob(pattern)
		k.must(err)
		for _, name := range names {
			k.read(name, found)
		}
	}
	k.must(filepath.WalkDir(k.Dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && d.Type().IsRegular() && path != k.EnvFile() {
			k.read(path, found)
		}
		return err
	}))
	return found
}

// read puts a file's content into found.
func (k *sinks) read(name string, found map[string]string) {
	k.t.Helper()
	content, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	k.must(err)
	found[name] = string(content)
}

// coreDirectory returns where the kernel puts the memory of a process that died, if it is a file.
func coreDirectory() string {
	pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	if err != nil || !strings.HasPrefix(string(pattern), "/") {
		return "."
	}
	return filepath.Dir(string(pattern))
}

// findings returns what a hunt finds in all that was gathered, and in all files.
func (k *sinks) findings(h hunt) []string {
	k.t.Helper()
	var out []string
	k.mu.Lock()
	for kind, texts := range k.texts {
		for text := range texts {
			for _, finding := range h.in(text) {
				out = append(out, kind+": "+finding)
			}
		}
	}
	k.mu.Unlock()
	for name, content := range k.files() {
		for _, finding := range h.in(content) {
			out = append(out, "file "+name+": "+finding)
		}
	}
	slices.Sort(out)
	return out
}
