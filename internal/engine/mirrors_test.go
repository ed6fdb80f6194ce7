package engine

import (
	"slices"
	"testing"

	"github.com/capakraken/fairlead/internal/workload"
)

func TestNamesAtMirrors(t *testing.T) {
	e := &Engine{mirrors: map[string][]string{
		"registry.example.com": {"one.example.com:5000", "two.example.com/cache"},
		"docker.io":            {"hub.example.com"},
	}}
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
		var got []string
		for _, i := range e.elsewhere(workload.Image{Repository: repository, Digest: "sha256:aa"}) {
			if got = append(got, i.Repository); i.Digest != "sha256:aa" {
				t.Errorf("%s became %+v", repository, i)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q is at %v, want %v", repository, got, want)
		}
	}
}
