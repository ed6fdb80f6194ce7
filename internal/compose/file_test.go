package compose

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// stack writes files into a directory called shop, and returns the services web and worker of those that are named:
// compose.yaml, or what the names say.
func stack(t testing.TB, content map[string]string, names ...string) (Input, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "shop")
	for name, text := range content {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if names == nil {
		names = []string{"compose.yaml"}
	}
	in := Input{Project: "shop", Source: "fairlead.yaml", Services: []Raw{{Name: "web", Line: 7}}, Files: &Files{}}
	for _, name := range names {
		in.Files.Paths = append(in.Files.Paths, filepath.Join(dir, name))
	}
	return in, dir
}

// alone returns a stack of one file.
func alone(t testing.TB, text string) (Input, string) {
	t.Helper()
	return stack(t, map[string]string{"compose.yaml": text})
}

// What Compose made without a name for it goes on without one.
func TestVolumeWithoutAName(t *testing.T) {
	in, dir := alone(t, "services:\n  web:\n    volumes: ['/cache', {type: volume, target: /data, read_only: true}]\n")
	services, notes := accepted(t, in, secret.Env{})
	want := []workload.Mount{{Type: "volume", Target: "/cache"}, {Type: "volume", Target: "/data", ReadOnly: true}}
	if diff := cmp.Diff(want, services[0].Mounts); diff != "" {
		t.Error(diff)
	}
	if said := told(dir, notes); len(said) != 2 || !strings.Contains(said[0], "DIR/compose.yaml:3: services.web.volumes[0]: is a volume without a name") {
		t.Errorf("it says %q", said)
	}
}

// told returns problems with DIR in the place of the directory.
func told(dir string, problems []fault.Problem) []string {
	var out []string
	for _, line := range lines(problems) {
		out = append(out, strings.ReplaceAll(line, dir, "DIR"))
	}
	return out
}

// accepted loads what has no problem.
func accepted(t *testing.T, in Input, env secret.Env) ([]Service, []fault.Problem) {
	t.Helper()
	services, found := Load(t.Context(), in, env)
	if len(found.Problems) > 0 {
		t.Fatalf("problems: %q", lines(found.Problems))
	}
	if found := Check(t.Context(), in); len(found.Problems) > 0 {
		t.Errorf("without the env file: %q", lines(found.Problems))
	}
	return services, slices.Concat(found.Warnings, found.Noted)
}

// TestTheShop reads a stack as many have it: anchors, two env files, a named volume, and services that are not ours, with
// keys that would be refused and variables that nobody sets.
func TestTheShop(t *testing.T) {
	dir, err := filepath.Abs("testdata/shop")
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{filepath.Join(dir, "compose.yaml"), filepath.Join(dir, "compose.prod.yaml")}
	in := Input{Project: "shop", Source: "fairlead.yaml", Services: []Raw{{Name: "web", Line: 7}, {Name: "worker", Line: 7}},
		Files: &Files{Paths: paths, Repository: "registry.example.com/shop/app"}, Secrets: []string{"DB_PASSWORD"}}
	services, warnings := accepted(t, in, env("DB_PASSWORD", canary, "TZ", "Europe/Berlin"))
	environment := services[1].Environment
	for i := range services {
		services[i].Environment = nil // a value says nothing of itself in JSON
	}
	text, err := json.MarshalIndent(services, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), canary) {
		t.Error("a value shows")
	}
	want, err := os.ReadFile("testdata/shop.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), strings.ReplaceAll(string(text), dir, "DIR")+"\n"); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	var got []string
	for _, v := range environment {
		got = append(got, v.Name+"="+v.Value.Reveal()+" "+strings.TrimPrefix(v.Origin.String(), dir+"/"))
	}
	if want := []string{"DATABASE_URL=postgresql://shop:" + canary + "@db:5432/shop?schema=public compose.yaml:19", "NODE_ENV=production compose.yaml:18",
		"REDIS_URL=redis://redis:6379 compose.yaml:20", "WORKER_CONCURRENCY=4 compose.yaml:61"}; !slices.Equal(got, want) {
		t.Errorf("the worker's environment is %q", got)
	}
	said := told(dir, warnings)
	for _, want := range []string{"DIR/compose.yaml:9: services.web.image: is not acted on", "DIR/compose.yaml:10: services.worker.build: ",
		"DIR/compose.yaml:22: services.web.depends_on: ", "DIR/compose.yaml:49: services.web.deploy.replicas: ", "DIR/compose.yaml:64: services.worker.profiles: "} {
		if !slices.ContainsFunc(said, func(s string) bool { return strings.HasPrefix(s, want) }) {
			t.Errorf("no warning begins with %q", want)
		}
	}
	if slices.ContainsFunc(said, func(s string) bool { return strings.Contains(s, "services.web.build") }) {
		t.Error("warned of a key that a later file resets")
	}
}

