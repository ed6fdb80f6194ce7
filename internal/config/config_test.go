package config

import (
	"testing"
	"time"
)

func TestParseFillsInDefaults(t *testing.T) {
	cfg, err := Parse("fairlead.yaml", []byte(`
instance: prod-1
apps:
  shop:
    environment: production
    image: registry.example.com/shop/app
    services:
      web: {command: [serve]}
`))
	if err != nil {
		t.Fatal(err)
	}
	app := cfg.Apps["shop"]
	if cfg.Registry.ConfigFile != DefaultRegistryConfig || app.Clear != Manual || app.Timeouts != defaultTimeouts() {
		t.Errorf("defaults: %+v", cfg)
	}
	if c := app.Checks["web"]; c.Successes != 2 || c.Attempt != 2*time.Second || c.StayUp != 5*time.Second {
		t.Errorf("a service without a check is %+v", c)
	}
	if d := app.Services[0]; d.Name != "web" || d.Line != 8 || d.Source != "fairlead.yaml" {
		t.Errorf("definition %+v", d)
	}
}
