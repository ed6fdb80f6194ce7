//go:build e2e

// Package e2e tries Fairlead on the real thing: a real Engine, registry and database, and a daemon that is killed.
package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/e2e/world"
)

// The values that the tests plant. They are unlike anything else, so that they are found wherever they leak.
const (
	aiKey    = "canary-ai-5f1d7c9b3e8a4620"
	smtpPass = "canary-smtp-0b9e6d2f7a1c"
	seed     = "canary-seed-c47d1e90aa35"
	newSMTP  = "canary-rotated-77e21f0b9d"
)

// binaries makes a directory for what is built once for all tests.
var binaries = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "fairlead-bin-") })

// binary builds fairlead.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := binaries()
	if err != nil {
		return "", err
	}
	return rig.Build(context.Background(), dir)
})

// armed builds fairlead with its fault points.
var armed = sync.OnceValues(func() (string, error) {
	dir, err := binaries()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(dir, "armed")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	return rig.BuildVersion(context.Background(), dir, "dev", "failpoint")
})

// atOnce is how many tests run side by side. They wait for containers more than they compute.
const atOnce = 4

func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", strconv.Itoa(atOnce)); err != nil {
		panic(err)
	}
	code := m.Run()
	if dir, err := binaries(); err == nil {
		_ = os.RemoveAll(dir)
	}
	if err := common.close(); err != nil {
		fmt.Fprintln(os.Stderr, "close what the tests shared:", err)
		code = 1
	}
	os.Exit(code)
}

// stage is a rig for one test.
type stage struct {
	*rig.Rig
	t *testing.T
}

// in is the same stage for a subtest.
func (s *stage) in(t *testing.T) *stage { return &stage{s.Rig, t} }

// quietStage makes a rig whose daemon does not run yet.
func quietStage(t *testing.T, o rig.Options) *stage {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	if o.World == nil {
		o.World = world.ForTest(t)
	}
	o.Binary = path
	r, err := rig.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{r, t}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the daemon's log:\n%s", r.Log())
		}
	})
	s.must(s.WriteEnv(goodEnv()))
	return s
}

func goodEnv() rig.Env {
	return rig.Env{"AZURE_OPENAI_API_KEY": aiKey, "SMTP_PASSWORD": smtpPass, "ANONYMIZATION_SEED": seed}
}

func (s *stage) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// image makes an image and returns its tag.
func (s *stage) image(tag string, misbehave ...string) string {
	s.t.Helper()
	var env []string
	if len(misbehave) > 0 {
		env = []string{"REFAPP_MISBEHAVE=" + strings.Join(misbehave, ",")}
	}
	_, err := s.Image(s.t.Context(), tag, env...)
	s.must(err)
	return tag
}

// run runs a command and expects an exit code.
func (s *stage) run(code int, args ...string) rig.Result {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	res, err := s.Run(ctx, args...)
	s.must(err)
	if res.Code != code {
		s.t.Fatalf("want exit %d: %s", code, res)
	}
	return res
}

// says expects a command to have printed every text.
func (s *stage) says(res rig.Result, texts ...string) {
	s.t.Helper()
	for _, text := range texts {
		if !strings.Contains(res.Out+res.Err, text) {
			s.t.Errorf("%q is missing in %s", text, res)
		}
	}
}

// version1 starts the old version by hand, as it was before Fairlead, and stores its secrets in the database.
func (s *stage) version1() {
	s.t.Helper()
	tag := s.image("1.0.0")
	for _, service := range s.Services {
		spec := world.ContainerSpec{Name: s.Container(service), Image: s.Repository() + ":" + tag, Cmd: []string{service},
			Network: s.Network, Env: []string{"DATABASE_URL=" + s.Postgres.URL()}, Restart: "always"}
		if service == "web" {
			spec.Publish = []string{fmt.Sprintf("127.0.0.1:%d:3000", s.Port)}
		}
		_, err := s.World.Container(s.t.Context(), spec)
		s.must(err)
	}
	s.eventually("version 1 has made its table", func() error { return s.Store(s.t.Context(), residue()) })
}

// residue is what the old version keeps in the database: the same values as the good env file.
func residue() map[string]string {
	return map[string]string{"azureOpenAiApiKey": aiKey, "smtpPassword": smtpPass, "anonymizationSeed": seed}
}

// live returns the running container of each service by its service's name, and fails unless there is exactly one of
// each and nothing else of the app.
func (s *stage) live(services ...string) map[string]rig.Container {
	s.t.Helper()
	all, err := s.Containers(s.t.Context())
	s.must(err)
	found := map[string]rig.Container{}
	for _, c := range all {
		if c.State.Status != "running" {
			s.t.Errorf("container %s is left over (%s)", c.Name, c.State.Status)
			continue
		}
		for _, service := range services {
			if c.Name == "/"+s.Container(service) {
				found[service] = c
			}
		}
	}
	if len(found) != len(services) || len(all) != len(services) {
		s.t.Fatalf("%d containers of the app, of which %d run under their final names; want exactly one for each of %v: %+v", len(all), len(found), services, all)
	}
	return found
}

// stored expects the legacy columns to hold these values.
func (s *stage) stored(want map[string]string) {
	s.t.Helper()
	for column, value := range want {
		got, err := s.Column(s.t.Context(), column)
		s.must(err)
		if got != value {
			s.t.Errorf("column %s holds %d bytes, want %d", column, len(got), len(value))
		}
	}
}

// cleared is what stored expects after a clear.
func cleared() map[string]string {
	return map[string]string{"azureOpenAiApiKey": "", "smtpPassword": "", "anonymizationSeed": ""}
}

// eventually waits until probe returns nil.
func (s *stage) eventually(what string, probe func() error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := probe()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			s.t.Fatalf("waited in vain until %s: %v", what, err)
		case <-tick.C:
		}
	}
}
