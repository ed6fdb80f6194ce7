package daemon

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
)

// manager stands for systemd: it takes what the daemon tells it.
type manager struct {
	t  *testing.T
	mu sync.Mutex
	// told are the lines of each message, in the order in which they came.
	told [][]string
}

// newManager listens where the daemon of this test will notify.
func newManager(t *testing.T) *manager {
	t.Helper()
	m := &manager{t: t}
	path := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("NOTIFY_SOCKET", path)
	done := make(chan struct{})
	go func() { // ends with the socket
		defer close(done)
		b := make([]byte, 1<<16)
		for {
			n, err := c.Read(b)
			if err != nil {
				return
			}
			m.mu.Lock()
			m.told = append(m.told, strings.Split(string(b[:n]), "\n"))
			m.mu.Unlock()
		}
	}()
	t.Cleanup(func() { _ = c.Close(); <-done })
	return m
}

// hears waits until a message has a line that begins so, beyond the first skip messages, and returns the message's place.
func (m *manager) hears(skip int, prefix string) int {
	m.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		m.mu.Lock()
		told := slices.Clone(m.told)
		m.mu.Unlock()
		for i := skip; i < len(told); i++ {
			if slices.ContainsFunc(told[i], func(line string) bool { return strings.HasPrefix(line, prefix) }) {
				return i
			}
		}
		select {
		case <-m.t.Context().Done():
			m.t.Fatal(m.t.Context().Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.t.Fatalf("%q was not told: %q", prefix, m.told[min(skip, len(m.told)):])
	return 0
}

func (m *manager) count(line string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, lines := range m.told {
		if slices.Contains(lines, line) {
			n++
		}
	}
	return n
}

// plainConfig is a configuration whose Engine is nowhere: the daemon runs, and refuses rollouts.
const plainConfig = `instance: %s
engine: {host: unix:///nonexistent/docker.sock}
access: {viewers: {users: [root]}}
apps:
  shop:
    environment: production
    image: registry.example.com/shop
    env: [{file: /nonexistent/env}]
    services: {web: {}}
    verify: {web: {exec: [status]}}
    secrets: [{name: a, env: A}]
`

// running is a daemon of a test.
type running struct {
	*Daemon
	config string
	reload chan os.Signal
	stop   func()
}

// runs has a daemon run until the test ends.
func runs(t *testing.T, change func(*Options)) *running {
	t.Helper()
	dir := t.TempDir()
	r := &running{config: filepath.Join(dir, "fairlead.yaml"), reload: make(chan os.Signal, 1)}
	r.writes(t, fmt.Sprintf(plainConfig, fmt.Sprintf("notify-%d", time.Now().UnixNano())))
	o := Options{Config: r.config, State: filepath.Join(dir, "state"), Socket: filepath.Join(dir, "s"), Version: "test", Log: zap.NewNop(), Reload: r.reload}
	if change != nil {
		change(&o)
	}
	var err error
	if r.Daemon, err = New(o); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the daemon ends with %v", err)
		}
	})
	t.Cleanup(r.stop)
	return r
}