// TestMerging holds what several files and extends make of a service against what Compose makes of it.
func TestMerging(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string]string
		names []string
		want  func(s *workload.Service, dir string)
	}{
		"a later file adds and replaces": {
			files: map[string]string{
				"a.yaml": "services: {web: {command: [a], user: '1', cap_add: [A], labels: {one: '1', two: '2'}, volumes: ['/a:/x', '/b:/y'], networks: [default]}}",
				"b.yaml": "services: {web: {command: [b], cap_add: [B], labels: [two=3], volumes: ['/c:/x']}}",
			},
			names: []string{"a.yaml", "b.yaml"},
			want: func(s *workload.Service, _ string) {
				s.Command, s.User, s.CapAdd, s.Labels = []string{"b"}, "1", []string{"A", "B"}, map[string]string{"one": "1", "two": "3"}
				s.Mounts = []workload.Mount{{Type: "bind", Source: "/c", Target: "/x", CreateHost: true}, {Type: "bind", Source: "/b", Target: "/y", CreateHost: true}}
			},
		},
		"reset and override": {
			files: map[string]string{
				"a.yaml": "services: {web: {command: [a], user: '1', cap_add: [A], privileged: true, secrets: [x], deploy: {replicas: 3}, labels: {one: '1'}}}",
				"b.yaml": "services: {web: {user: !reset null, cap_add: !override [B], privileged: !reset null, secrets: !reset [], deploy: {replicas: !reset null}, labels: {one: !reset null}}}",
			},
			names: []string{"a.yaml", "b.yaml"},
			want:  func(s *workload.Service, _ string) { s.Command, s.CapAdd = []string{"a"}, []string{"B"} },
		},
		"extends in one file": {
			files: map[string]string{"compose.yaml": "services: {base: {init: true, command: [base], cap_drop: [ALL]}, mid: {extends: {service: base}, user: '2'}, web: {extends: mid, command: [web]}}"},
			want: func(s *workload.Service, _ string) {
				s.Command, s.User, s.Init, s.CapDrop = []string{"web"}, "2", new(true), []string{"ALL"}
			},
		},
		"extends from another directory": {
			files: map[string]string{
				"compose.yaml":     "services: {web: {extends: {file: common/base.yaml, service: base}, volumes: ['./own:/own']}}",
				"common/base.yaml": "services: {base: {extends: {file: ../lower.yaml, service: base}, volumes: ['./ca:/ca:ro', {type: bind, source: conf, target: /conf}]}}",
				"lower.yaml":       "services: {base: {read_only: true, volumes: ['./low:/low']}}",
			},
			want: func(s *workload.Service, dir string) {
				s.ReadOnly = true
				s.Mounts = []workload.Mount{{Type: "bind", Source: dir + "/low", Target: "/low", CreateHost: true},
					{Type: "bind", Source: dir + "/common/ca", Target: "/ca", ReadOnly: true, CreateHost: true},
					{Type: "bind", Source: dir + "/common/conf", Target: "/conf"}, {Type: "bind", Source: dir + "/own", Target: "/own", CreateHost: true}}
			},
		},
		"anchors and merge keys": {
			files: map[string]string{"compose.yaml": "x-a: &a {user: '1', labels: &l {one: '1'}}\nx-b: &b {init: true, user: '9'}\nservices: {web: {<<: [*a, *b], labels: {<<: *l, two: '2'}}}"},
			want: func(s *workload.Service, _ string) {
				s.User, s.Init, s.Labels = "1", new(true), map[string]string{"one": "1", "two": "2"}
			},
		},
		"a text that is no text": {
			files: map[string]string{"compose.yaml": "services: {web: {user: 1000, ports: [3000], read_only: true, healthcheck: {test: x, retries: 3}, mem_limit: 512m, stop_grace_period: 90s, tmpfs: /run, cpus: 0.5}}"},
			want: func(s *workload.Service, _ string) {
				s.User, s.ReadOnly, s.Ports = "1000", true, []workload.Port{{ContainerPort: 3000, Protocol: "tcp"}}
				s.Healthcheck = &workload.Healthcheck{Test: []string{"CMD-SHELL", "x"}, Retries: 3}
				s.Resources = workload.Resources{MemoryBytes: 512 << 20, NanoCPUs: 500_000_000}
				s.StopGracePeriod, s.Tmpfs = new(90*time.Second), map[string]string{"/run": ""}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			in, dir := stack(t, tt.files, tt.names...)
			services, _ := accepted(t, in, nil)
			want := workload.Service{Name: "web", ContainerName: "shop-web-1", Restart: workload.RestartPolicy{Name: "no"}, Networks: []workload.Network{{Name: "shop_default"}},
				Project: &workload.Project{Name: "shop", Dir: dir, Files: in.Files.Paths}}
			tt.want(&want, dir)
			if diff := cmp.Diff(want, services[0].Service); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestNames holds the names of networks, volumes, containers and projects against Compose's own.
func TestNames(t *testing.T) {
	for name, tt := range map[string]struct {
		text, project string
		container     string
		networks      string // in their order; ! stands for an external one
		volume        string
	}{
		"Compose's own":                {text: "services: {web: {volumes: ['data:/d']}}\nvolumes: {data: }", container: "shop-web-1", networks: "shop_default", volume: "shop_data"},
		"the file names the project":   {text: "name: Big-Shop!\nservices: {web: {volumes: ['data:/d']}}\nvolumes: {data: {}}", container: "big-shop-web-1", networks: "big-shop_default", volume: "big-shop_data"},
		"the project from a variable":  {text: "name: ${STAGE}-shop\nservices: {web: {}}", container: "live-shop-web-1", networks: "live-shop_default"},
		"the configuration names it":   {text: "name: other\nservices: {web: {labels: {p: \"${COMPOSE_PROJECT_NAME}\"}}}", project: "mine", container: "mine-web-1", networks: "mine_default"},
		"names and external ones":      {text: "services: {web: {networks: [a, b, c], volumes: ['data:/d']}}\nnetworks: {a: {name: alpha}, b: {external: true}, c: {external: true, name: '${NET}'}}\nvolumes: {data: {external: {name: old}}}", container: "shop-web-1", networks: "alpha !b !gamma", volume: "!old"},
		"the default one elsewhere":    {text: "services: {web: {}}\nnetworks: {default: {name: edge, external: true}}", container: "shop-web-1", networks: "!edge"},
		"priority, then the name":      {text: "services: {web: {networks: {z: , a: {priority: 5}, m: {priority: 1000}, b: }}}\nnetworks: {z: , a: , m: , b: }", container: "shop-web-1", networks: "shop_m shop_a shop_b shop_z"},
		"its own name, and no network": {text: "services: {web: {container_name: the-web, network_mode: none}}", container: "the-web"},
		"what others use is not asked": {text: "services: {web: {networks: [a]}, db: {networks: [b], command: '${NOBODY}', volumes: ['c:/c']}}\nnetworks: {a: {labels: {x: '${NOBODY}'}}, b: {name: '${NOBODY}'}}\nvolumes: {c: {name: '${NOBODY}'}}", container: "shop-web-1", networks: "shop_a"},
	} {
		t.Run(name, func(t *testing.T) {
			in, _ := alone(t, tt.text)
			in.Files.Project = tt.project
			services, _ := accepted(t, in, env("STAGE", "live", "NET", "gamma"))
			s := services[0]
			mark := func(name string, external bool) string {
				if external {
					return "!" + name
				}
				return name
			}
			var networks []string
			for _, n := range s.Networks {
				networks = append(networks, mark(n.Name, n.External))
			}
			volume := ""
			for _, m := range s.Mounts {
				volume = mark(m.Source, m.External)
			}
			if s.ContainerName != tt.container || strings.Join(networks, " ") != tt.networks || volume != tt.volume {
				t.Errorf("container %s, networks %s, volume %s", s.ContainerName, networks, volume)
			}
		})
	}
}

func TestEnvFilesOfAService(t *testing.T) {
	in, dir := stack(t, map[string]string{
		"compose.yaml":  "services:\n  web:\n    extends: {file: sub/base.yaml, service: base}\n    env_file:\n      - .env.production\n      - {path: /etc/shop/more.env, required: false}\n      - ${WHICH}.env\n",
		"sub/base.yaml": "services: {base: {env_file: base.env}}",
	})
	services, _ := accepted(t, in, env("WHICH", "third"))
	var got []string
	for _, f := range services[0].EnvFiles {
		got = append(got, fmt.Sprintf("%s %t %s", strings.ReplaceAll(f.Path, dir, "DIR"), f.Required, strings.ReplaceAll(f.Origin.String(), dir, "DIR")))
	}
	if want := []string{"DIR/sub/base.env true", "DIR/.env.production true", "/etc/shop/more.env false", "DIR/third.env true"}; !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("got %q", got)
	}
}

// TestTreatments makes sure of every key that is not simply honoured: a noted one is warned of and keeps nothing from
// running, and a refused one is refused where it stands.
func TestTreatments(t *testing.T) {
	for _, tr := range treatments() {
		outer, inner, nested := strings.Cut(tr.key, ".")
		text := func(value string) string {
			switch {
			case !nested:
				return outer + ": " + value
			case strings.HasPrefix(inner, "resources."):
				return "deploy: {resources: {reservations: {cpus: " + value + "}}}"
			case outer == "ports":
				return "ports: [{target: 80, " + inner + ": " + value + "}]"
			case outer == "networks":
				return "networks: {default: {" + inner + ": " + value + "}}"
			case outer == "env_file":
				return "env_file: [{path: /x, " + inner + ": " + value + "}]"
			case strings.HasPrefix(inner, "bind."):
				return "volumes: [{type: bind, source: /a, target: /b, bind: {" + strings.TrimPrefix(inner, "bind.") + ": " + value + "}}]"
			case outer == "volumes":
				return "volumes: [{type: bind, source: /a, target: /b, " + inner + ": " + value + "}]"
			}
			return outer + ": {" + inner + ": " + value + "}"
		}
		last := inner[strings.LastIndex(inner, ".")+1:]
		if !nested {
			last = outer
		}
		judge := func(value string) (problems, warnings []string) {
			in, dir := alone(t, "services:\n  web:\n    "+text(value)+"\n")
			_, found := Load(t.Context(), in, nil)
			return told(dir, found.Problems), told(dir, slices.Concat(found.Warnings, found.Noted))
		}
		about := func(said []string) bool {
			return len(said) == 1 && strings.HasPrefix(said[0], "DIR/compose.yaml:3: services.web."+outer) && strings.Contains(said[0], last+": ")
		}
		for _, value := range []string{"true", "[1, {a: b}]", "'${NOBODY}'", "{a: {b: ~}}"} {
			problems, warnings := judge(value)
			if noted := tr.class == noted && tr.only == ""; noted && (len(problems) > 0 || !about(warnings)) || !noted && (len(warnings) > 0 || !about(problems)) {
				t.Errorf("%s: %s is answered with %q and %q", tr.key, value, problems, warnings)
			}
		}
		if problems, warnings := judge(tr.only); tr.only != "" && (len(problems) > 0 || !about(warnings)) {
			t.Errorf("%s: %s is answered with %q and %q", tr.key, tr.only, problems, warnings)
		}
	}
}

// TestRefusedFiles holds every other fault against where it is said to be.
func TestRefusedFiles(t *testing.T) {
	for text, want := range map[string]string{
		"services: {db: {}}":                     "fairlead.yaml:7: apps.shop.compose.services: names web, which the Compose files do not define",
		"services: {web: }":                      "DIR/compose.yaml:1: services.web: must be a mapping",
		"services: [web]":                        "DIR/compose.yaml:1: services: must be a mapping",
		"- web":                                  "DIR/compose.yaml:1: is not a Compose file",
		"":                                       "DIR/compose.yaml: is empty",
		"services: {web: {}}\n---\nservices: {}": "DIR/compose.yaml:2: holds a second YAML document",
		"services: {web: {}}\nservises: {}":      "DIR/compose.yaml:2: servises: is not a key of a Compose file",
		"services:\n  web:\n    comand: x":       "DIR/compose.yaml:3: services.web.comand: is not honoured",
		"services:\n  web:\n    user: ${NOBODY}": "DIR/compose.yaml:3: services.web.user: uses the variable NOBODY",
		"services:\n  web:\n    environment:\n      A: x\n      B: ${NOBODY}":             "DIR/compose.yaml:5: services.web.environment.B: uses the variable NOBODY",
		"x-a: &a\n  user: ${NOBODY}\nservices:\n  web:\n    <<: *a":                       "DIR/compose.yaml:2: services.web.user: uses the variable NOBODY",
		"services:\n  base:\n    hostname: ${NOBODY}\n  web:\n    extends: base":          "DIR/compose.yaml:3: services.base.hostname: uses the variable NOBODY",
		"services:\n  web:\n    command: ['${SECRET}']":                                   "DIR/compose.yaml:3: services.web.command[0]: takes the value of SECRET",
		"services:\n  web:\n    labels: {a: '${PLAIN}'}":                                  "DIR/compose.yaml:3: services.web.labels.a: contains the value of PLAIN",
		"services:\n  web:\n    labels: ['${PLAIN}=x']":                                   "DIR/compose.yaml:3: services.web.labels[0]: has a variable in its name",
		"services:\n  web:\n    labels: {a: 1.10}":                                        "DIR/compose.yaml:3: services.web.labels.a: is a value that YAML would rewrite",
		"services:\n  web:\n    networks: ['${PLAIN}']":                                   "DIR/compose.yaml:3: services.web.networks[0]: has a variable",
		"services:\n  web:\n    networks: [a]":                                            "DIR/compose.yaml:3: services.web.networks: names a, which is not under the file's networks:",
		"services:\n  web:\n    networks: [a, b]\nnetworks: {a: {name: x}, b: {name: x}}": "DIR/compose.yaml:3: services.web.networks: names one network of the Engine twice",
		"services:\n  web:\n    networks: {a: {priority: x}}\nnetworks: {a: }":            "DIR/compose.yaml:3: services.web.networks.a.priority: must be a whole number",
		"services:\n  web:\n    networks: [a]\nnetworks: {a: {name: 'a b'}}":              "DIR/compose.yaml:4: networks.a.name: is not a name that the Engine takes",
		"services:\n  web:\n    networks: [a]\nnetworks: {a: {name: '${NOBODY}'}}":        "DIR/compose.yaml:4: networks.a.name: uses the variable NOBODY",
		"services:\n  web:\n    networks: [a]\nnetworks: {a: {external: 5}}":              "DIR/compose.yaml:4: networks.a.external: must be true or false",
		"services:\n  web:\n    volumes: ['data:/a']":                                     "DIR/compose.yaml:3: services.web.volumes: names data, which is not under the file's volumes:",
		"services:\n  web:\n    volumes: ['./a:/a:z']":                                    "DIR/compose.yaml:3: services.web.volumes[0]: has an option that is not honoured",
		"services:\n  web:\n    volumes: ['~/a:/a']":                                      "DIR/compose.yaml:3: services.web.volumes[0]: begins at a home directory",
		"services:\n  web:\n    volumes:\n      - {source: /x}":                           "DIR/compose.yaml:3: services.web.volumes: is not in the form that Compose gives it",
		"services:\n  web:\n    ports: ['x:y']":                                           "DIR/compose.yaml:3: services.web.ports[0]: is not in the form that Compose gives it",
		"services:\n  web:\n    ports: {a: b}":                                            "DIR/compose.yaml:3: services.web.ports: must be a list",
		"services:\n  web:\n    env_file: [{required: true}]":                             "DIR/compose.yaml:3: services.web.env_file: is not in the form that Compose gives it",
		"services:\n  web:\n    env_file: ~/x.env":                                        "DIR/compose.yaml:3: services.web.env_file: begins at a home directory",
		"services:\n  web:\n    env_file: {path: x}":                                      "DIR/compose.yaml:3: services.web.env_file: must be a text or a list",
		"services:\n  web:\n    network_mode: host":                                       "DIR/compose.yaml:3: services.web.network_mode: puts the service on the host's own network",
		"services:\n  web:\n    network_mode: service:db":                                 "DIR/compose.yaml:3: services.web.network_mode: is not honoured",
		"services:\n  web:\n    extends: web":                                             "DIR/compose.yaml:3: services.web.extends: extends itself in the end",
		"services:\n  a: {extends: b}\n  b: {extends: a}\n  web:\n    extends: a":         "DIR/compose.yaml:3: services.b.extends: extends itself in the end",
		"services:\n  web:\n    extends: {service: no}":                                   "DIR/compose.yaml:3: services.web.extends: names a service that DIR/compose.yaml does not define",
		"services:\n  web:\n    extends: {file: no.yaml, service: x}":                     "DIR/no.yaml: does not exist",
		"services:\n  web:\n    extends: {file: compose.yaml}":                            "DIR/compose.yaml:3: services.web.extends: names no service",
		"services:\n  web:\n    environment:\n      - A=x\n      - 1A=y":                  "DIR/compose.yaml:5: services.web.environment[1]: is not the name of a variable",
		"services:\n  web:\n    user: '1'\n    user: '2'":                                 "DIR/compose.yaml:4: services.web.user: is set twice",
		"services:\n  web: {\n":                                                           "DIR/compose.yaml:",
	} {
		t.Run(strings.ReplaceAll(text, "\n", " "), func(t *testing.T) {
			in, dir := alone(t, text)
			in.Secrets, in.Files.Asked = []string{"SECRET"}, []string{"web"}
			_, found := Load(t.Context(), in, env("PLAIN", "plain-"+canary))
			got := told(dir, found.Problems)
			if len(got) != 1 || !strings.HasPrefix(got[0], want) {
				t.Errorf("got %q", got)
			}
			if found.Problems != nil && found.Problems[0].Fix == "" {
				t.Error("nothing is said of what to do")
			}
		})
	}
}

// TestWhoMayDecide refuses a file that others than its owner could have written.
func TestWhoMayDecide(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(path string) error
		want  string
	}{
		"group may write": {func(path string) error { return os.Chmod(path, 0o664) }, "can be written by others than its owner"},
		"everybody may":   {func(path string) error { return os.Chmod(path, 0o646) }, "can be written by others than its owner"},
		"the directory":   {func(path string) error { return os.Chmod(filepath.Dir(path), 0o777) }, "lies in a directory in which everybody may replace it"},
		"a directory": {func(path string) error {
			return os.Rename(filepath.Dir(path), filepath.Dir(path)+"2")
		}, "does not exist"},
		"long": {func(path string) error { return os.WriteFile(path, make([]byte, maxBytes+1), 0o644) }, "is longer than 1 MiB"},
	} {
		for _, which := range []string{"compose.yaml", "base.yaml"} {
			t.Run(name+" of "+which, func(t *testing.T) {
				in, dir := stack(t, map[string]string{"compose.yaml": "services: {web: {extends: {file: " + "base.yaml, service: x}}}", "base.yaml": "services: {x: {}}"})
				if err := tt.spoil(filepath.Join(dir, which)); err != nil {
					t.Fatal(err)
				}
				_, found := Load(t.Context(), in, nil)
				if got := told(dir, found.Problems); len(got) == 0 || !strings.Contains(got[0], tt.want) {
					t.Errorf("got %q", got)
				}
			})
		}
	}
	in, dir := alone(t, "services: {web: {}}")
	in.Files.Paths = []string{dir}
	if _, found := Load(t.Context(), in, nil); len(found.Problems) != 1 || found.Problems[0].What != "is not a regular file" {
		t.Errorf("a directory: %q", lines(found.Problems))
	}
}

// TestTheImage warns in stronger words of an image that is not the app's.
func TestTheImage(t *testing.T) {
	for image, same := range map[string]bool{"shop/app": true, "shop/app:1.0": true, "docker.io/shop/app@sha256:x": true, "shop/app:${TAG:-x}": true,
		"shop/other:1": false, "registry.example.com:5000/shop/app": false, "app": false} {
		in, _ := alone(t, "services: {web: {image: '"+image+"'}}")
		in.Files.Repository = "docker.io/shop/app"
		_, warnings := accepted(t, in, nil)
		if len(warnings) != 1 || strings.Contains(warnings[0].What, "comes from the rollout") != same {
			t.Errorf("%s: %q", image, lines(warnings))
		}
	}
}

// TestNothingIsPrinted makes sure that neither a value nor compose-go's own words reach the process's output.
func TestNothingIsPrinted(t *testing.T) {
	shown := captured(t, func() {
		in, _ := alone(t, "version: '3'\nservices: {web: {networks: [a], volumes: ['v:/v'], init: True, environment: {A: '${NOBODY}'}}}\nnetworks: {a: {external: {name: b}}}\nvolumes: {v: {external: {name: b}}}")
		Load(t.Context(), in, nil)
	})
	if shown != "" {
		t.Errorf("printed %q", shown)
	}
}

// TestTheDocument holds docs/compose.md against the code.
func TestTheDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/compose.md")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	section := ""
	for line := range strings.Lines(string(text)) {
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			section = strings.TrimSpace(heading)
		}
		if cell, ok := strings.CutPrefix(line, "| `"); ok {
			cell, _, _ = strings.Cut(cell, " |")
			for key := range strings.SplitSeq("`"+cell, ", ") {
				got[section] = append(got[section], strings.Trim(key, "`"))
			}
		}
	}
	want := map[string][]string{"Honoured": append(slices.Collect(maps.Keys(composeShape().keys)), "extends")}
	for _, tr := range treatments() {
		name := map[class]string{noted: "Noted", refused: "Refused"}[tr.class]
		if tr.only != "" {
			want["Noted"] = append(want["Noted"], tr.key+": "+tr.only)
			name = "Refused"
		}
		want[name] = append(want[name], tr.key)
	}
	for section, keys := range want {
		slices.Sort(keys)
		slices.Sort(got[section])
		if diff := cmp.Diff(keys, got[section]); diff != "" {
			t.Errorf("%s (-code +document)\n%s", section, diff)
		}
	}
}

// TestAProjectThatIsNamedElsewhere warns where 'docker compose' would go by a variable that is not asked here.
func TestAProjectThatIsNamedElsewhere(t *testing.T) {
	for project, warned := range map[string]bool{"": true, "live": false} {
		in, _ := alone(t, "services: {web: {}}")
		in.Files.Project = project
		_, found := Load(t.Context(), in, env("COMPOSE_PROJECT_NAME", "live"))
		if len(found.Problems) > 0 || (len(found.Warnings) == 1) != warned || warned && strings.Contains(found.Warnings[0].String(), "live") {
			t.Errorf("as %q: %q, %q", project, lines(found.Problems), lines(found.Warnings))
		}
	}
}
