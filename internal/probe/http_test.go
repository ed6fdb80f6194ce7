package probe_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/probe"
	"github.com/capakraken/fairlead/internal/workload"
)

// attempt bounds the looks that are meant to succeed.
const attempt = 5 * time.Second

// serve starts an app and returns the look at it.
func serve(t *testing.T, h http.HandlerFunc) workload.Look {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return lookAt(s.Listener.Addr())
}

func lookAt(a net.Addr) workload.Look {
	_, port, _ := net.SplitHostPort(a.String())
	return workload.Look{Container: container(), Check: workload.Check{URL: "http://{container}:" + port + "/api/status?key=c4n4ry", Attempt: attempt}}
}

// answer returns a handler that always says body.
func answer(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
}

func TestLookOverHTTP(t *testing.T) {
	var seen *http.Request
	l := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r
		_, _ = w.Write([]byte(`{"ok":true,"build":{"v":"7"},"keys":{"smtp":{"from":"environment","set":true},"seed":{"from":"none","set":false}}}`))
	})
	l.Check.Query = `{healthy: .ok, version: .build.v, secrets: [.keys | to_entries[] | {name: .key, source: .value.from, present: .value.set}]}`
	l.Check.Headers = []workload.Header{{Name: "Authorization", Env: "STATUS_TOKEN", Prefix: "Bearer "}}
	l.Env = env("STATUS_TOKEN", "t0ken-of-the-app")
	got, err := probe.New(probe.Options{}).Look(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	want := workload.Answer{Healthy: true, Version: "7", Secrets: []workload.Report{
		{Name: "seed", Source: "none"}, {Name: "smtp", Source: "environment", Present: true}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if seen.Header.Get("Authorization") != "Bearer t0ken-of-the-app" || seen.URL.RequestURI() != "/api/status?key=c4n4ry" || seen.Header.Get("Accept-Encoding") != "" || seen.Header.Get("Cache-Control") != "no-cache, no-store" {
		t.Errorf("the app saw %s %v", seen.URL.RequestURI(), seen.Header)
	}
}

func TestLookOverIPv6(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "[::1]:0")
	if err != nil {
		t.Logf("no IPv6 here: the address is only formed: %v", err)
	} else {
		s := &httptest.Server{Listener: listener, Config: &http.Server{Handler: answer(good), ReadHeaderTimeout: attempt}}
		s.Start()
		defer s.Close()
		l := lookAt(listener.Addr())
		l.Container.Addresses = []netip.Addr{netip.MustParseAddr("::1")}
		if _, err := probe.New(probe.Options{}).Look(t.Context(), l); err != nil {
			t.Error(err)
		}
	}
	l := workload.Look{Container: container(), Check: workload.Check{URL: "http://{container}:1/x", Attempt: attempt}}
	l.Container.Addresses = []netip.Addr{netip.MustParseAddr("::1")}
	_, err = probe.New(probe.Options{}).Look(t.Context(), l)
	wantFault(t, err, fault.Unavailable, "[::1]:1/x: ")
}

func TestBadAnswers(t *testing.T) {
	huge := strings.Repeat(" ", 1<<20) + good
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		text    string
	}{
		"empty":        {answer(""), "the answer is empty"},
		"not JSON":     {answer("<html>c4n4ry</html>"), "the answer is not JSON"},
		"two values":   {answer(good + good), "the answer is not JSON"},
		"huge":         {answer(huge), "answers more than 1 MiB"},
		"an error":     {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "c4n4ry", http.StatusServiceUnavailable) }, "answers 503 Service Unavailable"},
		"no such code": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(599) }, "answers 599"},
		"unauthorized": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }, "401 Unauthorized (does the check send the right headers?)"},
		"from a cache": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Age", "37")
			_, _ = w.Write([]byte(`{"healthy":true}`))
		}, "answers from a cache (it has an Age), so the answer may be an old one"},
		"redirect": {http.RedirectHandler("/login?next=c4n4ry", http.StatusFound).ServeHTTP, "answers with a redirect (302), which is never followed"},
		"reset":    {hijack(func(c *net.TCPConn) { _ = c.SetLinger(0) }), "the connection is "},
		"cut short": {hijack(func(c *net.TCPConn) {
			_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"))
		}), "the connection is closed before the answer is complete"},
		"garbage":        {hijack(func(c *net.TCPConn) { _, _ = c.Write([]byte("SSH-2.0-c4n4ry\r\n")) }), "does not speak HTTP"},
		"endless header": {hijack(endlessHeader), ": "}, // which of both ends gives up first is the kernel's choice
		"gzip bomb": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write(make([]byte, 8<<20))
			_ = z.Close()
		}, "a content encoding that was not asked for"},
	} {
		t.Run(name, func(t *testing.T) {
			l := serve(t, c.handler)
			_, err := probe.New(probe.Options{}).Look(t.Context(), l)
			wantFault(t, err, fault.Unavailable, c.text, "c4n4ry", "?key")
			if !strings.Contains(err.Error(), "127.0.0.1:") || !strings.Contains(err.Error(), "/api/status: ") {
				t.Errorf("error %q does not say where", err)
			}
		})
	}
}

