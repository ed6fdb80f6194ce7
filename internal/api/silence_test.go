package api

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
)

// told sends an interim answer, as a daemon does at which a request waits.
func told(r *http.Request) {
	h := textproto.MIMEHeader{}
	h.Set(WaitingHeader, `{"kind":"busy","detail":"held","rollout":"01J"}`)
	h.Set(SinceHeader, "2026-03-30T12:00:00Z")
	_ = httptrace.ContextClientTrace(r.Context()).Got1xxResponse(http.StatusProcessing, h)
}

// waited has a request wait in a bubble at a daemon that does this on each connection, and returns how it ended and when.
func waited(t *testing.T, limit time.Duration, daemon func(n int, r *http.Request) (*http.Response, error)) (took time.Duration, away []string, err error) {
	t.Helper()
	n := 0
	c := &Client{socket: "/run/none", long: &http.Client{Transport: answers(func(r *http.Request) (*http.Response, error) {
		n++
		return daemon(n, r)
	})}}
	since := time.Now()
	_, err = c.TriggerInTurn(t.Context(), "capakraken", Trigger{Kind: rollout.Rotate}, "k", Waiting{Limit: limit, Away: func(text string) { away = append(away, text) }})
	return time.Since(since), away, err
}

// TestSilence waits at a daemon that gives signs of life and then none: after a while it is asked anew.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		took, away, err := waited(t, time.Hour, func(n int, r *http.Request) (*http.Response, error) {
			if n > 1 {
				return &http.Response{StatusCode: http.StatusAccepted, Body: io.NopCloser(strings.NewReader(`{"id":"01K"}`))}, nil
			}
			for range 4 {
				told(r)
				<-time.After(30 * time.Second)
			}
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		if err != nil || len(away) != 1 || took < 90*time.Second+silence || took > 90*time.Second+silence+time.Second {
			t.Errorf("after %s, having said %q: %v", took, away, err)
		}
	})
}

// TestWaitWithoutDaemon waits for a daemon that does not come back: until its time is over, and no longer.
func TestWaitWithoutDaemon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		took, away, err := waited(t, 10*time.Minute, func(n int, r *http.Request) (*http.Response, error) {
			if n > 1 {
				return nil, dialError{syscall.ECONNREFUSED}
			}
			told(r)
			<-time.After(time.Minute)
			return nil, io.ErrUnexpectedEOF
		})
		if fault.KindOf(err) != fault.Unreachable || !strings.Contains(fault.Text(err), "its turn may have come just when the daemon went away") {
			t.Errorf("ended with %v", err)
		}
		if took < 10*time.Minute-time.Second || took > 10*time.Minute {
			t.Errorf("gave up after %s", took)
		}
		if n := len(away); n < 17 || n > 19 {
			t.Errorf("said %d times that nobody is there: %q", n, away)
		}
	})
}

// TestWaitAtNobody asks where no daemon is at all: that is said at once.
func TestWaitAtNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		took, away, err := waited(t, time.Hour, func(int, *http.Request) (*http.Response, error) { return nil, dialError{syscall.ECONNREFUSED} })
		if took != 0 || len(away) != 0 || fault.KindOf(err) != fault.Unreachable {
			t.Errorf("after %s: %v", took, err)
		}
	})
}
