package probe_test

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/probe"
	"github.com/capakraken/fairlead/internal/secret"
)

func TestLeaks(t *testing.T) {
	const canary = `c4n4ry"/Värt+=&`
	escaped := ""
	for _, r := range canary {
		escaped += fmt.Sprintf(`\u%04x`, r)
	}
	inJSON := func(s string) http.HandlerFunc { return answer(`{"healthy":true,"version":"` + s + `"}`) }
	for name, h := range map[string]http.HandlerFunc{
		"raw text":      answer("oops: " + canary),
		"JSON":          inJSON(strings.ReplaceAll(canary, `"`, `\"`)),
		"escaped JSON":  inJSON(escaped),
		"URL":           inJSON(url.QueryEscape(canary)),
		"base64":        inJSON(base64.StdEncoding.EncodeToString([]byte(canary))),
		"inside base64": inJSON(base64.StdEncoding.EncodeToString([]byte("user:" + canary + ":x"))),
		"hex":           inJSON(hex.EncodeToString([]byte(canary))),
		"a key":         answer(`{"` + escaped + `":1}`),
		"an error page": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, canary, 500) },
		"a header":      func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Debug", canary); w.WriteHeader(204) },
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/?k="+url.QueryEscape(canary), http.StatusFound)
		},
		"before a hangup": hijack(func(c *net.TCPConn) {
			_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + canary))
		}),
	} {
		t.Run(name, func(t *testing.T) {
			l := serve(t, h)
			l.Forbidden = secret.NewRedactor(env("SMTP_PASSWORD", canary))
			_, err := probe.New(probe.Options{}).Look(t.Context(), l)
			wantFault(t, err, fault.Refused, "service web: ", canary, "c4n4ry")
			if !errors.Is(err, probe.ErrLeak) || !strings.Contains(err.Error(), "the value of SMTP_PASSWORD (rule 2 of ADR 0001") {
				t.Errorf("not a leak: %v", err)
			}
		})
	}
	t.Run("decoded by the query", func(t *testing.T) {
		l := serve(t, answer(`{"v":[99,52,110,52,114,121,45,118,97,108]}`))
		l.Check.Query = `{healthy: true, version: (.v | implode)}`
		l.Forbidden = secret.NewRedactor(env("SEED", "c4n4ry-val"))
		_, err := probe.New(probe.Options{}).Look(t.Context(), l)
		wantFault(t, err, fault.Refused, "the value of SEED", "c4n4ry")
	})
}
