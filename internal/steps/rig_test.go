package steps

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/envfile"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// The secret values of the tests. No text that leaves the steps may hold one.
const (
	azure    = "canary-azure-4f9c1e77aa21"
	smtp     = "canary-smtp-0b6d2f93"
	password = "canary-dsn-81c3e5d7"
	dsn      = "postgresql://shop:" + password + "@db:5432/shop"
)

// provisioned is an env file that passes.
const provisioned = "AZURE_OPENAI_API_KEY=" + azure + "\nSMTP_PASSWORD=" + smtp + "\nDATABASE_URL=" + dsn + "\n"

const configuration = `instance: test-1
apps:
  shop:
    environment: production
    image: registry.example.com/shop/app
    env: [{file: ENV}]
    services:
      web: {command: [serve], container_name: shop-web, restart: unless-stopped}
      worker: {command: [work]}
    verify:
      web: {url: "http://{container}:3000/status", successes: 2, attempt_timeout: 500ms}
      worker: {stay_up: 2s}
    secrets:
      - {name: ai, env: AZURE_OPENAI_API_KEY, description: Primary AI credential, required: true, min_length: 20, legacy: {column: azureOpenAiApiKey}}
      - {name: smtp, env: SMTP_PASSWORD, legacy: {column: smtpPassword}}
      - {name: seed, env: ANON_SEED, legacy: {column: anonSeed}, on_mismatch: refuse}
    legacy: {dsn: {env: DATABASE_URL}, table: SystemSettings, row: {id: singleton}}
    clear: with_deploy
    not_consumers: [shop-docs]
`

// rig is one app on one host, all of it in memory but for the env file. Its fakes answer from the fields below until a
// test puts others in their place.
type rig struct {
	*Steps
	t       testing.TB
	env     string // the env file
	found   []workload.Container
	envs    map[string]secret.Env
	answers map[string]workload.Answer // by service
	residue []secret.Residue
	others  []workload.Container // outside the app
	said    []string             // progress
	turn    sync.Mutex           // of whoever uses the fields above

	runtime    *fakeRuntime
	containers *fakeContainers
	host       *fakeHost
	images     *fakeImages
	prober     *fakeProber
	database   *fakeDatabase
	hooks      *fakeHooks
}

