package compose

import (
	"slices"
	"strings"
	"testing"
)

// TestRefused holds what is refused against the one place and reason that is given; "…" stands for the service's path.
func TestRefused(t *testing.T) {
	for _, tt := range []struct{ name, yaml, want string }{
		{"image", `image: x`, "3: ….image: does not belong here: the image comes from the app and the rollout"},
		{"build", `build: .`, "3: ….build: does not belong here: the image comes from the app and the rollout"},
		{"env_file", `env_file: .env`, "3: ….env_file: does not belong here: the environment comes from the app"},
		{"extends", `extends: {file: /etc/passwd, service: x}`, "3: ….extends: is not honoured: no other file is read"},
		{"depends_on", `depends_on: [db]`, "3: ….depends_on: is not honoured: the services of an app are replaced one after the other, in the order of the file"},
		{"privileged", `privileged: true`, "3: ….privileged: is not honoured, and a key is never ignored"},
		{"a key that Compose does not know", `memory: 1g`, "3: ….memory: is not honoured, and a key is never ignored"},
		{"a port's mode", "ports:\n  - {target: 80, mode: host}", "4: ….ports[0].mode: is not honoured: a port is always published on this host"},
		{"a mount's option", `volumes: [{type: bind, source: /a, target: /b, bind: {selinux: z}}]`, "3: ….volumes[0].bind.selinux: is not honoured"},
		{"a mount's short option", `volumes: ["/a:/b:ro,z"]`, "3: ….volumes[0]: has an option that is not honoured"},
		{"a mount's misspelt option", `volumes: ["/a:/b:readonly"]`, "3: ….volumes[0]: has an option that is not honoured"},
		{"a network's option", `networks: {a: {priority: 1}}`, "3: ….networks.a.priority: is not honoured, and a key is never ignored"},
		{"replicas", `deploy: {replicas: 2}`, "3: ….deploy.replicas: is not honoured, and a key is never ignored"},
		{"reserved CPUs", `deploy: {resources: {reservations: {cpus: "1"}}}`, "3: ….deploy.resources.reservations.cpus: is not honoured, and a key is never ignored"},
		{"a key given twice", "user: a\nuser: b", "4: ….user: is set twice"},
		{"a key without a value", "user:", "3: ….user: has no value"},
		{"a list for a text", `user: [a]`, "3: ….user: must be a text"},
		{"a mapping for a list", `ports: {a: b}`, "3: ….ports: must be a list"},
		{"a text for a truth value", `read_only: maybe`, "3: ….read_only: must be true or false"},
		{"a number that YAML rewrites", `labels: {version: 1.10}`, "3: ….labels.version: is a value that YAML would rewrite"},
		{"a date", `labels: [2026-01-02]`, "3: ….labels[0]: is a value that YAML would rewrite"},
		{"a truth value that YAML rewrites", `environment: {DEBUG: True}`, "3: ….environment.DEBUG: is a value that YAML would rewrite"},
		{"a foreign tag", `user: !secret x`, "3: ….user: is a value that YAML would rewrite"},
		{"a network that is dropped", `networks: {x-net: {}}`, "3: ….networks.x-net: begins with x-, which Compose takes for an extension even here"},
		{"a port that is none", `ports: ["80", "http:80"]`, "3: ….ports[1]: is not in the form that Compose gives it"},
		{"a port's target", `ports: [{target: http, published: "80"}]`, "3: ….ports[0]: is not in the form that Compose gives it"},
		{"a port without a target", `ports: [{published: "80"}]`, "3: ….ports[0]: is not in the form that Compose gives it"},
		{"a port out of range", `ports: [{target: 70000}]`, "3: ….ports: has a port that is not a number from 1 to 65535"},
		{"a published port out of range", `ports: [{target: 80, published: "x"}]`, "3: ….ports: has a port that is not a number from 1 to 65535"},
		{"a port's protocol", `ports: [{target: 80, protocol: icmp}]`, "3: ….ports: has a port with an unknown protocol"},
		{"a port of the host twice", `ports: ["80:80", "80:81"]`, "3: ….ports: publishes two ports at the same port of the host"},
		{"an exposed port", `expose: [3000, "80:80"]`, "3: ….expose[1]: is not a port"},
		{"a relative bind", `volumes: ["./data:/data"]`, "3: ….volumes[0]: has a relative path of the host, and there is no directory that it could start from"},
		{"a bind from home", `volumes: ["~/data:/data"]`, "3: ….volumes[0]: has a relative path of the host, and there is no directory that it could start from"},
		{"a volume without a name", `volumes: [/data]`, "3: ….volumes[0]: is a volume without a name, and every rollout would leave one behind"},
		{"a relative target", `volumes: ["data:data"]`, "3: ….volumes[0]: has no absolute path in the container"},
		{"a target twice", `volumes: ["one:/data", "two:/data"]`, "3: ….volumes: mounts two things at one path in the container"},
		{"a target that is a tmpfs", "tmpfs: /data\nvolumes: ['one:/data/']", "4: ….volumes: mounts two things at one path in the container"},
		{"a mount's type", `volumes: [{type: npipe, source: /a, target: /b}]`, "3: ….volumes[0]: is of a type that is not honoured"},
		{"another type's options", `volumes: [{type: volume, source: a, target: /b, bind: {propagation: shared}}]`, "3: ….volumes[0]: has options of another type"},
		{"a mount's mode", `volumes: [{type: tmpfs, target: /b, tmpfs: {mode: rwx}}]`, "3: ….volumes[0].tmpfs.mode: must be permission bits"},
		{"the host as a network", `networks: [host]`, "3: ….networks[0]: is not a network that containers are named on"},
		{"an address", `networks: {a: {ipv4_address: 10.0.0.0/8}}`, "3: ….networks.a.ipv4_address: is not an IPv4 address"},
		{"another container's network", `network_mode: "service:db"`, "3: ….network_mode: is not honoured"},
		{"two kinds of network", "networks: [a]\nnetwork_mode: none", "4: ….network_mode: contradicts networks"},
		{"ports on the host's network", "network_mode: host\nports: ['80:80']", "4: ….ports: has no effect with this network_mode"},
		{"a restart policy", `restart: sometimes`, "3: ….restart: is not a restart policy"},
		{"restart false", `restart: false`, "3: ….restart: is not a restart policy"},
		{"retries without end", `restart: always:3`, "3: ….restart: is not a restart policy"},
		{"a grace period", `stop_grace_period: 10`, "3: ….stop_grace_period: is not in the form that Compose gives it"},
		{"a negative grace period", `stop_grace_period: -1s`, "3: ….stop_grace_period: is out of range"},
		{"a signal", `stop_signal: term!`, "3: ….stop_signal: is not valid"},
		{"our own labels", `labels: {fairlead.app: x}`, "3: ….labels.fairlead.app: begins with fairlead., by which the daemon knows its own containers"},
		{"a name of a container", `container_name: a b`, "3: ….container_name: is not in the form that Compose gives it"},
		{"a host without an address", `extra_hosts: ["db:"]`, "3: ….extra_hosts: has a host without an address"},
		{"a file of a profile", `security_opt: [a, "seccomp:./x.json"]`, "3: ….security_opt[1]: names a seccomp profile in a file, and no other file is read"},
		{"memory", `mem_limit: lots`, "3: ….mem_limit: is not in the form that Compose gives it"},
		{"memory that is a float", `mem_limit: "1.5e9x"`, "3: ….mem_limit: is not in the form that Compose gives it"},
		{"too little memory", `mem_limit: 1m`, "3: ….mem_limit: is less than the Engine gives any container"},
		{"swap without memory", `memswap_limit: 1g`, "3: ….memswap_limit: needs mem_limit as well"},
		{"less swap than memory", "mem_limit: 2g\nmemswap_limit: 1g", "4: ….memswap_limit: is memory and swap together, and less than the memory alone"},
		{"a limit twice", "mem_limit: 1g\ndeploy: {resources: {limits: {memory: 1g}}}", "3: ….mem_limit: is also set under deploy.resources"},
		{"CPUs", `cpus: -1`, "3: ….cpus: is out of range"},
		{"no processes", `pids_limit: 0`, "3: ….pids_limit: is out of range"},
		{"an empty command", `command: []`, "3: ….command: is empty"},
		{"a shell's operator", `command: npm run migrate && npm start`, "3: ….command: has a shell's operator (; & | < >), but no shell runs it"},
		{"an open quote", `command: echo "a`, "3: ….command: is not in the form that Compose gives it"},
		{"a check without a kind", `healthcheck: {test: [curl, localhost]}`, "3: ….healthcheck.test: does not say how to run the check"},
		{"a check's interval", `healthcheck: {test: x, interval: soon}`, "3: ….healthcheck.interval: is not in the form that Compose gives it"},
		{"a check both on and off", `healthcheck: {test: x, disable: true}`, "3: ….healthcheck: sets test and disable"},
		{"a ulimit", `ulimits: {nofile: many}`, "3: ….ulimits.nofile: is not in the form that Compose gives it"},
		{"an entry of environment", `environment: {"A B": x}`, "3: ….environment.A B: is not the name of a variable"},
		{"an entry of environment twice", `environment: [A=1, A=2]`, "3: ….environment[1]: sets a name for the second time"},
		{"an unset variable", `user: ${NOBODY}`, "3: ….user: uses the variable NOBODY, which no env source sets"},
		{"an unset variable in a default", `user: ${NOBODY:-${NEITHER}}`, "3: ….user: uses the variable NEITHER, which no env source sets"},
		{"a needed variable", `user: "${NOBODY:?who runs it}"`, "3: ….user: needs the variable NOBODY (who runs it), which no env source gives a value"},
		{"a lone dollar sign", `command: [echo, "$1"]`, "3: ….command[1]: has a $ that begins no variable"},
		{"an unset variable in the environment", "environment:\n  A: x\n  B: ${NOBODY}", "5: ….environment.B: uses the variable NOBODY, which no env source sets"},
		{"a merge of nothing", `<<: x`, "3: …: merges what is not a mapping (<<)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, problems := loaded(t, single(t, tt.yaml), env("HOME", "/root"))
			want := "fairlead.yaml:" + strings.ReplaceAll(tt.want, "…", "apps.shop.services.web")
			if got := lines(problems); !slices.Equal(got, []string{want}) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
			for _, p := range problems {
				if p.Fix == "" {
					t.Errorf("%s: nothing says what to do", p)
				}
			}
		})
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	_, problems := loaded(t, input(t, `
services:
  web:
    ports: ["http:80"]
    image: x
    user: ${NOBODY}
  worker: [not, a, mapping]
  cron:
    mem_limit: lots
    cpus: many
`), nil)
	want := []string{
		"fairlead.yaml:4: apps.shop.services.web.ports[0]: is not in the form that Compose gives it",
		"fairlead.yaml:5: apps.shop.services.web.image: does not belong here: the image comes from the app and the rollout",
		"fairlead.yaml:6: apps.shop.services.web.user: uses the variable NOBODY, which no env source sets",
		"fairlead.yaml:7: apps.shop.services.worker: must be a mapping",
		"fairlead.yaml:9: apps.shop.services.cron.mem_limit: is not in the form that Compose gives it",
		"fairlead.yaml:10: apps.shop.services.cron.cpus: is not in the form that Compose gives it",
	}
	if got := lines(problems); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestReadAsFarAsPossible makes sure that one fault does not hide the rest of a service: a container is found by its
// name even when the env file does not pass.
func TestReadAsFarAsPossible(t *testing.T) {
	services, problems := loaded(t, single(t, "container_name: shop-web\nuser: ${NOBODY}\nports: ['x:y']\nrestart: always"), nil)
	if len(problems) != 2 || len(services) != 1 {
		t.Fatal(services, lines(problems))
	}
	if s := services[0]; s.ContainerName != "shop-web" || s.Restart.Name != "always" || s.User != "" || s.Ports != nil {
		t.Errorf("got %+v", s.Service)
	}
}

func TestServicesThatCollide(t *testing.T) {
	_, problems := loaded(t, input(t, `
services:
  web: {container_name: shop, ports: ["80:3000"]}
  admin: {container_name: shop, ports: ["80:4000"]}
`), nil)
	want := []string{
		"fairlead.yaml:4: apps.shop.services.admin.container_name: is also the name of service web",
		"fairlead.yaml:4: apps.shop.services.admin.ports: publishes a port of the host that service web publishes as well",
	}
	if got := lines(problems); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}
