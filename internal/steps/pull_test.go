package steps

import (
	"slices"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/workload"
)

func TestPull(t *testing.T) {
	const repository = "registry.example.com/shop/app"
	for name, test := range map[string]struct {
		image    workload.Image
		resolves int
		want     workload.Image
	}{
		"a tag is resolved once":  {workload.Image{Repository: repository, Tag: "2.0.0"}, 1, workload.Image{Repository: repository, Tag: "2.0.0", Digest: "sha256:bb", ID: "sha256:02"}},
		"a digest is the digest":  {workload.Image{Repository: repository, Digest: "sha256:cc"}, 0, workload.Image{Repository: repository, Digest: "sha256:cc", ID: "sha256:02"}},
		"a tag beside its digest": {workload.Image{Repository: repository, Tag: "2.0.0", Digest: "sha256:cc"}, 0, workload.Image{Repository: repository, Tag: "2.0.0", Digest: "sha256:cc", ID: "sha256:02"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			resolves := 0
			r.images.resolve = func(i workload.Image) (workload.Image, error) {
				resolves++
				i.Digest = "sha256:bb"
				return i, nil
			}
			r.images.pull = func(i workload.Image, progress func(done, total int64)) (workload.Fetched, error) {
				if i.Digest != test.want.Digest {
					t.Errorf("pulled %+v", i)
				}
				progress(3, 6)
				i.ID = "sha256:02"
				return workload.Fetched{Image: i, Bytes: 6, Mirror: "mirror.example.com/shop/app", Warnings: []string{"a mirror is behind"}}, nil
			}
			r.images.old = []string{"the answer may be old"}
			s := r.requested(rollout.Deploy)
			s.Request.Image, s.Validated = test.image, &rollout.Validated{}
			ev, err := r.do(t.Context(), s, rollout.DoPull, "")
			if err != nil {
				t.Fatal(err)
			}
			if p := *ev.Pulled; p.Image != test.want || p.Bytes != 6 || p.Cached || resolves != test.resolves {
				t.Errorf("%+v after %d resolves", p, resolves)
			}
			want := []string{"a mirror is behind"}
			if resolves > 0 {
				want = []string{"the answer may be old", "a mirror is behind"}
			}
			if p := *ev.Pulled; p.Mirror != "mirror.example.com/shop/app" || !slices.Equal(p.Warnings, want) {
				t.Errorf("%+v", p)
			}
			if len(r.said) != 2 {
				t.Errorf("said %q", r.said)
			}
		})
	}
}

func TestPullFails(t *testing.T) {
	r := newRig(t)
	s := r.requested(rollout.Deploy)
	s.Request.Image = workload.Image{Repository: "registry.example.com/shop/app", Tag: "2.0.0"}
	r.images.resolve = func(workload.Image) (workload.Image, error) {
		return workload.Image{}, fault.New(fault.NotFound, "there is no such tag")
	}
	_, err := r.do(t.Context(), s, rollout.DoPull, "") // and Pull is not called
	expect(t, err, fault.NotFound, "no such tag")

	r.images.resolve = func(i workload.Image) (workload.Image, error) { i.Digest = "sha256:bb"; return i, nil }
	r.images.pull = func(workload.Image, func(done, total int64)) (workload.Fetched, error) {
		return workload.Fetched{}, fault.New(fault.Refused, "it is for another platform")
	}
	ev, err := r.do(t.Context(), s, rollout.DoPull, "")
	expect(t, err, fault.Refused, "another platform")
	if ev != nil || !slices.Contains(r.said, "pulling registry.example.com/shop/app:2.0.0@bb") {
		t.Errorf("%+v, said %q", ev, r.said)
	}
}
