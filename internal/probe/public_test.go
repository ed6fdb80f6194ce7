package probe_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/probe"
)

func TestPublicURL(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		text    string
	}{
		"healthy":     {answer(good), ""},
		"not healthy": {answer(`{"healthy":false}`), "answers, but not healthy, while the container itself is healthy"},
		"bad gateway": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }, "answers 502 Bad Gateway"},
	} {
		t.Run(name, func(t *testing.T) {
			proxy := httptest.NewServer(c.handler)
			defer proxy.Close()
			l := serve(t, answer(good))
			l.Check.PublicURL = proxy.URL + "/status?key=c4n4ry"
			got, err := probe.New(probe.Options{}).Look(t.Context(), l)
			if c.text == "" {
				if err != nil || !got.Healthy {
					t.Fatalf("%+v, %v", got, err)
				}
				return
			}
			wantFault(t, err, fault.Unavailable, "public address "+strings.TrimPrefix(proxy.URL, "http://")+"/status: "+c.text, "c4n4ry")
		})
	}
	t.Run("TLS", func(t *testing.T) {
		proxy := httptest.NewTLSServer(answer(good))
		defer proxy.Close()
		l := serve(t, answer(good))
		l.Check.PublicURL = proxy.URL
		_, err := probe.New(probe.Options{}).Look(t.Context(), l)
		wantFault(t, err, fault.Unavailable, "the TLS handshake fails")
	})
	t.Run("DNS", func(t *testing.T) {
		l := serve(t, answer(good))
		l.Check.PublicURL = "http://nobody.invalid/"
		_, err := probe.New(probe.Options{}).Look(t.Context(), l)
		wantFault(t, err, fault.Unavailable, "public address nobody.invalid/: ")
	})
	t.Run("not asked before the container is healthy", func(t *testing.T) {
		l := serve(t, answer(`{"healthy":false}`))
		l.Check.PublicURL = "http://127.0.0.1:1/"
		if got, err := probe.New(probe.Options{}).Look(t.Context(), l); err != nil || got.Healthy {
			t.Fatalf("%+v, %v", got, err)
		}
	})
	t.Run("with a password", func(t *testing.T) {
		l := serve(t, answer(good))
		l.Check.PublicURL = "http://u:c4n4ry@127.0.0.1/"
		_, err := probe.New(probe.Options{}).Look(t.Context(), l)
		wantFault(t, err, fault.Refused, "public_url must be", "c4n4ry")
	})
}
