//go:build e2e

package engine_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/e2e/world"
	"github.com/capakraken/fairlead/internal/engine"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

func TestResolveAndPull(t *testing.T) {
	s := newStage(t)
	registry, err := s.world.Registry(s.setUp(), world.RegistryOptions{})
	s.must(err)
	made, err := s.world.Image(s.setUp(), registry, world.ImageSpec{Tag: "2.0.0", Padding: 2 << 20})
	s.must(err)
	asked := workload.Image{Repository: made.Repository, Tag: "2.0.0"}

	resolved, _, err := s.e.Resolve(s.ctx(), asked)
	s.must(err)
	if resolved.Digest != made.Digest || resolved.ID != "" {
		t.Fatalf("resolved to %+v, made was %s", resolved, made.Digest)
	}
	var last engine.Progress
	pulled, err := s.e.Pull(s.ctx(), resolved, func(p engine.Progress) { last = p })
	s.must(err)
	if pulled.Cached || pulled.Image.ID == "" || pulled.Bytes < 2<<20 || last.Done != pulled.Bytes || last.Ready != last.Layers {
		t.Fatalf("pulled %+v, last told %+v", pulled, last)
	}
	again, err := s.e.Pull(s.ctx(), resolved, nil)
	s.must(err)
	if !again.Cached || again.Bytes != 0 || again.Image != pulled.Image {
		t.Fatalf("the second pull was %+v", again)
	}

	s.must(registry.Stop()) // what is here by its digest needs no registry
	found, _, err := s.e.Resolve(s.ctx(), resolved)
	s.must(err)
	if found != pulled.Image {
		t.Fatalf("resolved to %+v", found)
	}
	if _, _, err := s.e.Resolve(s.ctx(), asked); fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "cannot be reached") {
		t.Fatalf("without its registry, Resolve says %v (hidden: %v)", err, errors.Unwrap(err))
	}
}

func TestResolveRefusals(t *testing.T) {
	s := newStage(t)
	registry, err := s.world.Registry(s.setUp(), world.RegistryOptions{})
	s.must(err)
	foreign, err := s.world.Image(s.setUp(), registry, world.ImageSpec{Tag: "foreign", Platforms: []string{"linux/s390x"}})
	s.must(err)
	several, err := s.world.Image(s.setUp(), registry, world.ImageSpec{Tag: "several", Platforms: []string{"linux/s390x", "linux/ppc64le"}})
	s.must(err)
	nowhere := "sha256:" + strings.Repeat("0", 64)
	for _, tt := range []struct {
		name  string
		image workload.Image
		want  string
	}{
		{"another platform", workload.Image{Repository: foreign.Repository, Tag: "foreign"}, "is for linux/s390x, this host is linux/"},
		{"other platforms", workload.Image{Repository: several.Repository, Tag: "several"}, "is for linux/s390x, linux/ppc64le, this host is linux/"},
		{"no tag", workload.Image{Repository: foreign.Repository, Tag: "none"}, "no such tag or digest in that repository (404)"},
		{"no repository", workload.Image{Repository: registry.Host + "/none", Tag: "1"}, "(404)"},
		{"no digest", workload.Image{Repository: foreign.Repository, Digest: nowhere}, "no such tag or digest in that repository (404)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := s.e.Resolve(s.ctx(), tt.image)
			if fault.KindOf(err) != fault.Refused || !strings.Contains(fault.Text(err), tt.want) {
				t.Errorf("Resolve says %v (hidden: %v)", err, errors.Unwrap(err))
			}
		})
	}
	_, err = s.e.Pull(s.ctx(), workload.Image{Repository: foreign.Repository, Digest: nowhere}, nil)
	if fault.KindOf(err) != fault.Refused || !strings.Contains(fault.Text(err), "404") {
		t.Errorf("Pull says %v (hidden: %v)", err, errors.Unwrap(err))
	}
	_, err = s.e.Pull(s.ctx(), workload.Image{Repository: foreign.Repository, Digest: foreign.Digest}, nil)
	if fault.KindOf(err) != fault.Refused {
		t.Errorf("Pull of a foreign image says %v (hidden: %v)", err, errors.Unwrap(err))
	}
}

func TestPullEndsWithItsContext(t *testing.T) {
	s := newStage(t)
	registry, err := s.world.Registry(s.setUp(), world.RegistryOptions{})
	s.must(err)
	made, err := s.world.Image(s.setUp(), registry, world.ImageSpec{Tag: "big", Padding: 32 << 20})
	s.must(err)
	ctx, cancel := context.WithCancel(s.setUp()) // the Engine may begin late; what ends the pull must be the cancel
	defer cancel()
	_, err = s.e.Pull(ctx, workload.Image{Repository: made.Repository, Digest: made.Digest}, func(engine.Progress) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("Pull says %v (hidden: %v)", err, errors.Unwrap(err))
	}
}

func TestCredentials(t *testing.T) {
	s := newStage(t)
	registry, err := s.world.Registry(s.setUp(), world.RegistryOptions{User: "deployer", Password: canary})
	s.must(err)
	made, err := s.world.Image(s.setUp(), registry, world.ImageSpec{Tag: "1"})
	s.must(err)
	path := filepath.Join(t.TempDir(), "docker.json")
	e, err := engine.New(engine.Options{RegistryConfig: path, Key: secret.NewKey([secret.KeySize]byte{1})})
	s.must(err)
	defer e.Close()
	asked := workload.Image{Repository: made.Repository, Tag: "1"}
	refused := func(what, want string) {
		t.Helper()
		_, _, err := e.Resolve(s.ctx(), asked)
		if fault.KindOf(err) != fault.Refused || !strings.Contains(fault.Text(err), want) || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: Resolve says %v (hidden: %v)", what, err, errors.Unwrap(err))
		}
	}
	write := func(user, password string) {
		text := fmt.Sprintf(`{"auths": {"http://%s/v2/": {"username": %q, "password": %q}}}`, registry.Host, user, password)
		s.must(os.WriteFile(path, []byte(text), 0o600))
	}

	refused("no file", path)
	s.must(os.WriteFile(path, []byte(`{}`), 0o600))
	refused("no login", "(401)")
	write("deployer", "wrong-"+canary)
	refused("a wrong password", "(401)")
	write("deployer", canary) // the file is read anew
	resolved, _, err := e.Resolve(s.ctx(), asked)
	s.must(err)
	pulled, err := e.Pull(s.ctx(), resolved, nil)
	s.must(err)
	if pulled.Image.Digest != made.Digest {
		t.Fatalf("pulled %+v", pulled)
	}
}
