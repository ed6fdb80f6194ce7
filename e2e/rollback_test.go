//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/e2e/world"
)

// keepingTwo is the rig's configuration with as few images kept as there can be.
var keepingTwo = strings.Replace(rig.Config, "clear: {{.Clear}}", "clear: {{.Clear}}\n    keep_releases: 1", 1)

// names returns what the Engine calls an image, and nothing where it does not have it.
func (s *stage) names(ref string) []string {
	s.t.Helper()
	var found struct{ RepoTags, RepoDigests []string }
	err := s.World.Engine.Call(s.t.Context(), "GET", "/images/"+ref+"/json", nil, nil, &found)
	if refusal, ok := errors.AsType[*world.Refusal](err); ok && refusal.Status == 404 {
		return nil
	}
	s.must(err)
	return slices.Concat(found.RepoTags, found.RepoDigests)
}

// status is what status says of the app's images.
type status struct {
	Current struct{ ID string }
	Targets []struct {
		Release struct {
			ID    string
			Image struct{ Tag string }
		}
		Verified, Kept bool
	}
	Disk struct{ Images int }
}

func (s *stage) status() (out status) {
	s.t.Helper()
	s.must(json.Unmarshal([]byte(s.told(0, []string{"status", rig.App, "--output", "json"}).Out), &out))
	return out
}

// target returns the release of the image with the tag.
func (s status) target(tag string) string {
	for _, t := range s.Targets {
		if t.Release.Image.Tag == tag {
			return t.Release.ID
		}
	}
	return "unknown-" + tag
}

// Images of long ago go, unless somebody else wants them; the one before needs no registry, and gets today's environment.
// After a clear nothing goes back to a release that would miss the values.
func TestRollback(t *testing.T) {
	registry := common.newRegistry(t, world.RegistryOptions{})
	s := newTenant(t, rig.Options{Registry: registry, Clear: "manual", Template: keepingTwo})
	s.version1()
	s.told(3, []string{"rollback", rig.App}, "no earlier release")
	pinned := map[string]string{}
	for _, tag := range []string{"2.0.0", "3.0.0", "4.0.0", "5.0.0"} {
		pinned[tag] = s.deployed(tag)["web"].Config.Image
		if tag == "2.0.0" {
			s.must(s.World.Engine.Call(t.Context(), "POST", "/images/"+pinned[tag]+"/tag", map[string][]string{"repo": {"neighbour-" + s.Instance}, "tag": {"x"}}, nil, nil))
		}
	}
	for tag, want := range map[string]int{"2.0.0": 2, "3.0.0": 0, "4.0.0": 2, "5.0.0": 2} {
		if names := s.names(pinned[tag]); len(names) != want {
			t.Errorf("the image of %s is called %v", tag, names)
		}
	}
	if names := s.names(s.Repository() + ":1.0.0"); slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, "fairlead.invalid/") }) || len(names) == 0 {
		t.Errorf("the image that was there before is called %v", names)
	}
	was := s.status()
	if was.Disk.Images != 2 || len(was.Targets) != 4 || !was.Targets[0].Kept || !was.Targets[0].Verified || was.Targets[1].Kept || was.Targets[3].Verified {
		t.Errorf("status says %+v", was)
	}

	s.must(registry.Stop())
	env := goodEnv()
	env["SMTP_PASSWORD"] = newSMTP
	s.must(s.WriteEnv(env))
	s.told(3, []string{"rollback", rig.App, "--to", "ffff"}, `no earlier release "ffff"`, was.target("4.0.0"))
	s.told(3, []string{"rollback", rig.App, "--to", was.Current.ID}, "is the current one")
	s.told(3, []string{"rollback", rig.App, "--to", was.target("3.0.0")}, "is not on this host any more")
	s.told(0, []string{"rollback", rig.App, "--reason", "5 is slow"}, "is on the host already", "(5 is slow)", "succeeded")
	for service, c := range s.live("web", "worker") {
		if c.Config.Image != pinned["4.0.0"] || !slices.Contains(c.Config.Env, "SMTP_PASSWORD="+newSMTP) {
			t.Errorf("%s runs %s", service, c.Config.Image)
		}
	}
	s.told(0, []string{"rollouts", rig.App}, "rollback")

	s.told(7, cleanup(), "primary-ai: cleared")
	s.told(3, []string{"rollback", rig.App, "--to", s.status().target("1.0.0")}, "never took", "primary-ai")
	if live := s.live("web", "worker"); live["web"].Config.Image != pinned["4.0.0"] {
		t.Errorf("web runs %s", live["web"].Config.Image)
	}
}
