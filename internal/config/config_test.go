package config

import (
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/capakraken/fairlead/internal/lint"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

func TestDefaults(t *testing.T) {
	cfg, err := Parse("fairlead.yaml", content(t, "testdata/good/minimal.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	web := workload.Check{Successes: 2, Attempt: 2 * time.Second, StayUp: 5 * time.Second}
	want := Config{
		Path:     "fairlead.yaml",
		Instance: "a",
		Registry: Registry{ConfigFile: "/etc/fairlead/docker.json"},
		Apps: map[string]App{"shop": {
			Name: "shop", Environment: "production", Repository: "shop", Line: 3, Clear: Manual, KeepReleases: 3,
			Services: []Definition{{Name: "web", Source: "fairlead.yaml", Line: 6}},
			Checks:   map[string]workload.Check{"web": web},
			Timeouts: Timeouts{Validate: 30 * time.Second, Pull: 10 * time.Minute, Restart: 2 * time.Minute, Verify: 2 * time.Minute, Clear: 30 * time.Second, Revert: 2 * time.Minute},
		}},
	}
	if diff := cmp.Diff(want, cfg, compareNodes()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestEveryKey(t *testing.T) {
	cfg, err := Parse("fairlead.yaml", content(t, "testdata/good/full.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	const query = "{healthy: .ok, version: .v, secrets: .s}"
	want := Config{
		Path:     "fairlead.yaml",
		Instance: "prod-1",
		Engine:   Engine{Host: "unix:///run/docker.sock"},
		Registry: Registry{ConfigFile: "/etc/fairlead/docker.json", Mirrors: map[string][]string{
			"registry.example.com:5000": {"mirror.example.com:5000"}, "docker.io": {"mirror.example.com/hub", "127.0.0.1:5000"}}},
		Access: Access{Viewers: Principals{Users: []string{"anna"}, Groups: []string{"staff"}},
			Operators: Principals{Groups: []string{"deploy"}}, Admins: Principals{Users: []string{"1000"}}},
		Apps: map[string]App{"shop": {
			Name: "shop", Environment: "production", Repository: "registry.example.com:5000/team/shop", Line: 9,
			AllowedRegistries: Registries{"registry.example.com:5000/team", "docker.io"},
			Env:               []EnvSource{{File: "/etc/shop/.env.production"}, {Index: 1, File: "/etc/shop/database.env"}},
			Lint:              lint.Policy{Deny: []string{"E01", "E05"}, Warn: []string{}},
			Services: []Definition{{Name: "web", Source: "fairlead.yaml", Line: 16}, {Name: "worker", Source: "fairlead.yaml", Line: 19},
				{Name: "cron", Source: "fairlead.yaml", Line: 22}, {Name: "plain", Source: "fairlead.yaml", Line: 23}},
			Checks: map[string]workload.Check{
				"web": {URL: "http://{container}:3000/status?full=1", Query: query, PublicURL: "https://shop.example.com/status", Successes: 3, Attempt: 200 * time.Millisecond,
					Headers: []workload.Header{{Name: "Authorization", Env: "STATUS_TOKEN", Prefix: "Bearer "}, {Name: "X-Token", Env: "STATUS_TOKEN"}}},
				"worker": {Exec: []string{"node", "status.js", "1", "true"}, Query: query, Successes: 2, Attempt: 2 * time.Second},
				"cron":   {Health: true, Successes: 2, Attempt: 2 * time.Second},
				"plain":  {Successes: 2, Attempt: 2 * time.Second, StayUp: 10 * time.Second},
			},
			Secrets: []secret.Spec{
				{Name: "smtp", Env: "SMTP_PASSWORD", Description: "SMTP password", Required: true, MinLength: 8, LegacyColumn: "smtpPassword", OnMismatch: secret.Clear},
				{Name: "seed", Env: "SEED", Pattern: regexp.MustCompile("^[a-f0-9]{32}$"), LegacyColumn: "anonymizationSeed", OnMismatch: secret.Refuse},
				{Name: "hook", Env: "HOOK_URL", URL: true, OnMismatch: secret.Keep},
				{Name: "mode", Env: "MODE", OneOf: []string{"live", "test"}, OnMismatch: secret.Keep},
			},
			Legacy: &Legacy{DSN: DSN{File: "/etc/shop/dsn"}, Schema: "app", Table: "SystemSettings", Row: Row{Column: "id", Value: "1"}},
			Clear:  WithDeploy, KeepReleases: 5, NotConsumers: []string{"shop-migrate", "shop_console.1"},
			Timeouts: Timeouts{Validate: 10 * time.Second, Pull: time.Hour, Restart: 90 * time.Second, Verify: 5 * time.Minute, Clear: time.Minute, Revert: 3 * time.Minute},
			Hooks: []Hook{
				{Before: true, Step: "restart", Name: "drain-web", Command: []string{"/usr/local/bin/drain", "web $HOME", "--now"}, Timeout: 90 * time.Second},
				{Step: "verify", Name: "tell.sh", Command: []string{"/etc/fairlead/hooks/tell.sh"}, Timeout: time.Minute},
			},
		}},
	}
	if diff := cmp.Diff(want, cfg, compareNodes()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestWhatCouldBeReadComesWithTheFault makes sure that one fault does not keep a check from looking at the rest.
func TestWhatCouldBeReadComesWithTheFault(t *testing.T) {
	cfg, err := Parse("fairlead.yaml", []byte(minimal+"contaners: {}\n"))
	if err == nil || cfg.Path != "fairlead.yaml" || len(cfg.Apps["shop"].Services) != 1 {
		t.Errorf("%+v, %v", cfg, err)
	}
}

func TestWrittenOut(t *testing.T) {
	for words, want := range map[[2]string]bool{
		{"", "--token=hunter2"}: true, {"--password", "hunter2"}: true, {"-x", "API_KEY=hunter2"}: true, {"", "https://shop:hunter2@hooks.example.com/"}: true,
		{"", "--dsn=postgres://shop:hunter2@db/shop"}: true,
		{"", "--token-file=/etc/token"}:               false, {"--key", "/etc/key.pem"}: false, {"--password", "--now"}: false, {"--app", "shop"}: false, {"token", "shop"}: false,
		{"--token=/etc/token", "shop"}: false, {"", "https://hooks.example.com/"}: false, {"", "https://shop@hooks.example.com/"}: false, {"", "--token="}: false,
	} {
		if got := writtenOut(words[0], words[1]); got != want {
			t.Errorf("%q: %t", words, got)
		}
	}
}

func TestSecretVariables(t *testing.T) {
	app := App{Secrets: []secret.Spec{{Env: "SMTP_PASSWORD"}, {Env: "SEED"}}}
	for _, tt := range []struct {
		legacy *Legacy
		want   []string
	}{
		{nil, []string{"SMTP_PASSWORD", "SEED"}},
		{&Legacy{DSN: DSN{File: "/etc/shop/dsn"}}, []string{"SMTP_PASSWORD", "SEED"}},
		{&Legacy{DSN: DSN{Env: "DATABASE_URL"}}, []string{"SMTP_PASSWORD", "SEED", "DATABASE_URL"}},
	} {
		app.Legacy = tt.legacy
		if got := app.SecretVariables(); !slices.Equal(got, tt.want) {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// compareNodes leaves the definitions' nodes out, which are the file's own, and compares patterns by their text.
func compareNodes() cmp.Options {
	return cmp.Options{
		cmp.Comparer(func(_, _ *yaml.Node) bool { return true }),
		cmp.Comparer(func(a, b *regexp.Regexp) bool {
			return a == nil && b == nil || a != nil && b != nil && a.String() == b.String()
		}),
	}
}

// TestADefinitionKeepsItsLines makes sure that later rooms can name the line of every key of a service.
func TestADefinitionKeepsItsLines(t *testing.T) {
	cfg, err := Parse("fairlead.yaml", content(t, "testdata/good/full.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	web := cfg.Apps["shop"].Services[0].YAML
	if key := web.Content[2]; key.Value != "restart" || key.Line != 18 {
		t.Errorf("%s is in line %d", key.Value, key.Line)
	}
}

func FuzzParse(f *testing.F) {
	for _, file := range append(files(f, "testdata/*/*.yaml"), files(f, "../../configs/*.yaml")...) {
		f.Add(content(f, file))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		cfg, err := Parse("fairlead.yaml", text)
		for name, app := range cfg.Apps {
			for _, d := range app.Services {
				if _, ok := app.Checks[d.Name]; !ok || (d.YAML == nil) != (app.Compose != nil) {
					t.Errorf("service %s of app %s has no check or no definition", d.Name, name)
				}
			}
			if err == nil && app.Compose != nil && len(app.Compose.Files) == 0 {
				t.Errorf("app %s names no Compose file", name)
			}
			if err == nil && (app.Timeouts.Verify <= 0 || app.Environment == "" || app.Repository == "") {
				t.Errorf("app %s was accepted, but is not complete", name)
			}
			for _, h := range app.Hooks {
				if err == nil && (h.Step == "" || h.Name == "" || h.Timeout <= 0 || len(h.Command) == 0 || !filepath.IsAbs(h.Command[0])) {
					t.Errorf("a hook of app %s was accepted, but is not complete: %+v", name, h)
				}
			}
		}
	})
}

func TestComposeFiles(t *testing.T) {
	const app = "instance: prod-1\napps:\n  shop:\n    environment: production\n    image: registry.example.com/shop\n    verify: {web: {url: \"http://{container}/\"}}\n    compose: "
	for text, want := range map[string]Compose{
		"{file: /srv/shop/compose.yaml, services: [web, worker]}":                         {Files: []string{"/srv/shop/compose.yaml"}},
		"{files: [/srv/a.yaml, /srv/b.yaml], services: [web, worker], project: the_shop}": {Files: []string{"/srv/a.yaml", "/srv/b.yaml"}, Project: "the_shop"},
	} {
		cfg, err := Parse("fairlead.yaml", []byte(app+text+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		got := cfg.Apps["shop"]
		if diff := cmp.Diff(&want, got.Compose); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		var names []string
		for _, d := range got.Services {
			names = append(names, d.Name)
			if d.Source != "fairlead.yaml" || d.Line != 7 {
				t.Errorf("%s is named in %s:%d", d.Name, d.Source, d.Line)
			}
		}
		if !slices.Equal(names, []string{"web", "worker"}) || !slices.Equal(got.Asked(), []string{"web"}) {
			t.Errorf("the services are %q, asked are %q", names, got.Asked())
		}
	}
}
