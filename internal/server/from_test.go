package server

import (
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/orchestrator"
	"github.com/capakraken/fairlead/internal/rollout"
)

// What a request says of another host is recorded, so it must fit the request, and be plain text with a reason.
func TestVerifiedThere(t *testing.T) {
	t.Parallel()
	verified := "sha256:" + strings.Repeat("d1", 32)
	for name, tt := range map[string]struct {
		change func(*orchestrator.Request)
		want   string
	}{
		"whole":           {func(*orchestrator.Request) {}, ""},
		"no origin":       {func(r *orchestrator.Request) { r.From = nil }, ""},
		"drift, allowed":  {func(r *orchestrator.Request) { r.From.Drift, r.Reason = []string{"keys/DEBUG"}, "why" }, ""},
		"drift, silent":   {func(r *orchestrator.Request) { r.From.Drift, r.Reason = []string{"keys/DEBUG"}, " " }, "nobody says why"},
		"a rotation":      {func(r *orchestrator.Request) { r.Kind = rollout.Rotate }, "is of a deploy, and not of a rotate"},
		"another image":   {func(r *orchestrator.Request) { r.Image = "sha256:d2" }, "is not the one that the field \"from\" says"},
		"no digest":       {func(r *orchestrator.Request) { r.From.Digest = "" }, "is not the one that the field \"from\" says"},
		"a digest's end":  {func(r *orchestrator.Request) { r.Image, r.From.Digest = "2.0.1", "1" }, "is not the one that the field \"from\" says"},
		"with its name":   {func(r *orchestrator.Request) { r.Image = "registry.example.com/app@" + verified }, ""},
		"a control":       {func(r *orchestrator.Request) { r.From.Context = "a\x1b[2J" }, "\"from\""},
		"a long text":     {func(r *orchestrator.Request) { r.From.Instance = strings.Repeat("x", maxReason+1) }, "\"from\""},
		"too many points": {func(r *orchestrator.Request) { r.From.Drift, r.Reason = make([]string, mostDrift+1), "why" }, "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			r := orchestrator.Request{App: "shop", Kind: rollout.Deploy, Image: verified, From: &rollout.From{Context: "staging", Digest: verified}}
			tt.change(&r)
			err := acceptable(r)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
