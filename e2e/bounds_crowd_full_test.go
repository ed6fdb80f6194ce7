//go:build e2e && full

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
)

// A thousand requests at once: one becomes a rollout, and each of the others is told so. With one key, all are told of
// the same rollout.
func TestBoundsOfTriggers(t *testing.T) {
	s := newTenant(t, rig.Options{Verify: "60s"})
	s.deployed("2.0.0")
	g := &gauge{stage: s}
	g.measured(t, "a deploy")
	s.image("2.1.0", "slow-start=8s") // it is still under way when the last one asks
	s.image("2.2.0", "slow-start=8s")
	before, err := s.Rollouts(t.Context())
	s.must(err)
	const many = 1000
	turned := 0
	for _, c := range []struct {
		scene, image string
		key          func(int) string
		accepted     int
	}{
		{"a thousand keys", "2.1.0", func(i int) string { return "key-" + strconv.Itoa(i) }, 1},
		{"one key", "2.2.0", func(int) string { return "the key" }, many},
	} {
		t.Run(c.scene, func(t *testing.T) {
			s := s.in(t)
			answers := s.crowd(many, `{"kind":"deploy","image":"`+c.image+`","reason":"`+c.scene+`"}`, c.key)
			ids, accepted := map[string]bool{}, 0
			for _, a := range answers {
				turned += a.turned
				var is struct{ ID, Kind, Detail string }
				switch {
				case a.err != nil || json.Unmarshal([]byte(a.text), &is) != nil:
					t.Fatalf("an answer is missing: %s", oneOf(answers))
				case a.status == http.StatusAccepted:
					ids[is.ID], accepted = true, accepted+1
				case a.status != http.StatusConflict || !strings.Contains(is.Detail, "is held by rollout"):
					t.Fatalf("status %d: %s", a.status, a.text)
				}
			}
			if len(ids) != 1 || accepted != c.accepted {
				t.Fatalf("%d were accepted, of %d rollouts; want %d of one: %s", accepted, len(ids), c.accepted, oneOf(answers))
			}
			g.measured(t, c.scene)
			for id := range ids {
				s.told(0, []string{"watch", id}, "succeeded")
			}
		})
	}
	after, err := s.Rollouts(t.Context())
	s.must(err)
	if n := len(after) - len(before); n != 2 {
		t.Errorf("%d rollouts were begun, want 2", n)
	}
	t.Attr("triggers", strconv.Itoa(2*many))
	t.Attr("turned-away-and-come-again", strconv.Itoa(turned))
	s.live("web", "worker")
	g.reports(t)
}

// idlers are as many as a user could mean to keep everybody out with.
const idlers = 10_000

// Ten thousand connections of one user that never say a word keep out neither another user nor the rollout under way.
func TestBoundsOfConnections(t *testing.T) {
	raised(t, 2*idlers)
	s := quietTenant(t, rig.Options{Verify: "60s", Template: strings.Replace(rig.Config, "apps:\n", "access: {viewers: {users: [\"65534\"]}}\napps:\n", 1)})
	s.must(os.Chmod(s.Dir, 0o711))
	s.must(s.Start(t.Context()))
	s.deployed("2.0.0")
	g := &gauge{stage: s}
	g.measured(t, "a deploy")
	id := s.detached("--image", s.image("2.1.0", "slow-start=8s"))

	crowd := s.strangers(idlers)
	s.told(0, []string{"status", rig.App}, rig.App)
	g.measured(t, "ten thousand idle connections of another user")
	if n := s.files(); n > 400 {
		t.Errorf("the daemon has %d files open", n)
	}
	s.told(0, []string{"watch", id}, "succeeded")
	s.told(0, []string{"rotate", rig.App}, "succeeded")
	s.must(crowd.Close())
	s.told(0, []string{"status", rig.App}, rig.App)
	if n := len(s.Log()); n > 1<<20 {
		t.Errorf("the daemon has written %d bytes to its log", n)
	}
	t.Attr("idle-connections", strconv.Itoa(idlers))
	g.reports(t)
}

