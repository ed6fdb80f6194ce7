//go:build e2e

package engine_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"

	"github.com/capakraken/fairlead/e2e/world"
	"github.com/capakraken/fairlead/internal/workload"
)

// called returns what an image is called, and nothing where it is gone.
func (s *stage) called(ref string) []string {
	s.t.Helper()
	found, err := s.api.ImageInspect(s.ctx(), ref)
	if err != nil {
		return nil
	}
	return slices.Sorted(slices.Values(slices.Concat(found.RepoTags, found.RepoDigests)))
}

// An image of ours goes when nobody needs it; one that somebody else has named, used or brought stays. What was removed
// once is no fault, and one that is kept is found when its digest's name is gone.
func TestKeepAndLetGo(t *testing.T) {
	s := newStage(t)
	registry, err := s.world.Registry(s.setUp(), world.RegistryOptions{})
	s.must(err)
	pulled := func(tag string) workload.Image {
		made, err := s.world.Image(s.setUp(), registry, world.ImageSpec{Tag: tag})
		s.must(err)
		got, err := s.e.Pull(s.ctx(), workload.Image{Repository: made.Repository, Tag: tag, Digest: made.Digest}, nil)
		s.must(err)
		return got.Image
	}
	keep := func(i workload.Image) string {
		name, err := s.e.Keep(s.ctx(), s.key, i)
		s.must(err)
		if again, err := s.e.Keep(s.ctx(), s.key, i); err != nil || again != "" || !strings.HasPrefix(name, "fairlead.invalid/") {
			t.Fatalf("kept as %q, and then as %q: %v", name, again, err)
		}
		return name
	}
	letGo := func(i workload.Image, fetched bool, left string, removed ...string) {
		t.Helper()
		got, why, err := s.e.LetGo(s.ctx(), s.key, i, fetched)
		s.must(err)
		if !slices.Equal(got, removed) || left == "" && why != "" || !strings.Contains(why, left) {
			t.Errorf("of %s went %v, and not %v; left: %q", i, got, removed, why)
		}
	}

	ours := pulled("1")
	name := keep(ours)
	if kept, bytes, err := s.e.Kept(s.ctx(), s.key); err != nil || !slices.Equal(kept, []string{workload.ShortDigest(ours.Digest)}) || bytes < 1<<20 {
		t.Errorf("kept are %v of %d bytes: %v", kept, bytes, err)
	}
	other := s.key
	other.Environment = "staging"
	if kept, _, err := s.e.Kept(s.ctx(), other); err != nil || len(kept) != 0 {
		t.Errorf("of another environment are kept %v: %v", kept, err)
	}
	letGo(ours, true, "", name, ours.Ref())
	if left := s.called(ours.ID); left != nil {
		t.Errorf("it is still there as %v", left)
	}
	letGo(ours, true, "")

	foreign := pulled("2")
	name = keep(foreign)
	s.must(s.api.ImageTag(s.ctx(), foreign.ID, "somebody-"+s.world.Run+":else"))
	letGo(foreign, true, "", name)
	letGo(foreign, true, "")
	if left := s.called("somebody-" + s.world.Run + ":else"); !slices.Contains(left, foreign.Ref()) || len(left) != 2 {
		t.Errorf("of somebody else's are left %v", left)
	}

	used := pulled("3")
	name = keep(used)
	made, err := s.api.ContainerCreate(s.ctx(), &container.Config{Image: used.ID, Labels: map[string]string{world.Label: s.world.Run}}, nil, nil, nil, "user-"+s.world.Run)
	s.must(err)
	letGo(used, true, "user-"+s.world.Run, name)
	letGo(used, true, "user-"+s.world.Run)
	if left := s.called(used.ID); !slices.Equal(left, []string{used.Ref()}) {
		t.Errorf("of one in use are left %v", left)
	}
	s.must(s.api.ContainerRemove(s.ctx(), made.ID, container.RemoveOptions{}))
	letGo(used, true, "", used.Ref())

	theirs := pulled("4")
	name = keep(theirs)
	letGo(theirs, false, "", name)
	if left := s.called(theirs.ID); !slices.Equal(left, []string{theirs.Ref()}) {
		t.Errorf("of one that was there before are left %v", left)
	}

	built := workload.Image{ID: s.image.ID}
	name = keep(built)
	letGo(built, false, "", name)
	name = keep(built)
	_, err = s.api.ImageRemove(s.ctx(), s.image.Repository+":1", image.RemoveOptions{})
	s.must(err)
	letGo(built, false, "") // its last name is ours, and we did not bring it
	if left := s.called(built.ID); !slices.Contains(left, name) {
		t.Errorf("one that was built here is left as %v", left)
	}

	bare := pulled("5")
	keep(bare)
	_, err = s.api.ImageRemove(s.ctx(), bare.Ref(), image.RemoveOptions{})
	s.must(err)
	s.must(registry.Stop())
	if found, ok, err := s.e.Find(s.ctx(), s.key, bare); err != nil || !ok || found.ID != bare.ID {
		t.Errorf("one without its digest's name is found as %+v, %t: %v", found, ok, err)
	}
	r := s.replacement(rollout(), s.service("web", func(svc *workload.Service) { svc.Command = []string{"web"} }), nil)
	r.Release.Image = bare
	replaced, err := s.e.Replace(s.ctx(), r)
	s.must(err)
	if c, err := s.api.ContainerInspect(s.ctx(), replaced.NewID); err != nil || c.Image != bare.ID || c.HostConfig.LogConfig.Config["max-size"] != "10m" {
		t.Errorf("the container is of %s with %+v: %v", c.Image, c.HostConfig.LogConfig, err)
	}
	letGo(bare, true, "uses it")
}
