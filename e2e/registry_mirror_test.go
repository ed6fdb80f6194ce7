//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/e2e/world"
)

// A mirror delivers, and the releases stay those of the app's own registry: their labels, the names that they are kept
// under, the way back. With the registry down the mirror also answers for a tag, and that is said.
func TestRegistryHasAMirror(t *testing.T) {
	origin, mirror := common.newRegistry(t, world.RegistryOptions{}), common.newRegistry(t, world.RegistryOptions{})
	s := newTenant(t, rig.Options{Registry: origin, Template: edited(t, rig.Config, "docker.json}",
		`docker.json, mirrors: {"{{.Registry.Host}}": ["`+mirror.Host+`"]}}`, "image: {{.Repository}}", "image: {{.Repository}}\n    allowed_registries: [\"{{.Registry.Host}}\"]")})
	there := mirror.Host + "/" + s.Options.Repository
	image := func(tag string, into ...*world.Registry) (made world.Image) {
		for _, r := range into {
			var err error
			made, err = s.World.Image(t.Context(), r, world.ImageSpec{Repository: s.Options.Repository, Tag: tag, Env: []string{"REFAPP_VERSION=" + tag}})
			s.must(err)
		}
		return made
	}
	deploy := func(tag string, says ...string) {
		t.Helper()
		res := s.told(0, []string{"deploy", rig.App, "--image", tag}, says...)
		if len(says) == 0 && strings.Contains(res.Out+res.Err, "mirror") {
			t.Errorf("a mirror is spoken of: %s", res)
		}
	}
	first := image("2.0.0", origin, mirror)
	deploy("2.0.0", "fetched from the mirror "+there)
	for service, c := range s.live("web", "worker") {
		l := c.Config.Labels
		if l["fairlead.repository"] != s.Repository() || l["fairlead.digest"] != first.Digest || c.Config.Image != there+"@"+first.Digest {
			t.Errorf("%s is made of %s, and says %v", service, c.Config.Image, l)
		}
	}
	if names := s.names(there + "@" + first.Digest); !slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, "fairlead.invalid/") }) {
		t.Errorf("the image is called %v, and not kept", names)
	}
	s.told(0, []string{"rotate", rig.App})

	image("3.0.0", origin)
	deploy("3.0.0", "a mirror did not deliver the image: registry "+mirror.Host+" has no such")
	image("4.0.0", origin, mirror)
	s.must(origin.Stop())
	deploy("4.0.0", "the mirror "+there+" was asked what "+s.Repository()+":4.0.0 is, and may be behind: registry "+origin.Host+" cannot be reached", "fetched from the mirror")
	before := s.live("web", "worker")
	s.told(3, []string{"deploy", rig.App, "--image", "3.1.0"}, "registry "+origin.Host+" cannot be reached", "registry "+mirror.Host+" has no such", "no container was touched")
	s.untouched(before)

	s.must(mirror.Stop())
	s.told(0, []string{"rollback", rig.App, "--to", s.status().target("2.0.0")})
	if now := s.live("web", "worker")["web"]; now.Config.Labels["fairlead.digest"] != first.Digest {
		t.Errorf("the way back led to %v", now.Config.Labels)
	}
}
