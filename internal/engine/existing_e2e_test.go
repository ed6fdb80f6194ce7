//go:build e2e

package engine_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// A container that was made by a definition gives that definition back, and none of its environment but names.
func TestExistingComesBack(t *testing.T) {
	s := newStage(t)
	want := s.service("web", func(v *workload.Service) {
		v.ContainerName = "web-" + s.world.Run
		v.Command = []string{"wait", "$HOME"}
		v.Ports = []workload.Port{{HostIP: "127.0.0.1", HostPort: "0", ContainerPort: 3000, Protocol: "tcp"}}
		v.Mounts = []workload.Mount{{Type: "bind", Source: s.world.Dir, Target: "/host", ReadOnly: true}, {Type: "tmpfs", Target: "/scratch", TmpfsSize: 1 << 20}}
		v.Networks = []workload.Network{{Name: s.net, Aliases: []string{"api"}}}
		v.User, v.WorkingDir, v.StopSignal, v.Hostname = "1000:1000", "/host", "SIGINT", "box"
		v.Labels = map[string]string{"team": "shop"}
		v.ExtraHosts = []string{"proxy:192.0.2.7"}
		v.CapDrop, v.SecurityOpt, v.ReadOnly = []string{"ALL"}, []string{"no-new-privileges"}, true
		v.Tmpfs = map[string]string{"/tmp": "size=1m"}
		v.Ulimits = []workload.Ulimit{{Name: "nofile", Soft: 256, Hard: 512}}
		v.Resources = workload.Resources{MemoryBytes: 64 << 20, MemorySwapBytes: 128 << 20, NanoCPUs: 5e8, PidsLimit: 50}
		v.Logging = &workload.Logging{Driver: "json-file", Options: map[string]string{"max-size": "1m"}}
		v.Healthcheck = &workload.Healthcheck{Test: []string{"CMD", "/box", "true"}, Interval: time.Minute, Retries: 3}
		v.Init, v.ShmSize = new(true), 32<<20
	})
	done, err := s.e.Replace(s.ctx(), s.replacement(rollout(), want, nil))
	s.must(err)
	got, err := s.e.Existing(s.ctx(), s.one(done.NewID).Name)
	s.must(err)
	if !slices.Equal(got.Variables, []string{"API_KEY", "MODE"}) || !slices.Equal(got.Exposed, []uint16{3000}) || !got.Health || got.Beyond != nil || got.Withheld != nil {
		t.Errorf("beside the definition: %+v", got)
	}
	// It has its temporary name and policy yet, and the name of its service and its final one among its aliases.
	got.Service.Name, got.Service.ContainerName, got.Service.Restart = want.Name, want.ContainerName, want.Restart
	got.Service.Networks[0].Aliases = slices.DeleteFunc(got.Service.Networks[0].Aliases, func(a string) bool { return a == want.Name || a == want.ContainerName })
	got.Service.Labels = map[string]string{"team": got.Service.Labels["team"]} // and the label of these tests
	if diff := cmp.Diff(want, got.Service); diff != "" {
		t.Errorf("it is another definition (-made +found):\n%s", diff)
	}
	if strings.Contains(got.Service.Name+cmp.Diff(nil, got), canary) {
		t.Error("a value of the environment came out")
	}

	if _, err := s.e.Existing(s.ctx(), "nobody-"+s.world.Run); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a container that is not there: %v", err)
	}
	all, err := s.e.Owned(s.ctx())
	s.must(err)
	if !slices.ContainsFunc(all, func(o workload.Owned) bool { return o.Key == s.key && o.Live && o.Container == s.one(done.NewID).Name }) {
		t.Errorf("not among those of a daemon: %+v", all)
	}
	if missing, err := s.e.Missing(s.ctx(), []string{"no-volume-" + s.world.Run}); err != nil || len(missing) != 1 {
		t.Errorf("missing volumes: %v, %v", missing, err)
	}
}
