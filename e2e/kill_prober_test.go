//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
)

// prober looks at a stage's app from outside, and asks neither Fairlead nor the Engine: it sees the app's processes on
// this host, which know their service and their database, and asks web at its published port. It notes every moment at
// which two processes of one service were alive.
type prober struct {
	*rig.Rig
	mine []byte // what only this app's processes have in their environment
	web  *http.Client

	mu      sync.Mutex
	alive   map[string]map[process]bool // by service
	strange map[int]int                 // processes that are not the app's, and how often each was looked at
	doubles []string
}

// process is one that no other one is taken for: process ids come again, and not with the same time of birth.
type process struct {
	id   int
	born string
}

// familiar is after how many looks a stranger is taken for one. What will be the app begins as a process of the Engine's,
// and on a busy machine stays that for seconds.
const familiar = 1000

// probed sets a prober on a stage, from now until the test ends.
func probed(t *testing.T, s *stage) *prober {
	t.Helper()
	direct := &net.Dialer{Timeout: 200 * time.Millisecond}
	p := &prober{Rig: s.Rig, mine: []byte("\x00DATABASE_URL=" + s.Postgres.URL() + "\x00"), alive: map[string]map[process]bool{}, strange: map[int]int{},
		web: &http.Client{Timeout: 500 * time.Millisecond, Transport: &http.Transport{DialContext: direct.DialContext, DisableKeepAlives: true}}}
	repeatedly(t, glance, func(context.Context) error { return p.look() })
	return p
}

// repeatedly does something again and again until the test ends. What goes wrong before fails the test.
func repeatedly(t *testing.T, pause time.Duration, do func(context.Context) error) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { // ends with ctx
		tick := time.NewTicker(pause)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				done <- nil
				return
			case <-tick.C:
			}
			if err := do(ctx); err != nil && ctx.Err() == nil {
				done <- err
				return
			}
		}
	}()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("what was to watch could not watch to the end: %v", err)
		}
	})
}

// look takes down which processes of the app are alive.
func (p *prober) look() error {
	names, err := processes()
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	alive, strange := map[string]map[process]bool{}, map[int]int{}
	for _, id := range names {
		if n := p.strange[id]; n >= familiar {
			strange[id] = n
			continue
		}
		service, born := p.identify(id)
		if service == "" {
			strange[id] = p.strange[id] + 1
			continue
		}
		if alive[service] == nil {
			alive[service] = map[process]bool{}
		}
		alive[service][process{id, born}] = true
	}
	for service, now := range alive {
		if len(now) > 1 {
			p.confirm(service, now)
		}
	}
	p.alive, p.strange = alive, strange
	return nil
}

// confirm notes processes that are alive side by side: a look takes a while, and one may have ended in it before the
// other began. Two that are alive after both were seen are so at once.
func (p *prober) confirm(service string, seen map[process]bool) {
	still := 0
	for one := range seen {
		if birth(one.id) == one.born {
			still++
		}
	}
	if still > 1 {
		p.doubles = append(p.doubles, fmt.Sprintf("%s: %d of its processes were alive at %s", service, still, time.Now().UTC().Format(time.RFC3339Nano)))
	}
}

// identify returns the service that a process is, and when it was born; nothing for a process that is not the app's.
func (p *prober) identify(id int) (service, born string) {
	dir := "/proc/" + strconv.Itoa(id)
	args, err := os.ReadFile(dir + "/cmdline")
	words := strings.Split(string(args), "\x00")
	if err != nil || len(words) < 2 || !p.Has(words[1]) || !strings.HasSuffix(words[0], "refapp") {
		return "", ""
	}
	env, err := os.ReadFile(dir + "/environ")
	if err != nil || !bytes.Contains(append([]byte{0}, env...), p.mine) {
		return "", ""
	}
	return words[1], birth(id)
}

// processes returns the ids of all processes of this host.
func processes() ([]int, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close() //nolint:errcheck // only read from
	names, err := dir.Readdirnames(-1)
	var ids []int
	for _, name := range names {
		if id, err := strconv.Atoi(name); err == nil {
			ids = append(ids, id)
		}
	}
	return ids, err
}

// birth returns when a process was born, in the kernel's own count; nothing where it has ended.
func birth(id int) string {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(id) + "/stat")
	_, rest, found := bytes.Cut(text, []byte(") "))
	fields := strings.Fields(string(rest))
	const state, start = 0, 19 // behind the name
	if err != nil || !found || len(fields) <= start || fields[state] == "Z" || fields[state] == "X" {
		return ""
	}
	return fields[start]
}

// serves returns why the app does not serve just now: each service has one process, and web answers at its port.
func (p *prober) serves(ctx context.Context) error {
	p.mu.Lock()
	var errs []error
	for _, service := range p.Services {
		if n := len(p.alive[service]); n != 1 {
			errs = append(errs, fmt.Errorf("%s has %d processes", service, n))
		}
	}
	p.mu.Unlock()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/healthz", p.Port), nil)
	if err != nil {
		return err
	}
	answer, err := p.web.Do(request)
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	if answer.StatusCode != http.StatusOK {
		errs = append(errs, fmt.Errorf("web answers with %s", answer.Status))
	}
	return errors.Join(append(errs, answer.Body.Close())...)
}

// report returns the moments that were noted since the last report.
func (p *prober) report() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.doubles
	p.doubles = nil
	return out
}
