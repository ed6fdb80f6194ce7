package steps

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
)

// composeStack is a rig whose services are defined in a Compose file, which lies with the other files in a directory. DIR
// stands for the directory.
func composeStack(t *testing.T, files map[string]string) (*rig, string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		mode := os.FileMode(0o640)
		if name == "open.env" {
			mode = 0o644
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.ReplaceAll(text, "DIR", dir)), mode); err != nil {
			t.Fatal(err)
		}
	}
	from := strings.Index(configuration, "    services:\n")
	to := strings.Index(configuration, "    verify:\n")
	return newRig(t, configuration[from:to], "    compose: {file: "+dir+"/compose.yaml, services: [web, worker], project: shop}\n"), dir
}

const plainCompose = "services:\n  web: {image: registry.example.com/shop/app, command: [serve]}\n  worker: {command: [work]}\n"

// TestTheEffectiveEnvironment holds what a container is created with against the order of its sources.
func TestTheEffectiveEnvironment(t *testing.T) {
	for name, tt := range map[string]struct {
		web   string
		extra map[string]string
		env   string // more lines of the app's env source
		want  []string
		fault string
	}{
		"the env sources alone":                {web: "{}", env: "A=source\n", want: []string{"A=source"}},
		"a file of its own goes over them":     {web: "{env_file: one.env}", extra: map[string]string{"one.env": "A=one\nB=one\n"}, env: "A=source\n", want: []string{"A=one", "B=one"}},
		"a later file goes over an earlier":    {web: "{env_file: [one.env, two.env]}", extra: map[string]string{"one.env": "A=one\nB=one\n", "two.env": "B=two\n"}, want: []string{"A=one", "B=two"}},
		"entries go over all":                  {web: "{env_file: one.env, environment: {A: entry, B: '${B}x'}}", extra: map[string]string{"one.env": "A=one\nB=one\n"}, env: "B=source\n", want: []string{"A=entry", "B=sourcex"}},
		"an entry without a value is no entry": {web: "{env_file: one.env, environment: [A, B, C]}", extra: map[string]string{"one.env": "A=one\n"}, env: "A=source\nB=source\n", want: []string{"A=one", "B=source"}},
		"an env source that it names":          {web: "{env_file: [one.env, ENV]}", extra: map[string]string{"one.env": "A=one\nB=one\n"}, env: "A=source\n", want: []string{"A=source", "B=one"}},
		"one that may be missing":              {web: "{env_file: [{path: no.env, required: false}]}"},
		"one that must not":                    {web: "{env_file: no.env}", fault: "no.env: does not exist"},
		"one that is open to all":              {web: "{env_file: [{path: open.env, required: false}]}", extra: map[string]string{"open.env": "A=1\n"}, fault: "open.env: has mode 0644"},
		"another value for a secret":           {web: "{env_file: one.env}", extra: map[string]string{"one.env": "SMTP_PASSWORD=hunter2hunter2\n"}, fault: "one.env:1: service web sets SMTP_PASSWORD to another value than the env sources"},
		"a secret from elsewhere":              {web: "{env_file: one.env}", extra: map[string]string{"one.env": "ANON_SEED=hunter2hunter2\n"}, fault: "one.env:1: service web sets ANON_SEED to another value than the env sources"},
		"the same value for a secret":          {web: "{env_file: one.env}", extra: map[string]string{"one.env": "SMTP_PASSWORD=" + smtp + "\n"}},
		"a line that is refused":               {web: "{env_file: one.env}", extra: map[string]string{"one.env": "A=\"hunter2 hunter2\n"}, fault: "one.env:1: the value of A"},
		"its variables are not for the file":   {web: "{env_file: one.env, hostname: '${A}'}", extra: map[string]string{"one.env": "A=one\n"}, fault: "uses the variable A, which no env source sets"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"compose.yaml": plainCompose}
			for name, text := range tt.extra {
				files[name] = text
			}
			r, dir := composeStack(t, files)
			r.write(provisioned + tt.env)
			web := strings.ReplaceAll(tt.web, "ENV", r.env)
			if err := os.WriteFile(dir+"/compose.yaml", []byte("services:\n  web: "+web+"\n  worker: {command: [work]}\n"), 0o640); err != nil {
				t.Fatal(err)
			}
			p, problems := r.provision(t.Context(), r.Options.Apps["shop"])
			if tt.fault != "" {
				if len(problems) != 1 || !strings.Contains(problems[0].String(), tt.fault) || strings.Contains(problems[0].String(), "hunter2") {
					t.Errorf("problems %q", problems)
				}
				return
			}
			if len(problems) > 0 {
				t.Fatalf("problems %q", problems)
			}
			var got []string
			for _, v := range p.units[0].Env {
				if len(v.Name) == 1 {
					got = append(got, v.Name+"="+v.Value.Reveal())
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q", got)
			}
			if v := p.units[0].Env.Value("AZURE_OPENAI_API_KEY"); v.Reveal() != azure {
				t.Error("a secret of the env source is not there")
			}
			for _, v := range p.units[1].Env {
				if v.Name == "A" && v.Value.Reveal() != "source" {
					t.Error("the other service has what is web's alone")
				}
			}
		})
	}
}

// TestAnEditedComposeFile changes a file after it was validated: what runs is never what nobody looked at.
func TestAnEditedComposeFile(t *testing.T) {
	const base = "services: {base: {init: true}}\n"
	for name, tt := range map[string]struct{ file, text string }{
		"a definition":          {"compose.yaml", strings.Replace(plainCompose, "serve", "serve, harder", 1)},
		"what is extended":      {"base.yaml", "services: {base: {init: false}}\n"},
		"an env file":           {"one.env", "A=two\n"},
		"its network":           {"compose.yaml", plainCompose + "networks: {default: {name: other}}\n"},
		"it is no longer valid": {"compose.yaml", "services: ["},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(plainCompose, "{command: [work]}", "{command: [work], extends: {file: base.yaml, service: base}, env_file: one.env}", 1)
			r, dir := composeStack(t, map[string]string{"compose.yaml": text, "base.yaml": base, "one.env": "A=one\n"})
			s := r.validated(rollout.Deploy)
			if w := s.Validated.Warnings; len(w) != 1 || !strings.Contains(w[0], "services.web.image (1 in all)") {
				t.Errorf("warned of %q", w)
			}
			if p := s.Validated.Services[1].Project; p == nil || p.Name != "shop" || p.Dir != dir {
				t.Errorf("the project is %+v", p)
			}
			if _, err := r.do(t.Context(), r.validated(rollout.Deploy), rollout.DoValidate, ""); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, tt.file), []byte(tt.text), 0o640); err != nil {
				t.Fatal(err)
			}
			_, err := r.do(t.Context(), s, rollout.DoReplace, "web")
			expect(t, err, fault.Refused)
		})
	}
}

// TestABrokenComposeFileKeepsNoDaemonDown starts with a file that is not there: its rollouts are refused, and the daemon
// goes on with what is under way.
func TestABrokenComposeFileKeepsNoDaemonDown(t *testing.T) {
	r, dir := composeStack(t, map[string]string{"other.yaml": ""})
	_, err := r.do(t.Context(), r.requested(rollout.Deploy), rollout.DoValidate, "")
	expect(t, err, fault.Refused, dir+"/compose.yaml: does not exist")
	if _, _, err := r.Observe(t.Context(), "shop"); err != nil {
		t.Errorf("nothing can be seen: %v", err)
	}
}
