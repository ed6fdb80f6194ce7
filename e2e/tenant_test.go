//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/e2e/world"
)

// common is what tenants share; it is made when the first one needs it.
var common shared

// shared is a world with what takes long to start.
type shared struct {
	mu       sync.Mutex
	tenants  int
	world    *world.World
	registry *world.Registry
	network  *world.Network // on whose gateway the database server listens; no container is on it
	postgres *world.Postgres
}

// options returns those of a tenant's rig. What o sets stays as it is.
func (s *shared) options(o rig.Options) (rig.Options, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// A test's own context would end what the next one needs.
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := s.open(ctx); err != nil {
		return o, err
	}
	s.tenants++
	name := fmt.Sprintf("tenant-%d", s.tenants)
	o.World, o.Instance, o.Repository = s.world, name+"-"+s.world.Run, "capakraken/"+name
	if o.Registry == nil {
		o.Registry = s.registry
	}
	var err error
	if o.Postgres == nil {
		o.Postgres, err = s.postgres.Another(ctx, name)
	}
	return o, err
}

// open makes what is shared, unless it is there. The caller holds mu.
func (s *shared) open(ctx context.Context) (err error) {
	if s.world != nil {
		return nil
	}
	if s.world, err = world.New(ctx); err != nil {
		return err
	}
	if s.registry, err = s.world.Registry(ctx, world.RegistryOptions{}); err != nil {
		return err
	}
	if s.network, err = s.world.Network(ctx); err != nil {
		return err
	}
	s.postgres, err = s.world.Postgres(ctx, world.PostgresOptions{Network: s.network})
	return err
}

