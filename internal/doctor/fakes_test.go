package doctor

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/steps"
	"github.com/capakraken/fairlead/internal/workload"
)

// now is when every examination takes place.
var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// host is a host whose parts a test puts out of order.
type host struct {
	about      About
	aboutErr   error
	reach      error
	astray     map[string]error // what else Reach says, by repository
	turn       sync.Mutex       // of asked, since checks run side by side
	asked      []workload.Image
	containers []workload.Container
	observeErr error
	problems   []fault.Problem
	missing    []string
	owned      []workload.Owned
	free       uint64
	unseen     bool

	app     steps.Provisioned
	appErr  error
	answer  workload.Answer
	lookErr error

	grants    Grants
	grantsErr error
	residue   []secret.Residue
	residErr  error

	daemon    Daemon
	daemonErr error
}

func (h *host) About(context.Context) (About, error) { return h.about, h.aboutErr }
func (h *host) Reach(_ context.Context, i workload.Image) error {
	h.turn.Lock()
	h.asked = append(h.asked, i)
	h.turn.Unlock()
	if err, ok := h.astray[i.Repository]; ok {
		return err
	}
	return h.reach
}
func (h *host) Observe(context.Context, workload.Key, []workload.Service) ([]workload.Container, error) {
	return h.containers, h.observeErr
}
func (h *host) Check(context.Context, workload.Key, []workload.Service) ([]fault.Problem, error) {
	return h.problems, nil
}
func (h *host) Missing(context.Context, []string) ([]string, error)        { return h.missing, nil }
func (h *host) Owned(context.Context) ([]workload.Owned, error)            { return h.owned, nil }
func (h *host) Free(context.Context) (uint64, bool)                        { return h.free, !h.unseen }
func (h *host) Examine(context.Context, string) (steps.Provisioned, error) { return h.app, h.appErr }
func (h *host) Look(context.Context, string, workload.Container) (workload.Answer, error) {
	return h.answer, h.lookErr
}
func (h *host) Grants(context.Context, steps.Legacy) (Grants, error) { return h.grants, h.grantsErr }
func (h *host) Inspect(context.Context, steps.Legacy, map[string]secret.Value) ([]secret.Residue, error) {
	return h.residue, h.residErr
}

// scene is a host in order, and who examines it.
type scene struct {
	*host
	Patient
	dir string
}

func newScene(t *testing.T) *scene {
	t.Helper()
	dir := t.TempDir()
	h := &host{
		about: About{Version: "28.2.2", API: "1.50", Host: "unix:///var/run/docker.sock"},
		free:  50 << 30,
		app: steps.Provisioned{Key: workload.Key{Instance: "prod-1", Environment: "production", App: "shop"}, Sources: []rollout.SourceFact{{Source: "/etc/shop/.env", Kind: "file"}}, Whole: true,
			Services: []workload.Service{{Name: "web", Mounts: []workload.Mount{{Type: "volume", Source: "data", Target: "/data"}}}},
			Secrets:  []rollout.SecretFact{{Name: "ai", Env: "AI_KEY", Provisioned: true}, {Name: "mail", Env: "SMTP_PASSWORD"}}, Legacy: &steps.Legacy{App: "shop"}},
		containers: []workload.Container{{Name: "shop-web", Service: "web", Ours: true, Status: workload.Running, Image: workload.Image{Repository: "registry.example.com/shop", Tag: "2.0.0"}}},
		answer:     workload.Answer{Healthy: true, Secrets: []workload.Report{{Name: "ai", Source: secret.Environment, Present: true}, {Name: "mail", Source: secret.None}}},
		grants:     Grants{Server: "17.2", Now: now, User: `"shop"`, Table: `"public"."SystemSettings"`},
		residue:    []secret.Residue{{Secret: "ai", Column: "aiKey", Verdict: secret.Empty}},
		daemon:     Daemon{Version: "1.0.0", Instance: "prod-1", Running: map[string]bool{}},
	}
	s := &scene{host: h, dir: dir}
	s.Patient = Patient{
		Version: "1.0.0", Path: filepath.Join(dir, "fairlead.yaml"), State: filepath.Join(dir, "state"), Socket: filepath.Join(dir, "sock"), Root: filepath.Join(dir, "root"),
		Config: config.Config{Instance: "prod-1", Engine: config.Engine{Host: "unix://" + filepath.Join(dir, "docker.sock")}, Registry: config.Registry{ConfigFile: filepath.Join(dir, "docker.json")},
			Access: config.Access{Operators: config.Principals{Groups: []string{"docker"}}},
			Apps: map[string]config.App{"shop": {Name: "shop", Environment: "production", Repository: "registry.example.com/shop", Services: []config.Definition{{Name: "web"}},
				Checks: map[string]workload.Check{"web": {URL: "http://{container}:3000/"}}, Secrets: []secret.Spec{{Name: "ai", Env: "AI_KEY", Required: true}, {Name: "mail", Env: "SMTP_PASSWORD"}},
				Legacy: &config.Legacy{}, Env: []config.EnvSource{{File: filepath.Join(dir, "env", ".env")}}}}},
		UID: os.Getuid(), GID: os.Getgid(), Self: os.Getuid(), Engine: h, Apps: h, Database: h,
		Ask:          func(context.Context) (Daemon, error) { return h.daemon, h.daemonErr },
		Space:        func(string) (Space, error) { return Space{Bytes: 10 << 30, Files: 1 << 20}, nil },
		Synchronized: func() (bool, error) { return true, nil },
		Now:          func() time.Time { return now },
	}
	for _, d := range []string{"state", "env", "root/run/systemd/system", "root/etc/systemd/system/multi-user.target.wants"} {
		s.try(t, os.MkdirAll(filepath.Join(dir, d), 0o700))
	}
	for _, f := range []string{"fairlead.yaml", "docker.json", "docker.sock", "env/.env", "root/etc/systemd/system/fairlead.service", "root/etc/systemd/system/multi-user.target.wants/fairlead.service"} {
		s.try(t, os.WriteFile(filepath.Join(dir, f), nil, 0o600))
	}
	s.listen(t)
	return s
}

func (s *scene) listen(t *testing.T) {
	t.Helper()
	l, err := net.Listen("unix", s.Socket)
	s.try(t, err)
	t.Cleanup(func() { _ = l.Close() })
	s.try(t, os.Chmod(s.Socket, 0o666))
}

func (s *scene) try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// chmod changes the mode of something in the scene's directory.
func (s *scene) chmod(t *testing.T, name string, mode os.FileMode) {
	t.Helper()
	s.try(t, os.Chmod(filepath.Join(s.dir, name), mode))
}

func (s *scene) remove(t *testing.T, name string) {
	t.Helper()
	s.try(t, os.RemoveAll(filepath.Join(s.dir, name)))
}

// change changes the one app of the configuration.
func (s *scene) change(f func(*config.App)) {
	app := s.Config.Apps["shop"]
	f(&app)
	s.Config.Apps["shop"] = app
}

// unlike returns the findings that are not ok.
func unlike(r Report) []Finding {
	var out []Finding
	for _, f := range r.Findings {
		if f.Verdict != OK {
			out = append(out, f)
		}
	}
	return out
}

// has reports whether a finding of the report has the verdict and holds the texts.
func has(r Report, v Verdict, found, remedy string) bool {
	for _, f := range r.Findings {
		if f.Verdict == v && strings.Contains(f.Check+" "+f.Subject+": "+f.Found, found) && strings.Contains(f.Remedy, remedy) {
			return true
		}
	}
	return false
}

var errForeign = errors.New("canary: a driver's own words")
