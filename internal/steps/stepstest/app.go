package stepstest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/envfile"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/steps"
	"github.com/capakraken/fairlead/internal/workload"
)

// The names of the app.
const (
	AppName    = "shop"
	Repository = "registry.example.com/shop/app"
	Instance   = "test-1"
)

// The values of the app's secrets. No text that leaves a daemon may hold one.
const (
	AI       = "canary-ai-4f9c1e77aa21"
	SMTP     = "canary-smtp-0b6d2f93"
	password = "canary-dsn-81c3e5d7"
)

// secrets are those of the catalog that an app names in its answers.
var secrets = []struct{ name, env, column, value string }{
	{"ai", "AZURE_OPENAI_API_KEY", "azureOpenAiApiKey", AI},
	{"smtp", "SMTP_PASSWORD", "smtpPassword", SMTP},
}

const configuration = `instance: test-1
apps:
  shop:
    environment: production
    image: registry.example.com/shop/app
    env: [{file: ENV}]
    services:
      web: {command: [serve], container_name: shop-web, restart: unless-stopped}
      worker: {command: [work], restart: always}
    verify:
      web: {url: "http://{container}:3000/status", successes: 2, attempt_timeout: 500ms}
      worker: {stay_up: 2s}
    secrets:
      - {name: ai, env: AZURE_OPENAI_API_KEY, required: true, min_length: 20, legacy: {column: azureOpenAiApiKey}}
      - {name: smtp, env: SMTP_PASSWORD, legacy: {column: smtpPassword}}
    legacy: {dsn: {env: DATABASE_URL}, table: SystemSettings, row: {id: singleton}}
    clear: with_deploy
`

// App is the app shop, with its configuration and its env file. It may be shared by tests that do not change its file.
type App struct {
	config.App
	Key     secret.Key
	Current string // the release that is made of NewDigest and of the app as it is
	file    string
	defined *definitions
}

// NewApp returns the app with so many services: web, which reports where its secrets come from, and worker.
func NewApp(t testing.TB, services int) *App {
	t.Helper()
	key := secret.NewKey([secret.KeySize]byte{1})
	a := &App{Key: key, defined: &definitions{key: key}, file: filepath.Join(t.TempDir(), ".env.production")}
	text := strings.ReplaceAll(configuration, "ENV}", `"`+a.file+`"}`)
	if services == 1 {
		var lines []string
		for line := range strings.Lines(text) {
			if !strings.Contains(line, "worker: ") {
				lines = append(lines, line)
			}
		}
		text = strings.Join(lines, "")
	}
	cfg, err := config.Parse("fairlead.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	a.App = cfg.Apps[AppName]
	content := "DATABASE_URL=postgresql://shop:" + password + "@db:5432/shop\n"
	for _, s := range secrets {
		content += s.env + "=" + s.value + "\n"
	}
	if err := os.WriteFile(a.file, []byte(content), 0o640); err != nil {
		t.Fatal(err)
	}
	a.Current = a.release(t)
	return a
}

// release looks at the app as a rollout would.
func (a *App) release(t testing.TB) string {
	t.Helper()
	request := rollout.Request{App: AppName, Kind: rollout.Deploy, Services: a.Names()}
	h := New(t)
	h.Row = Row()
	found, err := a.Steps(h.Life()).Do(t.Context(), rollout.State{Request: request}, rollout.Action{Verb: rollout.DoValidate}, func(rollout.Progress) {})
	if err != nil {
		t.Fatal(err)
	}
	return workload.ReleaseID(NewDigest, found.Validated.Definitions, found.Validated.Env)
}

// Env returns what the env file holds.
func (a *App) Env(t testing.TB) secret.Env {
	t.Helper()
	f, err := envfile.Read(a.file, policy())
	if err != nil {
		t.Fatal(err)
	}
	return f.Env
}

func policy() envfile.Policy { return envfile.Policy{UID: os.Getuid(), GID: os.Getgid()} }

// Row returns a database row that holds the present value of every secret.
func Row() map[string]secret.Value {
	row := map[string]secret.Value{}
	for _, s := range secrets {
		row[s.column] = secret.NewValue(s.value)
	}
	return row
}

// Names returns the names of the services.
func (a *App) Names() []string {
	var names []string
	for _, d := range a.Services {
		names = append(names, d.Name)
	}
	return names
}

// Populate has every service run on h, as a rollout of long ago has left it: with today's environment, and of release
// "old" with the old image, of the current one, or of none for containers that nobody made but a person.
func (a *App) Populate(t testing.TB, h *Host, release string) {
	t.Helper()
	for _, name := range a.Names() {
		container, policy := "shop-web", "unless-stopped"
		if name == "worker" {
			container, policy = "shop-production-worker", "always"
		}
		h.Run(name, container, release, a.Env(t), workload.RestartPolicy{Name: policy})
		if release == a.Current {
			h.Change("old-"+name, Program{}, func(c *workload.Container) { c.Image.Digest, c.Image.ID = NewDigest, "id:"+NewDigest })
		}
	}
}

// Steps returns the steps of a daemon that reaches the host as l.
func (a *App) Steps(l *Life) *steps.Steps {
	// steps.New would hold the definitions against the rules anew for every daemon. It is the same app each time.
	return &steps.Steps{Options: steps.Options{
		Instance: Instance, Apps: map[string]config.App{AppName: a.App}, Key: a.Key, EnvPolicy: policy(),
		Runtime: l, Containers: l, Host: l, Images: l, Prober: l, Database: DB{l}, Define: a.defined.define,
	}}
}