// newPostgres returns a server that a test has to itself.
func (s *shared) newPostgres(t *testing.T, o world.PostgresOptions) *world.Postgres {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.open(context.Background()); err != nil {
		t.Fatal(err)
	}
	o.Network = s.network
	p, err := s.world.Postgres(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// newRegistry returns a registry that a test has to itself.
func (s *shared) newRegistry(t *testing.T, o world.RegistryOptions) *world.Registry {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.open(context.Background()); err != nil {
		t.Fatal(err)
	}
	r, err := s.world.Registry(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (s *shared) close() error {
	if s.world == nil {
		return nil
	}
	return s.world.Close()
}

// newTenant makes a stage with a running daemon that shares registry and database server with the other tenants, and
// runs beside them. Its network is its own: an Engine 20.10 was seen to count endpoints for good on one where several
// tenants replaced containers at once, so that it could not be removed any more. When the test ends, no planted value
// may be found in what the daemon left.
func newTenant(t *testing.T, o rig.Options) *stage {
	t.Helper()
	s := quietTenant(t, o)
	s.must(s.Start(t.Context()))
	return s
}

// quietTenant is newTenant with a daemon that does not run yet.
func quietTenant(t *testing.T, o rig.Options) *stage {
	t.Helper()
	t.Parallel()
	o, err := common.options(o)
	if err != nil {
		t.Fatal(err)
	}
	s := quietStage(t, o)
	t.Cleanup(func() {
		s.must(s.Kill())
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		s.must(s.Remove(ctx))
		s.must(s.Network.Remove(ctx))
		s.silent("the daemon's log", s.Log())
		s.silentFiles(s.State())
	})
	return s
}

// silent expects a text to hold no value that a test planted.
func (s *stage) silent(where, text string) {
	s.t.Helper()
	for _, planted := range []string{"canary-", s.Postgres.Password} {
		if i := strings.Index(text, planted); i >= 0 {
			s.t.Errorf("a secret value stands in %s: …%s…", where, text[max(0, i-80):min(len(text), i+80)])
		}
	}
}

// silentFiles expects it of all files below a directory.
func (s *stage) silentFiles(dir string) {
	s.t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		s.silent(path, string(bytes.ToValidUTF8(content, nil)))
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.t.Error(err)
	}
}

// told runs a command and expects an exit code and texts, and that no value is shown.
func (s *stage) told(code int, args []string, texts ...string) rig.Result {
	s.t.Helper()
	res := s.run(code, args...)
	s.silent(fmt.Sprintf("the output of %q", args), res.Out+res.Err)
	s.says(res, texts...)
	return res
}

// reconfigured has the daemon start again with another configuration: changes are pairs of old and new text.
func (s *stage) reconfigured(changes ...string) {
	s.t.Helper()
	s.must(s.Stop())
	s.Template = edited(s.t, s.Template, changes...)
	s.must(s.WriteConfig())
	s.must(s.Start(s.t.Context()))
}

// edited returns a text with each old part, which must be there, replaced by the new one behind it.
func edited(t *testing.T, text string, changes ...string) string {
	t.Helper()
	for pair := range slices.Chunk(changes, 2) {
		if !strings.Contains(text, pair[0]) {
			t.Fatalf("%q is not in the configuration", pair[0])
		}
		text = strings.ReplaceAll(text, pair[0], pair[1])
	}
	return text
}

// deployed deploys a good release, and returns what runs then.
func (s *stage) deployed(tag string) map[string]rig.Container {
	s.t.Helper()
	s.told(0, []string{"deploy", rig.App, "--image", s.image(tag)})
	return s.live("web", "worker")
}

// untouched expects that what ran before runs on without a break.
func (s *stage) untouched(before map[string]rig.Container) {
	s.t.Helper()
	for service, now := range s.restored(before) {
		if now.State.StartedAt != before[service].State.StartedAt {
			s.t.Errorf("%s was restarted", service)
		}
	}
}

// restored expects that what ran before runs again: the same containers, under their names and with their policies.
func (s *stage) restored(before map[string]rig.Container) map[string]rig.Container {
	s.t.Helper()
	after := s.live(s.Services...)
	for service, now := range after {
		was := before[service]
		if now.ID != was.ID || now.Name != was.Name || now.HostConfig != was.HostConfig {
			s.t.Errorf("%s is not what it was: %+v, before %+v", service, now, was)
		}
	}
	return after
}

// nothingLeft expects that the app has no container at all.
func (s *stage) nothingLeft() {
	s.t.Helper()
	all, err := s.Containers(s.t.Context())
	s.must(err)
	for _, c := range all {
		s.t.Errorf("container %s is left over (%s)", c.Name, c.State.Status)
	}
}

var errStillThere = errors.New("it is still there")

// yes returns the flag that a cleanup wants where nobody can be asked.
func yes(kind string) []string {
	if kind == "cleanup" {
		return []string{"--yes"}
	}
	return nil
}

// container starts a container that is not the daemon's, of an image of another repository unless spec names one.
func (s *stage) container(spec world.ContainerSpec) *world.Container {
	s.t.Helper()
	if spec.Image == "" {
		image, err := s.World.Image(s.t.Context(), s.Registry, world.ImageSpec{Repository: "neighbour/box", Tag: s.Instance})
		s.must(err)
		spec.Image = image.Ref()
	}
	if spec.Network == nil {
		spec.Network = s.Network
	}
	c, err := s.World.Container(s.t.Context(), spec)
	s.must(err)
	s.t.Cleanup(func() {
		if err := c.Remove(context.Background()); err != nil {
			s.t.Error(err)
		}
	})
	return c
}

// published is where web is published, as a ContainerSpec has it.
func (s *stage) published() string { return fmt.Sprintf("127.0.0.1:%d:3000", s.Port) }

// digest returns what names the image of one of the daemon's containers for good.
func (s *stage) digest(c rig.Container) string {
	s.t.Helper()
	_, digest, ok := strings.Cut(c.Config.Image, "@")
	if !ok {
		s.t.Fatalf("%s was not created from a digest, but from %s", c.Name, c.Config.Image)
	}
	return digest
}
