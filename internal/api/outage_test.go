package api

import (
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
)

// answers is a daemon without a socket.
type answers func(*http.Request) (*http.Response, error)

// RoundTrip answers.
func (f answers) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestWatchWithoutDaemon watches a rollout whose daemon dies after the first event and does not come back.
func TestWatchWithoutDaemon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		c := &Client{socket: "/run/none", http: &http.Client{Transport: answers(func(*http.Request) (*http.Response, error) {
			if asked++; asked > 1 {
				return nil, dialError{syscall.ECONNREFUSED}
			}
			time.Sleep(10 * time.Minute) // a long step: the patience counts from the daemon's last word
			body := "id: 1\nevent: rollout.requested\ndata: {\"seq\":1,\"type\":\"rollout.requested\",\"event\":{}}\n\n"
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(body))}, nil
		})}}
		began := time.Now().Add(10 * time.Minute)
		var told []string
		var last error
		for e, err := range c.Watch(t.Context(), "01K", 0) {
			if last = err; e.Progress != nil {
				told = append(told, e.Progress.Text)
				if !strings.Contains(e.Progress.Text, "the rollout goes on when") && !strings.Contains(e.Progress.Text, "The rollout goes on when") {
					t.Errorf("does not say what becomes of the rollout: %s", e.Progress.Text)
				}
			}
		}
		if fault.KindOf(last) != fault.Unreachable {
			t.Errorf("ended with %v", last)
		}
		if d := time.Since(began); d < patience || d > patience+5*time.Second {
			t.Errorf("gave up after %s", d)
		}
		if n := len(told); n < 9 || n > 11 {
			t.Errorf("told %d times: %s", n, strings.Join(told, "\n"))
		}
	})
}

// TestWatchAfterAnAnswer watches a rollout that was just accepted. That the daemon stops at that moment, or is gone when
// the first event is asked for, is no reason to give up: the next one goes on with the rollout.
func TestWatchAfterAnAnswer(t *testing.T) {
	for name, first := range map[string]func() (*http.Response, error){
		"stopping": func() (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusServiceUnavailable, Header: http.Header{"Content-Type": {"application/problem+json"}},
				Body: io.NopCloser(strings.NewReader(`{"kind":"unavailable","detail":"the daemon is stopping"}`))}, nil
		},
		"gone": func() (*http.Response, error) { return nil, dialError{syscall.ECONNREFUSED} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				c := &Client{socket: "/run/none", http: &http.Client{Transport: answers(func(*http.Request) (*http.Response, error) {
					if asked++; asked < 5 {
						return first()
					}
					body := "id: 1\nevent: rollout.ended\ndata: {\"seq\":1,\"type\":\"rollout.ended\",\"event\":{}}\n\n"
					return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(body))}, nil
				})}}
				c.spoke.Store(true)
				seen := ""
				for e, err := range c.Watch(t.Context(), "01K", 0) {
					if err != nil {
						t.Fatal(err)
					}
					seen = e.Type
				}
				if seen != "rollout.ended" || asked != 5 {
					t.Errorf("the last event is %q, after %d tries", seen, asked)
				}
			})
		})
	}
}
