package config

import (
	"slices"
	"testing"
)

func TestMirrorsOf(t *testing.T) {
	const text = `instance: a
registry:
  mirrors:
    Registry.example.com: [one.example.com:5000, two.example.com/cache]
    index.docker.io: [hub.example.com]
apps:
  shop: {environment: production, image: shop, services: {web: {}}}
`
	cfg, err := Parse("fairlead.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for repository, want := range map[string][]string{
		"registry.example.com/team/app":      {"one.example.com:5000/team/app", "two.example.com/cache/team/app"},
		"Registry.Example.com/team/app":      {"one.example.com:5000/team/app", "two.example.com/cache/team/app"},
		"registry.example.com:5000/team/app": nil,
		"one.example.com:5000/team/app":      nil,
		"shop":                               {"hub.example.com/library/shop"},
		"team/shop":                          {"hub.example.com/team/shop"},
		"index.docker.io/team/shop":          {"hub.example.com/team/shop"},
		"":                                   nil,
	} {
		if got := cfg.Registry.MirrorsOf(repository); !slices.Equal(got, want) {
			t.Errorf("%q is at %v, want %v", repository, got, want)
		}
	}
}