// hijack returns a handler that does f to the bare connection and closes it.
func hijack(f func(c *net.TCPConn)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		f(c.(*net.TCPConn))
		_ = c.Close()
	}
}

// endlessHeader sends header lines until the other side has had enough.
func endlessHeader(c *net.TCPConn) {
	_, err := c.Write([]byte("HTTP/1.1 200 OK\r\n"))
	for i := 0; err == nil && i < 1<<16; i++ {
		_, err = fmt.Fprintf(c, "X-%d: %s\r\n", i, strings.Repeat("x", 100))
	}
}

func TestSlowAnswers(t *testing.T) {
	done := make(chan struct{})
	t.Cleanup(func() { close(done) }) // before the servers are closed, which wait for their handlers
	wait := func(r *http.Request) {
		select {
		case <-done:
		case <-r.Context().Done():
		}
	}
	for name, h := range map[string]http.HandlerFunc{
		"hang": func(_ http.ResponseWriter, r *http.Request) { wait(r) },
		"slow loris": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = w.Write([]byte(" "))
				_ = http.NewResponseController(w).Flush()
				select {
				case <-done:
					return
				case <-time.After(5 * time.Millisecond):
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := serve(t, h)
			l.Check.Attempt = 60 * time.Millisecond
			start := time.Now()
			_, err := probe.New(probe.Options{}).Look(t.Context(), l)
			wantFault(t, err, fault.TimedOut, "/api/status: does not answer in time")
			if spent := time.Since(start); spent > 2*time.Second {
				t.Errorf("it took %s", spent)
			}
		})
	}
	t.Run("interrupted", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l := serve(t, func(_ http.ResponseWriter, r *http.Request) { cancel(); wait(r) })
		_, err := probe.New(probe.Options{}).Look(ctx, l)
		wantFault(t, err, fault.Unavailable, "was interrupted")
		if !errors.Is(err, context.Canceled) {
			t.Error("the cause is lost")
		}
	})
}

func TestNobodyListens(t *testing.T) {
	s := httptest.NewServer(answer(good))
	l := lookAt(s.Listener.Addr())
	s.Close()
	_, err := probe.New(probe.Options{}).Look(t.Context(), l)
	wantFault(t, err, fault.Unavailable, "the connection is refused")
}

func TestNoProxyAndNoCookie(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("ALL_PROXY", "http://127.0.0.1:1")
	looks := 0
	l := serve(t, func(w http.ResponseWriter, r *http.Request) {
		looks++
		if len(r.Cookies()) > 0 {
			t.Error("a cookie came back")
		}
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
		_, _ = w.Write([]byte(good))
	})
	p := probe.New(probe.Options{})
	for range 2 {
		if _, err := p.Look(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	if looks != 2 {
		t.Errorf("the app was asked %d times", looks)
	}
}

func TestHeaders(t *testing.T) {
	for name, c := range map[string]struct{ value, text string }{
		"missing":           {"", "needs the variable STATUS_TOKEN, which is missing or empty"},
		"control character": {"c4n4ry\nX-Evil: 1", "STATUS_TOKEN holds a control character"},
	} {
		t.Run(name, func(t *testing.T) {
			l := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the app was asked") })
			l.Check.Headers = []workload.Header{{Name: "Authorization", Env: "STATUS_TOKEN", Prefix: "Bearer "}}
			l.Env = env("STATUS_TOKEN", c.value)
			_, err := probe.New(probe.Options{}).Look(t.Context(), l)
			wantFault(t, err, fault.Refused, c.text, "c4n4ry")
		})
	}
}

func TestURLsThatAreNotTheContainers(t *testing.T) {
	for _, raw := range []string{
		"http://example.com/{container}", "http://{container}.example.com/", "http://{container}@example.com/",
		"http://u:c4n4ry@{container}/", "ftp://{container}/", "{container}:80/", "http://example.com/?x=http://{container}/",
		"http://{container}:c4n4ry/", "http://127.0.0.1/",
	} {
		l := workload.Look{Container: container(), Check: workload.Check{URL: raw, Attempt: attempt}}
		_, err := probe.New(probe.Options{}).Look(t.Context(), l)
		wantFault(t, err, fault.Refused, "the verify url must be http://{container}:PORT/PATH", "c4n4ry")
	}
	l := workload.Look{Container: container(), Check: workload.Check{URL: "http://{container}/", Attempt: attempt}}
	l.Container.Addresses = nil
	_, err := probe.New(probe.Options{}).Look(t.Context(), l)
	wantFault(t, err, fault.Unavailable, "has no address yet")
}