// Root's own crowd is let go after a while, and nobody else is kept out meanwhile.
func TestBoundsOfSlowPeers(t *testing.T) {
	raised(t, 2*idlers)
	s := newTenant(t, rig.Options{Verify: "60s"})
	s.deployed("2.0.0")
	g := &gauge{stage: s}
	g.measured(t, "a deploy")
	id := s.detached("--image", s.image("2.1.0", "slow-start=5s"))
	const each = 15
	post := "POST /v1/apps/" + rig.App + "/rollouts HTTP/1.1\r\nHost: fairlead\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{"
	follow := "GET /v1/rollouts/" + id + "/events HTTP/1.1\r\nHost: fairlead\r\n\r\n"
	for _, c := range []struct {
		scene, says, drip string
		until             time.Duration // it is closed by then, at the latest; 0 where it may last
	}{
		{"nothing", "", "", 30 * time.Second},
		{"a header by the byte", "GET /v1/health HTTP/1.1\r\nHost: fairlead\r\nX-", "x", 30 * time.Second},
		{"a body by the byte", post, " ", 40 * time.Second},
		{"a header without an end", "GET /v1/health HTTP/1.1\r\nHost: fairlead\r\n", "X-Long: " + strings.Repeat("x", 8000) + "\r\n", 30 * time.Second},
		{"followers that never read", follow, "", 0},
	} {
		t.Run(c.scene, func(t *testing.T) {
			s := s.in(t)
			conns := s.drippers(each, c.says, c.drip, c.until)
			s.told(0, []string{"status", rig.App}, rig.App) // nobody is kept out meanwhile
			if c.until > 0 {
				conns.Wait()
			}
			g.measured(t, c.scene)
		})
	}
	s.told(0, []string{"watch", id}, "succeeded")
	t.Attr("slow-peers", strconv.Itoa(5*each))
	s.live("web", "worker")
	g.reports(t)
}

// drippers opens connections that say something, and then a little more again and again, until the daemon has closed
// them. That it does so too late fails the test.
func (s *stage) drippers(n int, says, drip string, until time.Duration) *sync.WaitGroup {
	s.t.Helper()
	var all sync.WaitGroup
	for range n {
		c, err := s.connect(says)
		s.must(err)
		s.t.Cleanup(func() { _ = c.Close() })
		if until == 0 {
			continue
		}
		all.Go(func() {
			gone := make(chan struct{})
			defer close(gone)
			go dripOn(c, drip, gone)
			ended(s.t, c, until)
		})
	}
	return &all
}

func dripOn(c net.Conn, drip string, gone <-chan struct{}) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for drip != "" {
		select {
		case <-gone:
			return
		case <-tick.C:
		}
		if _, err := c.Write([]byte(drip)); err != nil {
			return
		}
	}
}

// strangers opens connections as another user, who says nothing on them. The daemon may close as many as it likes.
func (s *stage) strangers(n int) *strangers {
	s.t.Helper()
	crowd, failed := &strangers{}, make(chan error, 1)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with this, since it is another user's
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, stranger, stranger, stranger); errno != 0 {
			failed <- errno
			return
		}
		for range n {
			c, err := s.connect("")
			for deadline := time.Now().Add(time.Minute); errors.Is(err, syscall.EAGAIN) && time.Now().Before(deadline); c, err = s.connect("") {
				runtime.Gosched() // the socket's queue is full until the daemon has its turn
			}
			if err != nil {
				failed <- fmt.Errorf("connection %d: %w", len(crowd.conns), err)
				return
			}
			crowd.conns = append(crowd.conns, c)
		}
		failed <- nil
	}()
	s.t.Cleanup(func() { _ = crowd.Close() })
	s.must(<-failed)
	return crowd
}

// stranger is the number of a user who is nobody's.
const stranger = 65534

// files returns how many files the daemon has open.
func (s *stage) files() int {
	s.t.Helper()
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.PID()))
	s.must(err)
	return len(open)
}

// strangers is another user's crowd of connections.
type strangers struct{ conns []net.Conn }

// Close lets all of them go.
func (c *strangers) Close() error {
	for _, conn := range c.conns {
		_ = conn.Close() // most of them the daemon has closed
	}
	return nil
}
