//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
)

// caller returns a client of the daemon's socket that makes a connection for each request.
func (s *stage) caller() *http.Client {
	d := net.Dialer{}
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return d.DialContext(ctx, "unix", s.Socket())
		}}}
}

// asked is how a trigger was answered.
type asked struct {
	status int
	text   string
	err    error
	turned int // how often it was turned away at the door
}

// trigger asks for a rollout as a program does: again, with its key, as long as it is turned away for the crowd.
func (s *stage) trigger(ctx context.Context, c *http.Client, key, body string) (a asked) {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://fairlead/v1/apps/"+rig.App+"/rollouts", strings.NewReader(body))
		if err != nil {
			return asked{err: err}
		}
		req.Header.Set("Content-Type", "application/json")
		if key != "" {
			req.Header.Set("Idempotency-Key", key)
		}
		resp, err := c.Do(req)
		if err == nil {
			var text []byte
			text, err = io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			a.status, a.text = resp.StatusCode, string(text)
		}
		a.err = err
		if err == nil && a.status != http.StatusServiceUnavailable || ctx.Err() != nil {
			return a
		}
		a.turned++
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// crowd triggers n times at once. key returns the idempotency key of each.
func (s *stage) crowd(n int, body string, key func(int) string) []asked {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 3*time.Minute)
	defer cancel()
	answers, c := make([]asked, n), s.caller()
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { answers[i] = s.trigger(ctx, c, key(i), body) })
	}
	all.Wait()
	return answers
}

// connect opens a connection to the daemon and says this much.
func (s *stage) connect(says string) (net.Conn, error) {
	c, err := net.DialTimeout("unix", s.Socket(), 10*time.Second)
	if err != nil {
		return nil, err
	}
	_, _ = io.WriteString(c, says) // the daemon may have closed it already
	return c, nil
}

// raised lets this process and those that it starts have so many files open, until the test ends.
func raised(t *testing.T, files uint64) {
	t.Helper()
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	now := syscall.Rlimit{Cur: max(was.Cur, files), Max: max(was.Max, files)}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &now); err != nil {
		t.Fatalf("%d files cannot be open at once here: %v", files, err)
	}
	t.Cleanup(func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
			t.Error(err)
		}
	})
}

// ended waits until the daemon has closed a connection, and returns what it said before.
func ended(t *testing.T, c net.Conn, within time.Duration) string {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(bufio.NewReader(c))
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		t.Errorf("the daemon has not closed the connection within %s", within)
	}
	return string(text)
}

// oneOf sorts the answers by what they say, for people.
func oneOf(answers []asked) string {
	counts := map[string]int{}
	for _, a := range answers {
		counts[fmt.Sprintf("status %d, error %v", a.status, a.err)]++
	}
	return fmt.Sprint(counts)
}
