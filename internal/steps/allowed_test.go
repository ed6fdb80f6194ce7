package steps

import (
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/workload"
)

// shopOnly lets in the app's own registry and nothing else.
func shopOnly() []string {
	return []string{"    env: [{file: ENV}]", "    allowed_registries: [registry.example.com/shop]\n    env: [{file: ENV}]"}
}

func TestAnImageOfNoAllowedRegistryIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		image   workload.Image
		refused bool
	}{
		"the app's own":         {workload.Image{Repository: "registry.example.com/shop/app", Tag: "1.0.0", Digest: "sha256:aa"}, false},
		"another of its team":   {workload.Image{Repository: "registry.example.com/shop/old", Tag: "1.0.0", Digest: "sha256:aa"}, false},
		"a team named alike":    {workload.Image{Repository: "registry.example.com/shopping/app", Tag: "1.0.0", Digest: "sha256:aa"}, true},
		"another registry":      {workload.Image{Repository: "old.example.com/shop/app", Tag: "1.0.0", Digest: "sha256:aa"}, true},
		"Docker Hub, unsaid":    {workload.Image{Repository: "shop/app", Tag: "1.0.0", Digest: "sha256:aa"}, true},
		"one built on the host": {workload.Image{ID: "sha256:01"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			for _, kind := range []rollout.Kind{rollout.Deploy, rollout.Rollback} {
				for _, verb := range []rollout.Verb{rollout.DoValidate, rollout.DoPull} {
					r := newRig(t, shopOnly()...)
					asked := false
					r.images.find = func(i workload.Image) (workload.Image, bool, error) { asked = true; return i, true, nil }
					r.images.resolve = func(i workload.Image) (workload.Image, error) { asked = true; return i, nil }
					r.images.pull = func(i workload.Image, _ func(done, total int64)) (workload.Fetched, error) {
						asked = true
						return workload.Fetched{Image: i, Cached: true}, nil
					}
					s := r.requested(kind)
					s.Request.Image, s.Validated = test.image, &rollout.Validated{}
					_, err := r.do(t.Context(), s, verb, "")
					if !test.refused {
						if err != nil {
							t.Errorf("%s %s: %v", kind, verb, err)
						}
						continue
					}
					expect(t, err, fault.Refused, "the image "+test.image.String()+": is of no registry in the app's allowed_registries (registry.example.com/shop)")
					if asked {
						t.Errorf("%s %s: somebody was asked for the image", kind, verb)
					}
				}
			}
		})
	}
}

// A secret that leaked is replaced whatever runs, and the operator is told.
func TestARotationKeepsWhatIsNoLongerAllowed(t *testing.T) {
	for name, allowed := range map[string]bool{"registry.example.com/shop/app": true, "old.example.com/shop/app": false} {
		r := newRig(t, shopOnly()...)
		for _, id := range []string{"web-old", "worker-old"} {
			r.container(id).Image.Repository = name
		}
		warned := strings.Contains(strings.Join(r.validated(rollout.Rotate).Validated.Warnings, "\n"), "allowed_registries (registry.example.com/shop); a rotation keeps it")
		if warned == allowed {
			t.Errorf("%s: warned is %v", name, warned)
		}
	}
}
