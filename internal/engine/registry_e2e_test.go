//go:build e2e

package engine_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// TestAnswersOfARegistryAreToldApart has the real Engine ask a registry that answers as it is told to, so that the
// Engine's own texts are what is recognized.
func TestAnswersOfARegistryAreToldApart(t *testing.T) {
	s := newStage(t)
	errorOf := func(code string) string { return `{"errors":[{"code":"` + code + `","message":"` + canary + `"}]}` }
	for _, tt := range []struct {
		name   string
		status int
		body   string
		token  int // how the token service answers, where one is named
		kind   fault.Kind
		want   string
	}{
		{"login", 401, errorOf("UNAUTHORIZED"), 0, fault.Refused, "(401)"},
		{"token refused", 401, errorOf("UNAUTHORIZED"), 401, fault.Refused, "does not accept what"},
		{"token denied", 401, errorOf("UNAUTHORIZED"), 403, fault.Refused, "(403)"},
		{"token out of order", 401, errorOf("UNAUTHORIZED"), 503, fault.Unavailable, "(5xx)"},
		{"token not accepted", 401, errorOf("UNAUTHORIZED"), 200, fault.Refused, "does not accept what"},
		{"denied", 403, errorOf("DENIED"), 0, fault.Refused, "(403)"},
		{"denied in plain words", 403, canary, 0, fault.Refused, "(403)"},
		{"no repository", 404, errorOf("NAME_UNKNOWN"), 0, fault.Refused, "no such repository (404)"},
		{"no tag", 404, errorOf("MANIFEST_UNKNOWN"), 0, fault.Refused, "no such tag or digest in that repository (404)"},
		{"no registry", 404, "<html>", 0, fault.Refused, "or it is no registry (404)"},
		{"limit", 429, errorOf("TOOMANYREQUESTS"), 0, fault.Unavailable, "(429)"},
		{"limit in plain words", 429, "manifest unknown", 0, fault.Unavailable, "(429)"},
		{"out of order", 500, errorOf("UNKNOWN"), 0, fault.Unavailable, "(5xx)"},
		{"bad gateway", 502, "", 0, fault.Unavailable, "(5xx)"},
		{"garbage", 200, "<html>" + canary, 0, fault.Unavailable, "a registry's language"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var server *httptest.Server
			server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Path == "/token":
					w.WriteHeader(tt.token)
					_, _ = io.WriteString(w, `{"token": "t", "errors":[{"code":"`+map[bool]string{true: "DENIED", false: "UNAUTHORIZED"}[tt.token == 403]+`","message":"`+canary+`"}]}`)
					return
				case r.URL.Path == "/v2/" && tt.status != 401:
					return
				case tt.token != 0:
					w.Header().Set("WWW-Authenticate", `Bearer realm="`+server.URL+`/token",service="s",scope="repository:a/b:pull"`)
				case tt.status == 401:
					w.Header().Set("WWW-Authenticate", `Basic realm="r"`)
				}
				w.Header().Set("Retry-After", "60")
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			}))
			defer server.Close()
			host := strings.TrimPrefix(server.URL, "http://")
			img := workload.Image{Repository: host + "/a/b", Tag: "1"}
			_, _, resolving := s.e.Resolve(s.ctx(), img)
			img.Digest = "sha256:" + strings.Repeat("a", 64)
			_, pulling := s.e.Pull(s.ctx(), img, nil)
			for what, err := range map[string]error{"Resolve": resolving, "Pull": pulling} {
				if fault.KindOf(err) != tt.kind || !strings.Contains(fault.Text(err), tt.want) || !strings.Contains(fault.Text(err), "registry "+host) {
					t.Errorf("%s says %v (hidden: %v)", what, err, errors.Unwrap(err))
				}
				if err == nil || strings.Contains(err.Error(), canary) {
					t.Errorf("%s passes on what the registry wrote: %v", what, err)
				}
			}
		})
	}
}

// TestASlowRegistryEndsWithTheDeadline has a registry that never answers.
func TestASlowRegistryEndsWithTheDeadline(t *testing.T) {
	s := newStage(t)
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	ctx, cancel := context.WithTimeout(s.ctx(), 500*time.Millisecond)
	defer cancel()
	_, _, err := s.e.Resolve(ctx, workload.Image{Repository: strings.TrimPrefix(server.URL, "http://") + "/a/b", Tag: "1"})
	if fault.KindOf(err) != fault.TimedOut || !strings.Contains(fault.Text(err), "in time") {
		t.Errorf("Resolve says %v (hidden: %v)", err, errors.Unwrap(err))
	}
}
