package steps

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/workload"
)

// A one-off container is the service's in all but what two containers cannot have, or nobody would clear away. The
// service's own definition stays as it is.
func TestOneOff(t *testing.T) {
	service := func() workload.Service {
		return workload.Service{
			Name: "web", ContainerName: "shop-web", Hostname: "web", Command: []string{"serve"}, User: "1000", ReadOnly: true,
			Ports: []workload.Port{{}}, Healthcheck: &workload.Healthcheck{}, Restart: workload.RestartPolicy{Name: "always"},
			Mounts:   []workload.Mount{{Type: "volume", Target: "/cache"}, {Type: "volume", Source: "data", Target: "/data"}, {Type: "bind", Source: "/etc/shop", Target: "/etc/shop"}},
			Networks: []workload.Network{{Name: "backend", Aliases: []string{"web"}, IPv4Address: "10.0.0.7"}},
		}
	}
	s := service()
	want := workload.Service{
		Name: "web", Command: []string{"migrate"}, User: "1000", ReadOnly: true, Restart: workload.RestartPolicy{Name: "no"},
		Mounts:   service().Mounts[1:],
		Networks: []workload.Network{{Name: "backend"}},
	}
	if diff := cmp.Diff(want, oneOff(s, []string{"migrate"})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(service(), s); diff != "" {
		t.Errorf("the service was changed:\n%s", diff)
	}
}
