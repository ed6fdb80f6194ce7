package compose

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/secret"
)

// odd are files that put a value where it must not show, or that are broken around it. WEB stands for a place below web.
var odd = []string{
	"name: ${CANARY}\nservices: {web: {}}",
	"name: x-${CANARY}\nservices: {web: {labels: {a: '${COMPOSE_PROJECT_NAME}'}}}",
	"services: {web: {networks: [a]}}\nnetworks: {a: {name: '${CANARY}'}}",
	"services: {web: {networks: [a]}}\nnetworks: {a: {external: '${CANARY}'}}",
	"services: {web: {networks: [a]}}\nnetworks: {a: {external: {name: '${CANARY}'}}}",
	"services: {web: {networks: ['${CANARY}']}}\nnetworks: {a: }",
	"services: {web: {networks: {default: {priority: '${CANARY}'}}}}",
	"services: {web: {networks: {default: {gw_priority: '${CANARY}'}}}}",
	"services: {web: {volumes: ['data:/x']}}\nvolumes: {data: {name: '${CANARY}'}}",
	"services: {web: {volumes: ['${CANARY}:/x']}}\nvolumes: {data: }",
	"services: {web: {volumes: ['./${CANARY}:/x']}}",
	"services: {web: {volumes: [{type: bind, source: './${CANARY}', target: /x}]}}",
	"services: {web: {env_file: '${CANARY}'}}",
	"services: {web: {env_file: [{path: x, required: '${CANARY}'}]}}",
	"services: {web: {env_file: [{path: x, format: '${CANARY}'}]}}",
	"services: {web: {extends: '${CANARY}'}}",
	"services: {web: {extends: {file: '${CANARY}', service: a}}}",
	"services: {web: {image: '${CANARY}', build: '${CANARY}', scale: '${CANARY}', secrets: ['${CANARY}'], deploy: {replicas: '${CANARY}', mode: '${CANARY}'}}}",
	"services: {web: {'${CANARY}': x}}",
	"services: {web: {command: !override ['${CANARY}'], user: !reset '${CANARY}'}}",
	"services: {web: {environment: {A: !override '${CANARY}', B: 1.10, C: [x]}, labels: !override {a: '${CANARY}'}}}",
	"services: {web: {environment: ['A=${CANARY}', '${CANARY}=A', A, 'A=${CANARY}']}}",
	"x-a: &a {A: '${CANARY}'}\nservices: {web: {environment: *a, labels: *a}}",
	"services: {base: {command: '${CANARY}', environment: {A: '${CANARY}'}}, web: {extends: base, ports: ['${CANARY}']}}",
	"services: {web: {environment: {A: '${CANARY}'}, ports: [{published: x}], volumes: [{source: x}], ulimits: {a: x}}}",
	"services: {web: {environment: {A: '${CANARY}'}, ports: x, labels: [[a]], healthcheck: {test: '${CANARY:-x}'}}",
	"services: {web: {environment: {A: \"${CANARY}\n",
	"services: {web: {healthcheck: {test: ['${CANARY}']}, logging: {options: {a: '${CANARY}'}}, tmpfs: ['/x:${CANARY}'], extra_hosts: {a: '${CANARY}'}}}",
	"services: {web: {container_name: '${CANARY}', hostname: '${UNSET:-${CANARY}}', user: '${UNSET:?${CANARY}}'}}",
	"services: {web: {<<: &a {<<: *a}}}",
	"services: &s {web: {x-a: *s}}",
	"services: {web: {labels: {x-fairlead.image: '0', x-fairlead.build: '7'}, image: a}}",
}

// shows looks for a value in everything that comes of a stack but the environment, which is where it belongs.
func shows(t *testing.T, in Input) {
	t.Helper()
	services, found := Load(t.Context(), in, env("CANARY", canary))
	out, err := json.Marshal(services)
	if err != nil {
		t.Fatal(err)
	}
	if all := fmt.Sprint(found.Problems, found.Warnings, found.Noted, string(out)); strings.Contains(strings.ToLower(all), canary) {
		t.Errorf("the value shows: %s", all)
	}
	for _, s := range services {
		if fmt.Sprint(s.EnvFiles) != strings.ReplaceAll(fmt.Sprint(s.EnvFiles), canary, "") {
			t.Errorf("the value shows in an env file's path")
		}
	}
	Check(t.Context(), in)
}

func TestValuesStayInTheEnvironmentOfAFile(t *testing.T) {
	for i, text := range odd {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			in, _ := alone(t, text)
			if printed := captured(t, func() { shows(t, in) }); printed != "" {
				t.Errorf("printed %q", printed)
			}
			in, _ = stack(t, map[string]string{"compose.yaml": "services: {web: {extends: {file: base.yaml, service: web}}}", "base.yaml": text, "last.yaml": text}, "compose.yaml", "last.yaml")
			shows(t, in)
		})
	}
	in, _ := alone(t, "services: {web: {environment: {A: 'x${CANARY}x'}}}")
	services, found := Load(t.Context(), in, env("CANARY", canary))
	if len(found.Problems) > 0 || secret.NewEnv(services[0].Environment...).Value("A").Reveal() != "x"+canary+"x" {
		t.Errorf("the value is not where it belongs: %q", lines(found.Problems))
	}
}

// FuzzFiles makes sure that no Compose file takes the daemon down, and that a value shows in nothing that comes back.
//
// fuzz floor: 500, since each input is written to a directory.
func FuzzFiles(f *testing.F) {
	for _, seed := range odd {
		f.Add(seed, "services: {web: {command: !reset null, environment: {A: b}}}")
	}
	shop, err := os.ReadFile("testdata/shop/compose.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(shop), "")
	f.Fuzz(func(t *testing.T, one, two string) {
		if len(one)+len(two) > 1<<14 || strings.Contains(one+two, canary) {
			return
		}
		dir := t.TempDir()
		in := Input{Project: "shop", Source: "fairlead.yaml", Services: []Raw{{Name: "web", Line: 7}, {Name: "worker", Line: 7}}, Files: &Files{}}
		for i, text := range []string{one, two} {
			name := fmt.Sprint(i, ".yaml")
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if text != "" {
				in.Files.Paths = append(in.Files.Paths, filepath.Join(dir, name))
			}
		}
		if len(in.Files.Paths) > 0 {
			shows(t, in)
		}
	})
}
