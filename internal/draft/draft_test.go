package draft

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/compose"
	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

var update = flag.Bool("update", false, "write the wanted drafts anew")

func basic() App { return App{Instance: "prod-1", Environment: "production"} }

// files are the env files of the project, by name. The canaries among their values reach the draft through nothing.
func names(path string) ([]string, bool) {
	switch path {
	case "/srv/shop/.env":
		return []string{"TAG", "DB_PASSWORD"}, true
	case "/srv/shop/.env.production":
		return []string{"AZURE_OPENAI_API_KEY", "SMTP_PASSWORD", "LOG_LEVEL"}, true
	}
	return nil, false
}

func fromCompose(t *testing.T) App {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	app, err := basic().FromCompose(File{Path: "/srv/shop/compose.yaml", Content: content, Names: names}, []string{"web", "worker"})
	if err != nil {
		t.Fatal(err)
	}
	return app
}

// everything is a container that uses all that a definition can express.
func everything() workload.Existing {
	return workload.Existing{
		Service: workload.Service{Name: "web", ContainerName: "shop-web", Entrypoint: []string{"/bin/tini", "--"}, Command: []string{"node", "server.js", "a: b", "$HOME", "CHANGE"},
			Ports: []workload.Port{{HostIP: "127.0.0.1", HostPort: "8080", ContainerPort: 3000, Protocol: "tcp"}, {HostIP: "::1", HostPort: "8080", ContainerPort: 3000, Protocol: "tcp"}, {ContainerPort: 9000, Protocol: "udp"}},
			Mounts: []workload.Mount{{Type: "bind", Source: "/srv/a b", Target: "/a", ReadOnly: true, Propagation: "rslave"}, {Type: "volume", Source: strings.Repeat("ab", 32), Target: "/data"},
				{Type: "volume", Source: "uploads", Target: "/uploads", NoCopy: true}, {Type: "tmpfs", Target: "/scratch", TmpfsSize: 1 << 20, TmpfsMode: 0o1777}},
			Networks: []workload.Network{{Name: "back", Aliases: []string{"api"}, IPv4Address: "10.9.0.5"}, {Name: "front"}}, User: "1000:1000", WorkingDir: "/app",
			Restart: workload.RestartPolicy{Name: "on-failure", MaxRetries: 5}, StopGracePeriod: new(90 * time.Second), StopSignal: "SIGINT",
			Labels: map[string]string{"traefik.rule": "Host(`a`) && $x", "on": "yes"}, Hostname: "web-1", ExtraHosts: []string{"db:10.0.0.9"}, CapAdd: []string{"CAP_NET_ADMIN"}, CapDrop: []string{"ALL"},
			SecurityOpt: []string{"no-new-privileges"}, ReadOnly: true, Tmpfs: map[string]string{"/tmp": "size=64m", "/run": ""}, Ulimits: []workload.Ulimit{{Name: "nofile", Soft: 1024, Hard: 4096}},
			Resources: workload.Resources{MemoryBytes: 512 << 20, MemoryReservationBytes: 256 << 20, MemorySwapBytes: 1 << 30, NanoCPUs: 1500000000, CPUShares: 512, PidsLimit: 100},
			Logging:   &workload.Logging{Driver: "json-file", Options: map[string]string{"max-size": "10m"}}, Init: new(true), ShmSize: 128 << 20,
			Healthcheck: &workload.Healthcheck{Test: []string{"CMD-SHELL", "wget -q http://127.0.0.1:3000/ || exit 1"}, Interval: 10 * time.Second, Timeout: 1500 * time.Millisecond, StartPeriod: time.Minute, Retries: 3}},
		Image: workload.Image{Repository: "registry.example.com/shop/app", Tag: "1.0.0"}, Variables: []string{"API_KEY", "NODE_ENV", "SMTP_PASSWORD"}, Exposed: []uint16{3000},
		Health: true, Anonymous: []string{strings.Repeat("ab", 32)}, Withheld: []string{"command"}, Beyond: []string{"devices", "privileged"},
	}
}

