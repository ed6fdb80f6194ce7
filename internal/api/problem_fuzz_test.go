package api

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
)

// FuzzProblem has somebody else answer on the socket: whatever comes is an error with words, and no panic.
func FuzzProblem(f *testing.F) {
	for _, seed := range []string{`{"kind":"busy","detail":"held","rollout":"01J","status":409}`, `{"kind":"nonsense"}`, `{"problems":[{"where":"f:1"}],"kind":"refused"}`, `[]`, `{"status":"x"}`, "", "\xff"} {
		f.Add(seed, "application/problem+json", 409)
	}
	f.Add("<html>", "text/html; charset=\"", 502)
	f.Fuzz(func(t *testing.T, body, media string, status int) {
		c := NewClient("/run/fairlead/fairlead.sock")
		err := c.problem(&http.Response{StatusCode: status, Header: http.Header{"Content-Type": {media}}, Body: io.NopCloser(strings.NewReader(body))})
		if err == nil {
			t.Fatalf("%q is no error", body)
		}
		_, _, _ = err.Error(), fault.Summary(err), fault.ProblemsOf(err)
		if code := fault.KindOf(err).ExitCode(); code <= 0 || code > 255 {
			t.Errorf("%q ends a command with %d", body, code)
		}
	})
}