func (r *running) writes(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(r.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (r *running) reads(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(r.config)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestSystemdIsTold(t *testing.T) {
	m := newManager(t)
	t.Setenv("WATCHDOG_USEC", "200000")
	t.Setenv("WATCHDOG_PID", fmt.Sprint(os.Getpid()))
	r := runs(t, nil)
	ready := m.hears(0, "READY=1")
	if i := m.hears(0, "STATUS=idle, 1 apps"); i > ready {
		t.Errorf("the status comes behind READY: %d, %d", i, ready)
	}
	m.hears(ready, "WATCHDOG=1")

	// A configuration that is refused is said, and the old one stays.
	good := r.reads(t)
	r.writes(t, strings.Replace(good, "image:", "imag:", 1))
	r.reload <- syscall.SIGHUP
	begun := m.hears(ready, "RELOADING=1")
	m.mu.Lock()
	if lines := m.told[begun]; len(lines) != 2 || !strings.HasPrefix(lines[1], "MONOTONIC_USEC=") {
		t.Errorf("it is told to reload with %q", lines)
	}
	m.mu.Unlock()
	over := m.hears(begun, "READY=1")
	if refused := m.hears(begun, "STATUS=idle, 1 apps; the configuration of "); refused > over {
		t.Errorf("the refusal is told behind the end of the reload: %d, %d", refused, over)
	}
	if got := r.apps.Apps(); !slices.Equal(got, []string{"shop"}) {
		t.Errorf("the apps are %q", got)
	}

	// One that is sound is taken up, with an app more; what needs a restart is said.
	more := good[strings.Index(good, "  shop:"):]
	r.writes(t, strings.Replace(good, "instance: ", "instance: other-", 1)+strings.Replace(more, "shop:", "second:", 1))
	r.reload <- syscall.SIGHUP
	begun = m.hears(over, "RELOADING=1")
	m.hears(begun, "STATUS=idle, 2 apps; a restart is needed for the new instance")
	over = m.hears(begun, "READY=1")
	if got := r.apps.Apps(); !slices.Equal(got, []string{"second", "shop"}) {
		t.Errorf("the apps are %q", got)
	}
	r.writes(t, good)
	r.reload <- syscall.SIGHUP
	begun = m.hears(over+1, "RELOADING=1")
	m.hears(begun, "STATUS=idle, 1 apps")

	r.stop()
	stopping := m.hears(begun, "STOPPING=1")
	m.hears(stopping, "EXTEND_TIMEOUT_USEC=")
}

// A daemon that is stuck is not vouched for, whatever it is stuck in; when it is not any more, it is.
func TestAStuckDaemonIsNotVouchedFor(t *testing.T) {
	for what, stick := range map[string]func(context.Context, *Daemon, <-chan struct{}) error{
		"somebody decides and does not end": func(ctx context.Context, d *Daemon, release <-chan struct{}) error {
			return d.rollouts.Reconfigure(ctx, d.apps.Apps(), func([]string) { <-release })
		},
	} {
		t.Run(what, func(t *testing.T) {
			m := newManager(t)
			t.Setenv("WATCHDOG_USEC", "100000")
			t.Setenv("WATCHDOG_PID", fmt.Sprint(os.Getpid()))
			r := runs(t, nil)
			m.hears(m.hears(0, "READY=1"), "WATCHDOG=1")
			release, over := make(chan struct{}), make(chan error, 1)
			go func() { over <- stick(t.Context(), r.Daemon, release) }()
			stuck := m.hears(0, "STATUS=stuck: nobody could decide")
			before := m.count("WATCHDOG=1")
			for range 5 { // five times as long as the watchdog would wait
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				<-ctx.Done()
				cancel()
			}
			if after := m.count("WATCHDOG=1"); after != before {
				t.Errorf("it was vouched for %d times while it was stuck", after-before)
			}
			close(release)
			if err := <-over; err != nil {
				t.Error(err)
			}
			m.hears(m.hears(stuck+1, "STATUS="), "WATCHDOG=1")
		})
	}
}

func TestStatus(t *testing.T) {
	until := time.Date(2026, 3, 30, 12, 0, 0, 0, time.UTC)
	s := rollout.State{Request: rollout.Request{ID: "01", App: "shop", Kind: rollout.Deploy}, Step: rollout.Restart,
		Doing: &rollout.Action{Verb: rollout.DoReplace, Step: rollout.Restart, Service: "web", Deadline: until}}
	reverting := s
	reverting.Phase, reverting.Doing, reverting.Step = rollout.Reverting, nil, rollout.Revert
	for want, got := range map[string]string{
		"STATUS=idle, 2 apps": status(nil, 2),
		"STATUS=shop: deploy 01, restart (replace web), until 12:00:00 at the latest":     status([]rollout.State{s}, 2, ""),
		"STATUS=shop: deploy 01, being turned back, revert; no rollout is accepted: full": status([]rollout.State{reverting}, 2, "no rollout is\naccepted:  full"),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := status(nil, 1, strings.Repeat("ä", 500)); len(got) > longestStatus+20 || strings.ContainsRune(got, '\uFFFD') {
		t.Errorf("a long status is %q", got)
	}
}

// What systemd could not mount leaves an empty folder, and the service is started all the same.
func TestCredentials(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "fairlead.yaml")
	text := fmt.Sprintf(plainConfig, "credentials")
	text = strings.Replace(text, "secrets: [{name: a, env: A}]", "secrets: [{name: a, env: A, legacy: {column: a}}]\n    legacy: {dsn: {credential: dsn}, table: t, row: {id: 1}}", 1)
	text = "registry: {config: {credential: logins}}\n" + text
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	begin := func() error {
		d, err := New(Options{Config: config, State: filepath.Join(dir, "state"), Socket: filepath.Join(dir, "s"), Version: "test", Log: zap.NewNop()})
		if err == nil {
			err = d.closers.close()
		}
		return err
	}
	refuses := func(words ...string) {
		t.Helper()
		err := begin()
		for _, w := range words {
			if fault.KindOf(err) != fault.Refused || !strings.Contains(fault.Text(err), w) {
				t.Errorf("%q is not said: %v", w, err)
			}
		}
	}
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	refuses("the credential dsn is missing", "the credential logins is missing", "LoadCredential=dsn:")
	given := filepath.Join(dir, "given")
	t.Setenv("CREDENTIALS_DIRECTORY", given)
	if err := os.Mkdir(given, 0o700); err != nil {
		t.Fatal(err)
	}
	refuses("the credential dsn is missing: no such file", "the credential logins is missing: no such file")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(given, name), []byte(text), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	write("dsn", "")
	write("logins", "{}")
	refuses("the credential dsn is empty")
	if err := os.Remove(filepath.Join(given, "dsn")); err != nil {
		t.Fatal(err)
	}
	write("dsn", "postgres://app:canary@db/app\n")
	if err := begin(); err != nil {
		t.Errorf("credentials that are there are refused: %v", err)
	}
}