func worker() workload.Existing {
	return workload.Existing{Service: workload.Service{Name: "worker", ContainerName: "shop-worker", Entrypoint: []string{}, Command: []string{"node"}, Restart: workload.RestartPolicy{Name: "no"}, NetworkMode: "host"},
		Image: workload.Image{Repository: "registry.example.com/shop/app"}, Variables: []string{"API_KEY"}}
}

func fromContainers(t *testing.T) App {
	t.Helper()
	app, err := basic().FromContainers([]workload.Existing{everything(), worker()})
	if err != nil {
		t.Fatal(err)
	}
	return app
}

// What the drafts look like stands in testdata; no canary of the Compose file is in there.
func TestDrafts(t *testing.T) {
	for name, app := range map[string]App{"from-compose": fromCompose(t), "from-containers": fromContainers(t)} {
		got, path := string(app.Text()), filepath.Join("testdata", name+".yaml")
		if strings.Contains(got, "canary") {
			t.Errorf("%s: a value of the Compose file is in the draft", name)
		}
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s differs (-want +got), -update writes it anew:\n%s", name, diff)
		}
	}
}

// block matches the compose block, for whose services others stand in here: the room that reads it is not asked.
var block = regexp.MustCompile(`(?m)^    compose:\n(      .*\n)+`)

// A draft passes config check as it is: what is marked is to be decided, and is no fault of form.
func TestDraftsAreSound(t *testing.T) {
	plain, err := basic().FromContainers([]workload.Existing{{Service: workload.Service{Name: "box", ContainerName: "box", Restart: workload.RestartPolicy{Name: "no"}}, Image: workload.Image{Repository: "shop"}}})
	if err != nil {
		t.Fatal(err)
	}
	for name, app := range map[string]App{"from-compose": fromCompose(t), "from-containers": fromContainers(t), "plain": plain} {
		text := block.ReplaceAllString(string(app.Text()), "    services: {web: {}, worker: {}}\n")
		cfg, err := config.Parse("fairlead.yaml", []byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, a := range cfg.Apps {
			in := compose.Input{Project: a.Name, Source: "fairlead.yaml", Secrets: a.SecretVariables()}
			for _, d := range a.Services {
				in.Services = append(in.Services, compose.Raw{Name: d.Name, YAML: d.YAML, Line: d.Line})
			}
			for _, p := range compose.Check(t.Context(), in).Problems {
				t.Errorf("%s: %s", name, p)
			}
		}
	}
}

// What is written is what the container had: read back, the definition is the same.
func TestDefinitionsComeBack(t *testing.T) {
	cfg, err := config.Parse("fairlead.yaml", fromContainers(t).Text())
	if err != nil {
		t.Fatal(err)
	}
	in := compose.Input{Source: "fairlead.yaml"}
	for _, d := range cfg.Apps["shop-web"].Services {
		in.Services = append(in.Services, compose.Raw{Name: d.Name, YAML: d.YAML, Line: d.Line})
	}
	read, found := compose.Load(t.Context(), in, secret.Env{})
	if len(found.Problems) > 0 {
		t.Fatal(found.Problems)
	}
	for i, want := range []workload.Service{everything().Service, worker().Service} {
		got := read[i].Service
		for j := range got.Mounts {
			got.Mounts[j].CreateHost = false // Compose's own default, and the directory is there
		}
		if i == 1 {
			want.Entrypoint = []string{""} // the Engine's own way of saying "none"
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("service %s changed on its way (-container +draft):\n%s", want.Name, diff)
		}
	}
}

func TestRefusals(t *testing.T) {
	other := worker()
	other.Image.Repository = "registry.example.com/other"
	_, err := basic().FromContainers([]workload.Existing{everything(), other})
	expect(t, err, "shop-worker", "registry.example.com/other", "for each image by itself")
	_, err = basic().FromContainers([]workload.Existing{worker(), worker()})
	expect(t, err, "is a second container of service worker")
	for text, says := range map[string]string{
		"services: {web: {image: canary}}":  `has no service "api"; it has: web`,
		"services:\n  - canary":             "has no services",
		"a: [canary":                        "is not YAML",
		"":                                  "is empty",
		"services: {api: {}, web: canary}}": "is not YAML",
	} {
		_, err := basic().FromCompose(File{Path: "/srv/compose.yaml", Content: []byte(text), Names: names}, []string{"api"})
		expect(t, err, "/srv/compose.yaml", says)
		if strings.Contains(fault.Text(err), "canary") {
			t.Errorf("%q is quoted: %v", text, err)
		}
	}
}

func expect(t *testing.T, err error, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if fault.KindOf(err) != fault.Refused || !strings.Contains(fault.Text(err), text) {
			t.Errorf("%q is missing in: %v", text, err)
		}
	}
}

