package engine

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

var testKey = workload.Key{Instance: "prod-1", Environment: "production", App: "capakraken"}

// replacementOf returns a replacement of a service called web.
func replacementOf(s workload.Service) workload.Replacement {
	if s.Name == "" {
		s.Name = "web"
	}
	return workload.Replacement{
		Key: testKey, Rollout: "01JXAMPLEROLLOUT12345ABCD",
		Unit: workload.Unit{Service: s, Env: secret.NewEnv(
			secret.Var{Name: "SMTP_PASSWORD", Value: secret.NewValue("p=w")},
			secret.Var{Name: "EMPTY"},
		)},
		Release: workload.Release{ID: "abc", Image: workload.Image{Repository: "r.example.com/app", Tag: "2", Digest: "sha256:feed", ID: "sha256:cafe"}, Definitions: "d", Env: "e"},
	}
}

// TestEveryFieldOfAServiceReachesTheEngine holds each field to what the Engine is asked for. A field that has no case
// here fails the test, so that a new one is not forgotten.
func TestEveryFieldOfAServiceReachesTheEngine(t *testing.T) {
	d := time.Duration(1500) * time.Millisecond
	cases := map[string][]struct {
		service workload.Service
		want    string // parts of the request's JSON, each on a line
	}{
		"Name": {{workload.Service{Name: "worker", Networks: []workload.Network{{Name: "n"}}},
			`"fairlead.service":"worker"` + "\n" + `"Aliases":["capakraken-production-worker","worker"]`}},
		"ContainerName": {{workload.Service{ContainerName: "ck", Networks: []workload.Network{{Name: "n"}}}, `"Aliases":["ck","web"]`}},
		"Project": {{workload.Service{Name: "web", Project: &workload.Project{Name: "shop", Dir: "/srv/shop", Files: []string{"/srv/shop/a", "/srv/shop/b"}}, Labels: map[string]string{"com.docker.compose.project": "x"}},
			`"com.docker.compose.config-hash":"fairlead-abc","com.docker.compose.container-number":"1","com.docker.compose.oneoff":"False","com.docker.compose.project":"shop"` +
				`,"com.docker.compose.project.config_files":"/srv/shop/a,/srv/shop/b","com.docker.compose.project.working_dir":"/srv/shop","com.docker.compose.service":"web"`}},
		"Entrypoint": {
			{workload.Service{}, `"Entrypoint":null`},
			{workload.Service{Entrypoint: []string{}}, `"Entrypoint":[""]`},
			{workload.Service{Entrypoint: []string{"/a", "b c"}}, `"Entrypoint":["/a","b c"]`},
		},
		"Command": {
			{workload.Service{}, `"Cmd":null`},
			{workload.Service{Command: []string{"serve", "--all"}}, `"Cmd":["serve","--all"]`},
		},
		"Ports": {
			{workload.Service{Ports: []workload.Port{{HostIP: "127.0.0.1", HostPort: "8080", ContainerPort: 80, Protocol: "tcp"}}},
				`"ExposedPorts":{"80/tcp":{}}` + "\n" + `"PortBindings":{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"8080"}]}`},
			{workload.Service{Ports: []workload.Port{{ContainerPort: 53, Protocol: "udp", HostPort: "5300-5310"}, {ContainerPort: 53, Protocol: "udp", HostPort: "53"}}},
				`"PortBindings":{"53/udp":[{"HostIp":"","HostPort":"5300-5310"},{"HostIp":"","HostPort":"53"}]}`},
			{workload.Service{Ports: []workload.Port{{ContainerPort: 80}}}, `"PortBindings":{"80/tcp":[{"HostIp":"","HostPort":""}]}`},
		},
		"Expose": {{workload.Service{Expose: []string{"3000", "9/udp", "20-21"}}, `"ExposedPorts":{"20/tcp":{},"21/tcp":{},"3000/tcp":{},"9/udp":{}}`}},
		"Mounts": {
			{workload.Service{Mounts: []workload.Mount{{Type: "bind", Source: "/a", Target: "/b", ReadOnly: true, Propagation: "rslave"}}},
				`"Mounts":[{"Type":"bind","Source":"/a","Target":"/b","ReadOnly":true,"BindOptions":{"Propagation":"rslave"}}]`},
			{workload.Service{Mounts: []workload.Mount{{Type: "bind", Source: "/a", Target: "/b"}}}, `"Mounts":[{"Type":"bind","Source":"/a","Target":"/b"}]`},
			{workload.Service{Mounts: []workload.Mount{{Type: "bind", Source: "/a", Target: "/b", CreateHost: true}}}, `"Binds":["/a:/b"]`},
			{workload.Service{Mounts: []workload.Mount{{Type: "bind", Source: "/a", Target: "/b", CreateHost: true, ReadOnly: true, Propagation: "rshared"}}}, `"Binds":["/a:/b:ro,rshared"]`},
			{workload.Service{Mounts: []workload.Mount{{Type: "bind", Source: "/a:1", Target: "/b", CreateHost: true}}}, `"Mounts":[{"Type":"bind","Source":"/a:1","Target":"/b","BindOptions":{"CreateMountpoint":true}}]`},
			{workload.Service{Mounts: []workload.Mount{{Type: "volume", Source: "data", Target: "/b", NoCopy: true}}}, `"Mounts":[{"Type":"volume","Source":"data","Target":"/b","VolumeOptions":{"NoCopy":true}}]`},
			{workload.Service{Mounts: []workload.Mount{{Type: "tmpfs", Target: "/t", TmpfsSize: 1024, TmpfsMode: 0o1777}}}, `"Mounts":[{"Type":"tmpfs","Target":"/t","TmpfsOptions":{"SizeBytes":1024,"Mode":1023}}]`},
		},
		"Networks": {
			{workload.Service{Networks: []workload.Network{{Name: "front", Aliases: []string{"www", "web"}, IPv4Address: "10.1.0.2", IPv6Address: "fd00::2"}, {Name: "back"}}},
				`"NetworkMode":"front"` + "\n" + `"IPv4Address":"10.1.0.2","IPv6Address":"fd00::2"` + "\n" + `"Aliases":["capakraken-production-web","web","www"]`},
			{workload.Service{Networks: []workload.Network{{Name: "bridge"}}}, `"Aliases":null`},
			{workload.Service{}, `"NetworkMode":""` + "\n" + `"networking":null`},
		},
		"NetworkMode":     {{workload.Service{NetworkMode: "host"}, `"NetworkMode":"host"` + "\n" + `"networking":null`}},
		"User":            {{workload.Service{User: "1000:1000"}, `"User":"1000:1000"`}},
		"WorkingDir":      {{workload.Service{WorkingDir: "/srv"}, `"WorkingDir":"/srv"`}},
		"Restart":         {{workload.Service{Restart: workload.RestartPolicy{Name: "always"}}, `"RestartPolicy":{"Name":"no","MaximumRetryCount":0}`}}, // until it is verified
		"StopGracePeriod": {{workload.Service{StopGracePeriod: &d}, `"StopTimeout":2`}},
		"StopSignal":      {{workload.Service{StopSignal: "SIGQUIT"}, `"StopSignal":"SIGQUIT"`}},
		"Labels":          {{workload.Service{Labels: map[string]string{"a": "b", "fairlead.app": "x"}}, `"a":"b"` + "\n" + `"fairlead.app":"capakraken"`}},
		"Hostname":        {{workload.Service{Hostname: "h"}, `"Hostname":"h"`}},
		"ExtraHosts":      {{workload.Service{ExtraHosts: []string{"db:host-gateway"}}, `"ExtraHosts":["db:host-gateway"]`}},
		"CapAdd":          {{workload.Service{CapAdd: []string{"NET_ADMIN"}}, `"CapAdd":["NET_ADMIN"]`}},
		"CapDrop":         {{workload.Service{CapDrop: []string{"ALL"}}, `"CapDrop":["ALL"]`}},
		"SecurityOpt":     {{workload.Service{SecurityOpt: []string{"no-new-privileges:true"}}, `"SecurityOpt":["no-new-privileges:true"]`}},
		"ReadOnly":        {{workload.Service{ReadOnly: true}, `"ReadonlyRootfs":true`}},
		"Tmpfs":           {{workload.Service{Tmpfs: map[string]string{"/run": "size=1m"}}, `"Tmpfs":{"/run":"size=1m"}`}},
		"Ulimits":         {{workload.Service{Ulimits: []workload.Ulimit{{Name: "nofile", Soft: 1, Hard: 2}}}, `"Ulimits":[{"Name":"nofile","Hard":2,"Soft":1}]`}},
		"Resources": {
			{workload.Service{Resources: workload.Resources{MemoryBytes: 1, MemoryReservationBytes: 2, MemorySwapBytes: 3, NanoCPUs: 4, CPUShares: 5, PidsLimit: 6}},
				`"CpuShares":5` + "\n" + `"Memory":1` + "\n" + `"NanoCpus":4` + "\n" + `"MemoryReservation":2` + "\n" + `"MemorySwap":3` + "\n" + `"PidsLimit":6`},
			{workload.Service{}, `"PidsLimit":null`},
		},
		"Logging": {
			{workload.Service{Logging: &workload.Logging{Driver: "journald", Options: map[string]string{"tag": "x"}}}, `"LogConfig":{"Type":"journald","Config":{"tag":"x"}}`},
			{workload.Service{}, `"LogConfig":{"Type":"","Config":null}`},
		},
		"Healthcheck": {
			{workload.Service{Healthcheck: &workload.Healthcheck{Test: []string{"CMD", "x"}, Interval: 1, Timeout: 2, StartPeriod: 3, StartInterval: 4, Retries: 5}},
				`"Healthcheck":{"Test":["CMD","x"],"Interval":1,"Timeout":2,"StartPeriod":3,"StartInterval":4,"Retries":5}`},
		},
		"Init":    {{workload.Service{Init: new(true)}, `"Init":true`}, {workload.Service{Init: new(false)}, `"Init":false`}},
		"ShmSize": {{workload.Service{ShmSize: 64}, `"ShmSize":64`}},
	}
	for i := range reflect.TypeFor[workload.Service]().NumField() {
		name := reflect.TypeFor[workload.Service]().Field(i).Name
		if len(cases[name]) == 0 {
			t.Errorf("field %s has no case", name)
		}
		for _, tt := range cases[name] {
			got := request(t, tt.service)
			for want := range strings.Lines(tt.want) {
				if want = strings.TrimSpace(want); !strings.Contains(got, want) {
					t.Errorf("%s: the request lacks %s:\n%s", name, want, got)
				}
			}
		}
	}
}

