package engine

import (
	"testing"

	"github.com/capakraken/fairlead/internal/workload"
)

// A one-off container is of no service: neither a proxy that goes by labels nor 'docker compose ps' takes it for one.
func TestLabelsOfAOneOff(t *testing.T) {
	r := workload.Replacement{Rollout: "r", Unit: workload.Unit{Service: workload.Service{Name: "web",
		Project: &workload.Project{Name: "shop"}, Labels: map[string]string{"traefik.enable": "true"}}}}
	got := labels(r)
	if got["traefik.enable"] != "true" || got[LabelService] != "web" || got[composeOneOff] != "False" {
		t.Errorf("a service's container has %v", got)
	}
	r.OneOff = true
	got = labels(r)
	if _, own := got["traefik.enable"]; own || got[LabelService] != "" || got[composeOneOff] != "True" || got[LabelRole] != workload.PreStart {
		t.Errorf("a one-off container has %v", got)
	}
	r.Unit.Service.Project = nil
	if _, composed := labels(r)[composeOneOff]; composed {
		t.Error("a service of no Compose file has Compose's labels")
	}
}