// A file of any form is read as far as it goes, and what could not be is said by name.
func TestTolerance(t *testing.T) {
	for text, says := range map[string]string{
		"services: {web: {extends: web}}":                                   "service web extends itself",
		"services: {web: {extends: {file: other.yaml, service: x}}}":        "service web extends one of another file",
		"services: {web: text}":                                             "service web could not be read",
		"services: {web: {image: '${WHERE}/app'}}":                          "is made of variables: WHERE",
		"services: {web: {build: .}}":                                       "names no image",
		"services: {web: {image: a, env_file: '${FILE}'}}":                  "takes the path of an env file from a variable",
		"services: {web: {image: a, env_file: {path: none}}}":               "/srv/shop/none could not be read",
		"include: [x]\nservices: {web: {image: a}}":                         "the file includes others",
		"name: $NAME\nservices: {web: {image: a}}":                          "the project's name is made of variables",
		"x: &a {y: &b {<<: [*b]}}\nservices: {web: {<<: *a, image: a:1}}":   "name no env_file",
		"services: {web: {image: a, ports: [{target: x}], environment: 3}}": "name no env_file",
		"services: {web: {image: 'a@sha256:00', env_file: [{}, [], null]}}": "name no env_file",
	} {
		app, err := basic().FromCompose(File{Path: "/srv/shop/compose.yaml", Content: []byte(text), Names: names}, []string{"web"})
		if err != nil {
			if !strings.Contains(text, "*b") { // YAML itself forbids an anchor that holds itself
				t.Errorf("%s: %v", text, err)
			}
			continue
		}
		if got := strings.Join(app.Notes, "\n"); !strings.Contains(got, says) {
			t.Errorf("%s: %q is missing in: %s", text, says, got)
		}
	}
}

func TestRepositoryOf(t *testing.T) {
	for image, want := range map[string]string{
		"registry:5000/a/b:1": "registry:5000/a/b", "registry:5000/a/b": "registry:5000/a/b", "a@sha256:00": "a", "a:${TAG:-1:2}": "a", "a:$TAG": "a",
		"${REGISTRY:-x:5000}/a:1": "", "a${SUFFIX}": "", "${A:-${B:-c}}": "", "": "",
	} {
		if got, _ := repositoryOf(image); got != want {
			t.Errorf("%s: %q, want %q", image, got, want)
		}
	}
}

// Whatever a Compose file holds, nothing but names comes out of it, and the draft is YAML of the right form.
func FuzzFromCompose(f *testing.F) {
	content, err := os.ReadFile(filepath.Join("testdata", "compose.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(content))
	f.Add("services: {web: {environment: {A_KEY: canary, 'b c': canary}, env_file: [a, {path: b}], image: 'x:${Y:-canary}'}}")
	f.Fuzz(func(t *testing.T, text string) {
		app, err := basic().FromCompose(File{Path: "/srv/shop/compose.yaml", Content: []byte(text), Names: names}, []string{"web"})
		if err != nil {
			return
		}
		got := block.ReplaceAllString(string(app.Text()), "    services: {web: {}}\n")
		if _, err := config.Parse("fairlead.yaml", []byte(got)); err != nil {
			for _, p := range fault.ProblemsOf(err) {
				if !strings.Contains(p.Where, "image") && !strings.Contains(p.Where, "not_consumers") && !strings.Contains(p.Where, "env[") {
					t.Errorf("%v\n%s", p, got)
				}
			}
			if len(fault.ProblemsOf(err)) == 0 {
				t.Errorf("%v\n%s", err, got)
			}
		}
	})
}

func ExamplePlainName() {
	fmt.Println(PlainName("My_Shop.v2", "app"), PlainName("--", "app"))
	// Output: my-shop-v2 app
}