// request returns the create call's body.
func request(t *testing.T, s workload.Service) string {
	t.Helper()
	d, err := define(replacementOf(s))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"config": d.config, "host": d.host, "networking": d.first()})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestDefineTakesEnvironmentImageAndFirstNetwork(t *testing.T) {
	r := replacementOf(workload.Service{Networks: []workload.Network{{Name: "front"}, {Name: "back"}}})
	d, err := define(r)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(d.config.Env, "|"); got != "EMPTY=|SMTP_PASSWORD=p=w" {
		t.Errorf("the environment is %s", got)
	}
	if d.config.Image != "r.example.com/app@sha256:feed" {
		t.Errorf("the image is %s", d.config.Image)
	}
	if len(d.networks) != 2 || len(d.first().EndpointsConfig) != 1 || d.first().EndpointsConfig["front"] == nil {
		t.Errorf("the networks are %+v, at create %+v", d.networks, d.first())
	}
	r.Release.Image.Digest = ""
	if d, err := define(r); err != nil || d.config.Image != "sha256:cafe" {
		t.Errorf("without a digest the image is %q (%v)", d.config.Image, err)
	}
	r.Release.Image.ID = ""
	if _, err := define(r); fault.KindOf(err) != fault.Internal {
		t.Errorf("a tag alone is taken: %v", err)
	}
	if _, err := define(replacementOf(workload.Service{Expose: []string{"http"}})); fault.KindOf(err) != fault.Refused {
		t.Errorf("expose: http is taken: %v", err)
	}
}

func TestLabelsHoldNoValue(t *testing.T) {
	d, err := define(replacementOf(workload.Service{}))
	if err != nil {
		t.Fatal(err)
	}
	all, _ := json.Marshal(struct {
		L map[string]string
		H *container.HostConfig
	}{d.config.Labels, d.host})
	if strings.Contains(string(all), "p=w") {
		t.Errorf("a value is outside the environment: %s", all)
	}
	k, ok := owner(d.config.Labels)
	if !ok || k != testKey {
		t.Errorf("the labels name %+v", k)
	}
}
