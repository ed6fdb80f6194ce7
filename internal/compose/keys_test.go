package compose

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/workload"
)

// TestEveryKey holds each honoured key, in each of its forms, against the workload that it makes.
func TestEveryKey(t *testing.T) {
	type service = workload.Service
	yes := true
	for _, tt := range []struct {
		name, yaml string
		want       service
	}{
		{"command as a list", `command: [node, server.js, --port, 3000]`, service{Command: []string{"node", "server.js", "--port", "3000"}}},
		{"command as a text", `command: node "my server.js"`, service{Command: []string{"node", "my server.js"}}},
		{"command with a quoted operator", `command: echo "a;b"`, service{Command: []string{"echo", "a;b"}}},
		{"entrypoint", `entrypoint: [/tini, --]`, service{Entrypoint: []string{"/tini", "--"}}},
		{"entrypoint that is switched off", `entrypoint: []`, service{Entrypoint: []string{""}}},
		{"ports, short", `ports: ["8080:80"]`, service{Ports: []workload.Port{{HostPort: "8080", ContainerPort: 80, Protocol: "tcp"}}}},
		{"ports, with an address", `ports: ["127.0.0.1:8080:80/udp"]`, service{Ports: []workload.Port{{HostIP: "127.0.0.1", HostPort: "8080", ContainerPort: 80, Protocol: "udp"}}}},
		{"ports, IPv6", `ports: ["[::1]:8080:80"]`, service{Ports: []workload.Port{{HostIP: "::1", HostPort: "8080", ContainerPort: 80, Protocol: "tcp"}}}},
		{"ports, the container's alone", `ports: [80]`, service{Ports: []workload.Port{{ContainerPort: 80, Protocol: "tcp"}}}},
		{"ports, ranges", `ports: ["9000-9001:80-81"]`, service{Ports: []workload.Port{{HostPort: "9000", ContainerPort: 80, Protocol: "tcp"}, {HostPort: "9001", ContainerPort: 81, Protocol: "tcp"}}}},
		{"ports, a range to choose from", `ports: ["9000-9005:80"]`, service{Ports: []workload.Port{{HostPort: "9000-9005", ContainerPort: 80, Protocol: "tcp"}}}},
		{"ports, long", `ports: [{target: 80, published: 8080, host_ip: 127.0.0.1, protocol: udp}]`, service{Ports: []workload.Port{{HostIP: "127.0.0.1", HostPort: "8080", ContainerPort: 80, Protocol: "udp"}}}},
		{"expose", `expose: [3000, "4000/udp", "5000-5001", "6000/tcp"]`, service{Expose: []string{"3000", "4000/udp", "5000", "5001", "6000"}}},
		{"volumes, named", `volumes: ["data:/data"]`, service{Mounts: []workload.Mount{{Type: "volume", Source: "data", Target: "/data"}}}},
		{"volumes, options", `volumes: ["data:/data:ro,nocopy"]`, service{Mounts: []workload.Mount{{Type: "volume", Source: "data", Target: "/data", ReadOnly: true, NoCopy: true}}}},
		{"volumes, bind", `volumes: ["/etc/shop:/etc/shop:ro,rslave"]`, service{Mounts: []workload.Mount{{Type: "bind", Source: "/etc/shop", Target: "/etc/shop", ReadOnly: true, Propagation: "rslave", CreateHost: true}}}},
		{"volumes, long bind", `volumes: [{type: bind, source: /a, target: /b, bind: {create_host_path: false, propagation: shared}}]`, service{Mounts: []workload.Mount{{Type: "bind", Source: "/a", Target: "/b", Propagation: "shared"}}}},
		{"volumes, long volume", `volumes: [{type: volume, source: data, target: /data, read_only: true, volume: {nocopy: true}}]`, service{Mounts: []workload.Mount{{Type: "volume", Source: "data", Target: "/data", ReadOnly: true, NoCopy: true}}}},
		{"volumes, tmpfs", `volumes: [{type: tmpfs, target: /tmp, tmpfs: {size: 64m, mode: 0o1777}}]`, service{Mounts: []workload.Mount{{Type: "tmpfs", Target: "/tmp", TmpfsSize: 64 << 20, TmpfsMode: 0o1777}}}},
		{"networks in their order", `networks: [zeta, alpha]`, service{Networks: []workload.Network{{Name: "zeta"}, {Name: "alpha"}}}},
		{"networks with addresses", `networks: {back: {aliases: [db], ipv4_address: 10.1.0.2, ipv6_address: "fd00::2"}, front: }`, service{Networks: []workload.Network{{Name: "back", Aliases: []string{"db"}, IPv4Address: "10.1.0.2", IPv6Address: "fd00::2"}, {Name: "front"}}}},
		{"network_mode host", `network_mode: host`, service{NetworkMode: "host"}},
		{"network_mode none", `network_mode: none`, service{NetworkMode: "none"}},
		{"network_mode bridge", `network_mode: bridge`, service{}},
		{"user", `user: 1000`, service{User: "1000"}},
		{"working_dir", `working_dir: /srv`, service{WorkingDir: "/srv"}},
		{"restart", `restart: unless-stopped`, service{Restart: workload.RestartPolicy{Name: "unless-stopped"}}},
		{"restart no", `restart: no`, service{}},
		{"restart on-failure", `restart: on-failure:5`, service{Restart: workload.RestartPolicy{Name: "on-failure", MaxRetries: 5}}},
		{"stop_grace_period", `stop_grace_period: 1m30s`, service{StopGracePeriod: new(90 * time.Second)}},
		{"stop_grace_period of nothing", `stop_grace_period: 0s`, service{StopGracePeriod: new(time.Duration)}},
		{"stop_signal", `stop_signal: SIGINT`, service{StopSignal: "SIGINT"}},
		{"labels", `labels: {a.b: c, x-kept: "1", n: 5, empty: }`, service{Labels: map[string]string{"a.b": "c", "x-kept": "1", "n": "5", "empty": ""}}},
		{"labels as a list", `labels: [a.b=c=d, empty]`, service{Labels: map[string]string{"a.b": "c=d", "empty": ""}}},
		{"container_name", `container_name: shop-web`, service{ContainerName: "shop-web"}},
		{"hostname", `hostname: web.shop`, service{Hostname: "web.shop"}},
		{"extra_hosts", `extra_hosts: ["db:10.0.0.1", "gw=host-gateway", "six=[fd00::1]"]`, service{ExtraHosts: []string{"db:10.0.0.1", "gw:host-gateway", "six:fd00::1"}}},
		{"extra_hosts as a mapping", `extra_hosts: {db: 10.0.0.1}`, service{ExtraHosts: []string{"db:10.0.0.1"}}},
		{"cap_add", `cap_add: [NET_ADMIN]`, service{CapAdd: []string{"NET_ADMIN"}}},
		{"cap_drop", `cap_drop: [ALL]`, service{CapDrop: []string{"ALL"}}},
		{"security_opt", `security_opt: ["no-new-privileges:true", seccomp=unconfined]`, service{SecurityOpt: []string{"no-new-privileges:true", "seccomp=unconfined"}}},
		{"read_only", `read_only: true`, service{ReadOnly: true}},
		{"tmpfs", `tmpfs: ["/tmp:size=64m,mode=1777", /run]`, service{Tmpfs: map[string]string{"/tmp": "size=64m,mode=1777", "/run": ""}}},
		{"tmpfs as a text", `tmpfs: /run`, service{Tmpfs: map[string]string{"/run": ""}}},
		{"ulimits", `ulimits: {nproc: 100, nofile: {soft: 1024, hard: 2048}}`, service{Ulimits: []workload.Ulimit{{Name: "nofile", Soft: 1024, Hard: 2048}, {Name: "nproc", Soft: 100, Hard: 100}}}},
		{"memory", "mem_limit: 512m\nmem_reservation: 268435456\nmemswap_limit: 1g", service{Resources: workload.Resources{MemoryBytes: 512 << 20, MemoryReservationBytes: 256 << 20, MemorySwapBytes: 1 << 30}}},
		{"memory without a limit on swap", "mem_limit: 512m\nmemswap_limit: -1", service{Resources: workload.Resources{MemoryBytes: 512 << 20, MemorySwapBytes: -1}}},
		{"cpus", `cpus: 0.1`, service{Resources: workload.Resources{NanoCPUs: 100_000_000}}},
		{"cpu_shares and pids_limit", "cpu_shares: 512\npids_limit: 100", service{Resources: workload.Resources{CPUShares: 512, PidsLimit: 100}}},
		{"deploy", `deploy: {resources: {limits: {cpus: "1.5", memory: 1g, pids: 50}, reservations: {memory: 512m}}}`, service{Resources: workload.Resources{NanoCPUs: 1_500_000_000, MemoryBytes: 1 << 30, PidsLimit: 50, MemoryReservationBytes: 512 << 20}}},
		{"logging", `logging: {driver: json-file, options: {max-size: 10m, max-file: 3}}`, service{Logging: &workload.Logging{Driver: "json-file", Options: map[string]string{"max-size": "10m", "max-file": "3"}}}},
		{"healthcheck", `healthcheck: {test: [CMD, curl, -f], interval: 10s, timeout: 1s, retries: 3, start_period: 1m, start_interval: 500ms}`, service{Healthcheck: &workload.Healthcheck{Test: []string{"CMD", "curl", "-f"}, Interval: 10 * time.Second, Timeout: time.Second, Retries: 3, StartPeriod: time.Minute, StartInterval: 500 * time.Millisecond}}},
		{"healthcheck for the shell", `healthcheck: {test: curl -f http://localhost || exit 1}`, service{Healthcheck: &workload.Healthcheck{Test: []string{"CMD-SHELL", "curl -f http://localhost || exit 1"}}}},
		{"healthcheck that is switched off", `healthcheck: {disable: true}`, service{Healthcheck: &workload.Healthcheck{Test: []string{"NONE"}}}},
		{"init", `init: true`, service{Init: &yes}},
		{"shm_size", `shm_size: 128m`, service{ShmSize: 128 << 20}},
		{"extensions", "x-anything: [1, {2: 3}]\nhealthcheck: {x-note: y, disable: true}", service{Healthcheck: &workload.Healthcheck{Test: []string{"NONE"}}}},
		{"variables", "user: ${UID}:${GID:-7}\nread_only: ${RO}\nports: ['${PORT}:80']\nstop_grace_period: ${T:-9s}\ncpus: ${CPUS}\nhealthcheck: {test: x, retries: '${N}'}",
			service{User: "1:7", ReadOnly: true, Ports: []workload.Port{{HostPort: "8080", ContainerPort: 80, Protocol: "tcp"}}, StopGracePeriod: new(9 * time.Second),
				Resources: workload.Resources{NanoCPUs: 2_000_000_000}, Healthcheck: &workload.Healthcheck{Test: []string{"CMD-SHELL", "x"}, Retries: 4}}},
		{"a dollar sign", `command: [echo, $$HOME]`, service{Command: []string{"echo", "$HOME"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			services, problems := loaded(t, single(t, tt.yaml), env("UID", "1", "RO", "true", "PORT", "8080", "CPUS", "2", "N", "4"))
			if len(problems) > 0 {
				t.Fatal(lines(problems))
			}
			tt.want.Name = "web"
			if tt.want.Restart.Name == "" {
				tt.want.Restart.Name = "no"
			}
			if diff := cmp.Diff(tt.want, services[0].Service); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestNothingSetIsTheImagesOwn(t *testing.T) {
	services, problems := loaded(t, single(t, "{}"), nil)
	if len(problems) > 0 {
		t.Fatal(lines(problems))
	}
	want := workload.Service{Name: "web", Restart: workload.RestartPolicy{Name: "no"}}
	if diff := cmp.Diff(want, services[0].Service); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