// newRig returns a rig on which both services run, with the environment of the file. The edits are pairs of texts, of
// which the second replaces the first in the configuration.
func newRig(t testing.TB, edits ...string) *rig {
	t.Helper()
	r := &rig{t: t, env: filepath.Join(t.TempDir(), ".env.production"), envs: map[string]secret.Env{}}
	r.write(provisioned)
	text := strings.ReplaceAll(strings.NewReplacer(edits...).Replace(configuration), "ENV}", `"`+r.env+`"}`)
	cfg, err := config.Parse("fairlead.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	r.fake()
	r.Steps, err = New(Options{
		Instance: cfg.Instance, Apps: cfg.Apps, Key: secret.NewKey([secret.KeySize]byte{1}),
		EnvPolicy: envfile.Policy{UID: os.Getuid(), GID: os.Getgid()},
		Runtime:   r.runtime, Containers: r.containers, Host: r.host, Images: r.images, Prober: r.prober, Database: r.database, Hooks: r.hooks,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.run("web", "web-old")
	r.run("worker", "worker-old")
	r.answers = map[string]workload.Answer{"web": fromEnvironment("ai", "smtp"), "worker": {Healthy: true}}
	r.residue = []secret.Residue{
		{Secret: "ai", Column: "azureOpenAiApiKey", Verdict: secret.Same},
		{Secret: "smtp", Column: "smtpPassword", Verdict: secret.Empty},
		{Secret: "seed", Column: "anonSeed", Verdict: secret.Empty},
	}
	return r
}

func (r *rig) fake() {
	r.runtime = &fakeRuntime{t: r.t, observe: func([]workload.Service) ([]workload.Container, error) { return slices.Clone(r.found), nil }}
	r.containers = &fakeContainers{
		turn:    &r.turn,
		inspect: r.inspect,
		environment: func(id string) (secret.Env, error) {
			if _, err := r.inspect(id); err != nil {
				return nil, err
			}
			return r.envs[id], nil
		},
		logs: func(string, int) (string, error) { return "", nil },
		exit: func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() },
	}
	r.host = &fakeHost{
		check:     func([]workload.Service) ([]fault.Problem, error) { return nil, nil },
		consumers: func(string, []string) ([]workload.Container, error) { return r.others, nil },
		free:      func() (uint64, bool) { return 1 << 40, true },
	}
	r.images = &fakeImages{t: r.t}
	r.hooks = &fakeHooks{t: r.t}
	r.prober = &fakeProber{turn: &r.turn, look: func(_ context.Context, l workload.Look) (workload.Answer, error) {
		return r.answers[l.Container.Service], nil
	}}
	r.database = &fakeDatabase{t: r.t, inspect: func(context.Context, Legacy, map[string]secret.Value) ([]secret.Residue, error) {
		return slices.Clone(r.residue), nil
	}}
}

func (r *rig) inspect(id string) (workload.Container, error) {
	i := slices.IndexFunc(r.found, func(c workload.Container) bool { return c.ID == id })
	if i < 0 {
		return workload.Container{}, fault.New(fault.NotFound, "look at container %s: the container does not exist", id)
	}
	return r.found[i], nil
}

// write puts an env file in its place.
func (r *rig) write(content string) {
	r.t.Helper()
	if err := os.WriteFile(r.env, []byte(content), 0o640); err != nil {
		r.t.Fatal(err)
	}
}

// run adds a running container of the service, created with what the env file holds now.
func (r *rig) run(service, id string) *workload.Container {
	content, err := os.ReadFile(r.env)
	if err != nil {
		r.t.Fatal(err)
	}
	env, _ := envfile.Parse(r.env, content)
	r.envs[id] = env.With(secret.Var{Name: "PATH", Value: secret.NewValue("/usr/local/bin:/usr/bin")})
	r.found = append(r.found, workload.Container{ID: id, Name: "shop-" + service, Service: service, Ours: true, Rollout: "r0", Release: "old",
		Image:  workload.Image{Repository: "registry.example.com/shop/app", Digest: "sha256:aa", ID: "sha256:01"},
		Status: workload.Running, Health: workload.NoHealth, StartedAt: time.Now().Add(-time.Hour)})
	return &r.found[len(r.found)-1]
}

// container returns the container with this id, to be changed.
func (r *rig) container(id string) *workload.Container {
	i := slices.IndexFunc(r.found, func(c workload.Container) bool { return c.ID == id })
	if i < 0 {
		r.t.Fatalf("no container %s", id)
	}
	return &r.found[i]
}

// remove takes the container with this id away.
func (r *rig) remove(id string) {
	r.found = slices.DeleteFunc(r.found, func(c workload.Container) bool { return c.ID == id })
}

func (r *rig) say(p rollout.Progress) {
	r.turn.Lock()
	defer r.turn.Unlock()
	r.said = append(r.said, p.Text)
}

// do has one action done, and holds all that comes of it against the canaries.
func (r *rig) do(ctx context.Context, s rollout.State, verb rollout.Verb, service string) (*rollout.Evidence, error) {
	r.t.Helper()
	ev, err := r.Do(ctx, s, rollout.Action{Verb: verb, Service: service}, r.say)
	text, jsonErr := json.Marshal(ev)
	if jsonErr != nil {
		r.t.Fatal(jsonErr)
	}
	silent(r.t, string(text), strings.Join(r.said, "\n"))
	if err != nil {
		silent(r.t, err.Error(), fault.Text(err))
	}
	return ev, err
}

// requested returns the state of a rollout of this kind that has just begun.
func (r *rig) requested(kind rollout.Kind) rollout.State {
	s := rollout.State{Phase: rollout.Forward, Request: rollout.Request{ID: "r1", App: "shop", Kind: kind, Services: []string{"web", "worker"}, Clears: kind != rollout.Rotate}}
	for _, name := range s.Request.Services {
		s.Services = append(s.Services, rollout.Service{Name: name})
	}
	return s
}

// validated returns the state of a rollout that has passed validate.
func (r *rig) validated(kind rollout.Kind) rollout.State {
	r.t.Helper()
	s := r.requested(kind)
	ev, err := r.do(r.t.Context(), s, rollout.DoValidate, "")
	if err != nil {
		r.t.Fatal(err)
	}
	s.Validated = ev.Validated
	for i := range s.Services {
		s.Services[i].Baseline = ev.Validated.Baseline[i]
	}
	return s
}

// replaced returns the state of a rollout that has replaced both containers: the old ones are stopped, the new ones run.
func (r *rig) replaced(kind rollout.Kind) rollout.State {
	r.t.Helper()
	s := r.validated(kind)
	for i, name := range s.Request.Services {
		r.container(name + "-old").Status = workload.Exited
		c := r.run(name, name+"-new")
		c.Name, c.Rollout, c.StartedAt = workload.NewName(c.Name, "0ROLLOUT"), "r1", time.Now()
		s.Services[i].Replace = rollout.Complete
		s.Services[i].Replaced = &workload.Replaced{Service: name, NewID: name + "-new", OldID: name + "-old"}
	}
	return s
}

// proved returns the state of a rollout whose containers have proved themselves.
func (r *rig) proved(kind rollout.Kind) rollout.State {
	r.t.Helper()
	s := r.replaced(kind)
	s.Verified = &rollout.Verified{}
	for _, name := range s.Request.Services {
		c := r.container(name + "-new")
		s.Verified.Proofs = append(s.Verified.Proofs, rollout.Proof{Service: name, Container: c.ID, StartedAt: c.StartedAt, Answer: r.answers[name]})
	}
	return s
}

// fromEnvironment is the answer of a healthy service that takes these secrets from its environment.
func fromEnvironment(names ...string) workload.Answer {
	a := workload.Answer{Healthy: true, Version: "2.0.0"}
	for _, name := range names {
		a.Secrets = append(a.Secrets, workload.Report{Name: name, Source: secret.Environment, Present: true})
	}
	return a
}

// silent fails when a text holds a secret value.
func silent(t testing.TB, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if found := secret.NewRedactor(canaries()).Found(text); len(found) > 0 {
			t.Errorf("a text holds the value of %v", found)
		}
	}
}

func canaries() secret.Env {
	return secret.NewEnv(secret.Var{Name: "azure", Value: secret.NewValue(azure)}, secret.Var{Name: "smtp", Value: secret.NewValue(smtp)},
		secret.Var{Name: "password", Value: secret.NewValue(password)}, secret.Var{Name: "prefix", Value: secret.NewValue("canary-azure")})
}

// expect fails unless err is a fault of this kind whose text holds every part.
func expect(t testing.TB, err error, kind fault.Kind, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if got := fault.KindOf(err); got != kind {
		t.Errorf("kind %s, want %s: %v", got, kind, err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not hold %q", err, part)
		}
	}
}
