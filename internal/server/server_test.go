package server_test

import (
	"testing"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/server"
	"github.com/capakraken/fairlead/internal/server/servertest"
)

func TestHealth(t *testing.T) {
	d := servertest.Start(t, server.Options{Rollouts: &servertest.Rollouts{}, Version: "1.2.3", Instance: "prod-1"})
	h, err := api.NewClient(d.Socket).Health(t.Context())
	if err != nil || h.Version != "1.2.3" || h.Instance != "prod-1" || h.Refusing != "" {
		t.Fatalf("got %+v, %v", h, err)
	}
}
