package engine

import (
	"errors"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// FuzzRegistryTexts has the Engine say anything of a registry: what the operator is told is in our words, and quotes nothing.
func FuzzRegistryTexts(f *testing.F) {
	const canary = "c4n4ry-0f-the-registry"
	for _, r := range registryFailures {
		for _, sign := range r.signs {
			f.Add(sign)
		}
	}
	f.Add("Get \"https://user:" + canary + "@registry/v2/\": x509")
	f.Add("\xff\n")
	e := &Engine{registryConfig: "/etc/fairlead/docker.json"}
	img := workload.Image{Repository: "registry.example.com/team/app", Tag: "2.0.0"}
	f.Fuzz(func(t *testing.T, text string) {
		err := e.registryFailed(errors.New(text+canary), "pull", img)
		said := err.Error()
		if k := fault.KindOf(err); k != fault.Refused && k != fault.Unavailable {
			t.Errorf("%q is a failure of kind %v", text, k)
		}
		if strings.Contains(said, canary) || strings.ContainsAny(said, "\n\x00") || len(said) > 2000 || !strings.Contains(said, untouched) {
			t.Errorf("%q is told as %q", text, said)
		}
	})
}
