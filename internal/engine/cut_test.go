//go:build e2e

package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/capakraken/fairlead/internal/workload"
)

// when says on which side of a call the daemon dies.
type when string

const (
	before     when = "before"     // the Engine never hears of the call
	meanwhile  when = "meanwhile"  // the Engine is carrying it out when the next daemon comes
	afterwards when = "afterwards" // the Engine carries it out, and nobody hears of it
)

// cut stands before the Engine and lets a number of changing calls through. At the next one the daemon seems to die:
// nothing gets through from there on.
type cut struct {
	host  string
	calls atomic.Int64
	dead  atomic.Bool
}

func newCut(t *testing.T, n int64, side when) *cut {
	t.Helper()
	path := filepath.Join(t.TempDir(), "docker.sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	c := &cut{host: "unix://" + path}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "engine"})
	proxy.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", "/var/run/docker.sock")
	}}
	var orphans sync.WaitGroup
	t.Cleanup(orphans.Wait)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		changes := r.Method != http.MethodGet && r.Method != http.MethodHead
		if changes && c.calls.Add(1) == n {
			c.dead.Store(true)
			switch side {
			case afterwards:
				proxy.ServeHTTP(discard{}, r)
			case meanwhile:
				orphan := orphaned(t, r)
				orphans.Go(func() { proxy.ServeHTTP(discard{}, orphan) })
			}
		}
		if c.dead.Load() {
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(w, r)
	})}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return c
}

// orphaned returns a request that outlives the connection on which it came.
func orphaned(t *testing.T, r *http.Request) *http.Request {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	orphan := r.Clone(context.Background())
	orphan.Body = io.NopCloser(bytes.NewReader(body))
	return orphan
}

// discard is an answer that nobody reads.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

// everyDeath calls try with a cut at every single call to the Engine, on each side, until try comes through
// without meeting it.
func everyDeath(t *testing.T, try func(t *testing.T, c *cut)) {
	for _, side := range []when{before, meanwhile, afterwards} {
		for n := int64(1); ; n++ {
			met := false
			t.Run(fmt.Sprintf("%s/%d", side, n), func(t *testing.T) {
				c := newCut(t, n, side)
				try(t, c)
				met = c.dead.Load()
			})
			if t.Failed() || !met {
				break
			}
		}
	}
}

// neverTwo fails the test when two containers of the service live.
func (s *stage) neverTwo(services ...workload.Service) {
	s.t.Helper()
	n := 0
	for _, c := range s.all(services...) {
		if c.Live() {
			n++
		}
	}
	if n > 1 {
		s.t.Fatalf("%d containers live: %q", n, s.names(services...))
	}
}

func TestReplaceSurvivesEveryDeath(t *testing.T) {
	s := newStage(t)
	one, err := s.world.Network(s.ctx())
	s.must(err)
	two, err := s.world.Network(s.ctx())
	s.must(err)
	svc := s.service("web", func(v *workload.Service) { v.Networks = []workload.Network{{Name: one.Name}, {Name: two.Name}} })
	final := svc.FinalName(s.key)
	everyDeath(t, func(t *testing.T, c *cut) {
		s := s.in(t)
		defer s.clear()
		old := s.running(svc)
		s.must(s.api.ContainerPause(s.ctx(), old.ID))
		old = s.one(old.ID)
		r := s.replacement(rollout(), svc, &old)
		_, _ = open(t, c.host).Replace(s.ctx(), r)
		s.neverTwo()
		done, err := s.e.Replace(s.ctx(), r)
		s.must(err)
		s.same([]string{final + ".new-" + suffixOf(r.Rollout) + " running", final + ".old-" + suffixOf(r.Rollout) + " exited"})
		if fresh := s.one(done.NewID); len(fresh.Networks) != 2 || s.one(old.ID).RestartPolicy.Name != "no" {
			t.Fatalf("something is missing: %+v", fresh)
		}
	})
}
