//go:build e2e

package engine_test

import (
	"archive/tar"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"
	"github.com/oklog/ulid/v2"

	"github.com/capakraken/fairlead/e2e/world"
	"github.com/capakraken/fairlead/internal/engine"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// canary stands for a secret in the environments of this room's tests.
const canary = "canary-5f2b-must-not-be-seen"

// stage is the real Engine with a small image on it, and an app of its own.
type stage struct {
	t     *testing.T
	world *world.World
	e     *engine.Engine
	api   *client.Client // to look past the code under test
	key   workload.Key
	image workload.Image
	net   string // a network, which every container joins unless a test says otherwise
}

func newStage(t *testing.T) *stage {
	t.Helper()
	w := world.ForTest(t)
	s := &stage{t: t, world: w, e: open(t, ""), key: workload.Key{Instance: "test-" + w.Run, Environment: "e2e", App: "box-" + w.Run}}
	api, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	s.must(err)
	t.Cleanup(func() { _ = api.Close() })
	s.api = api
	s.image = workload.Image{Repository: "box-" + w.Run, Tag: "1", ID: s.box("box-" + w.Run + ":1")}
	joined, err := w.Network(t.Context())
	s.must(err)
	s.net = joined.Name
	return s
}

// in returns the stage for a subtest.
func (s *stage) in(t *testing.T) *stage {
	sub := *s
	sub.t = t
	return &sub
}

// open returns an Engine at the address, with a key of its own that is always the same.
func open(t *testing.T, host string) *engine.Engine {
	t.Helper()
	return opened(t, engine.Options{Host: host})
}

// opened is open with options, to which it adds what they all have.
func opened(t *testing.T, o engine.Options) *engine.Engine {
	t.Helper()
	o.RegistryConfig, o.Key = filepath.Join("testdata", "docker.json"), secret.NewKey([secret.KeySize]byte{1})
	e, err := engine.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// box puts the test program onto the Engine as an image of one layer.
func (s *stage) box(ref string) string {
	s.t.Helper()
	path := filepath.Join(s.world.Dir, "box")
	build := exec.CommandContext(s.t.Context(), "go", "build", "-o", path, "./testdata/box")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		s.t.Fatalf("build the box: %v\n%s", err, out)
	}
	program, err := os.ReadFile(path)
	s.must(err)
	var layer bytes.Buffer
	packer := tar.NewWriter(&layer)
	s.must(packer.WriteHeader(&tar.Header{Name: "box", Mode: 0o755, Size: int64(len(program))}))
	_, err = packer.Write(program)
	s.must(err)
	s.must(packer.Close())
	stream, err := s.api.ImageImport(s.t.Context(), image.ImportSource{Source: &layer, SourceName: "-"}, ref,
		image.ImportOptions{Changes: []string{"LABEL " + world.Label + "=" + s.world.Run, `ENTRYPOINT ["/box"]`, `CMD ["wait"]`}})
	s.must(err)
	defer stream.Close()
	_, err = new(bytes.Buffer).ReadFrom(stream)
	s.must(err)
	found, err := s.api.ImageInspect(s.t.Context(), ref)
	s.must(err)
	return found.ID
}

func (s *stage) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// ctx ends when a test hangs.
func (s *stage) ctx() context.Context {
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	s.t.Cleanup(cancel)
	return ctx
}

// setUp ends when what a test only needs hangs: pushing an image takes long where a machine has much else to do, and how
// long says nothing about the code under test.
func (s *stage) setUp() context.Context {
	ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Minute)
	s.t.Cleanup(cancel)
	return ctx
}

// service returns a definition that changes may bend.
func (s *stage) service(name string, change ...func(*workload.Service)) workload.Service {
	grace := time.Second
	svc := workload.Service{Name: name, Restart: workload.RestartPolicy{Name: "unless-stopped"}, StopGracePeriod: &grace,
		Networks: []workload.Network{{Name: s.net}}}
	for _, c := range change {
		c(&svc)
	}
	return svc
}

// env is the environment that the containers get.
func env() secret.Env {
	return secret.NewEnv(secret.Var{Name: "API_KEY", Value: secret.NewValue(canary)}, secret.Var{Name: "MODE", Value: secret.NewValue("production")})
}

// replacement asks for a new container of the service in the place of old.
func (s *stage) replacement(rollout string, svc workload.Service, old *workload.Container) workload.Replacement {
	return workload.Replacement{
		Key: s.key, Rollout: rollout, Unit: workload.Unit{Service: svc, Env: env()}, Old: old,
		Release: workload.Release{ID: "release-" + rollout, Image: s.image, Definitions: "definitions", Env: "environments"},
	}
}

// rollout returns an id as the daemon makes them.
func rollout() string { return ulid.Make().String() }

// running brings up a service as an earlier rollout would have, and returns its container.
func (s *stage) running(svc workload.Service) workload.Container {
	s.t.Helper()
	id := rollout()
	_, err := s.e.Replace(s.ctx(), s.replacement(id, svc, nil))
	s.must(err)
	s.must(s.e.Promote(s.ctx(), s.key, id, svc))
	return s.one(svc.FinalName(s.key))
}

// adopted starts a container that Fairlead knows nothing of, and returns its id.
func (s *stage) adopted(name string, change ...func(*container.Config, *container.HostConfig)) string {
	s.t.Helper()
	config := &container.Config{Image: s.image.ID, Labels: map[string]string{world.Label: s.world.Run}}
	host := &container.HostConfig{NetworkMode: container.NetworkMode(s.net)}
	for _, c := range change {
		c(config, host)
	}
	made, err := s.api.ContainerCreate(s.ctx(), config, host, nil, nil, name)
	s.must(err)
	s.must(s.api.ContainerStart(s.ctx(), made.ID, container.StartOptions{}))
	return made.ID
}

// one returns the container of this name or id.
func (s *stage) one(name string) workload.Container {
	s.t.Helper()
	c, err := s.e.Inspect(s.ctx(), name)
	s.must(err)
	return c
}

// all returns the app's containers by name.
func (s *stage) all(services ...workload.Service) map[string]workload.Container {
	s.t.Helper()
	found, err := s.e.Observe(s.ctx(), s.key, services)
	s.must(err)
	out := map[string]workload.Container{}
	for _, c := range found {
		out[c.Name] = c
	}
	return out
}

// names returns the names of the app's containers with their states, sorted, for comparison.
func (s *stage) names(services ...workload.Service) []string {
	s.t.Helper()
	var out []string
	for name, c := range s.all(services...) {
		out = append(out, name+" "+string(c.Status))
	}
	slices.Sort(out)
	return out
}

// clear removes the app's containers between two tries.
func (s *stage) clear(services ...workload.Service) {
	s.t.Helper()
	for _, c := range s.all(services...) {
		s.must(s.api.ContainerRemove(s.ctx(), c.ID, container.RemoveOptions{Force: true}))
	}
}
