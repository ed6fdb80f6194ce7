package steps

import (
	"fmt"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/workload"
)

// barred returns what the app's allowed_registries say against the image that the rollout brings. The configuration has
// held the app's own repository against them already, but a rollback may go back to a release of another one, and a
// rollout that is resumed may meet another configuration than the one that it was begun with.
func (j job) barred() []fault.Problem {
	kind := j.state.Request.Kind
	if kind != rollout.Deploy && kind != rollout.Rollback || j.app.AllowedRegistries.Allow(j.state.Request.Image.Repository) {
		return nil
	}
	return []fault.Problem{{Where: "the image " + j.state.Request.Image.String(), What: j.unlisted(),
		Fix: "choose another release, or name its registry there"}}
}

// outgrown warns of an image that a rotation keeps though it would not be let in any more. A leaked secret must be
// replaced whatever runs, and a rotation fetches nothing.
func (j job) outgrown(i workload.Image) []string {
	if j.state.Request.Kind != rollout.Rotate || i == (workload.Image{}) || j.app.AllowedRegistries.Allow(i.Repository) {
		return nil
	}
	return []string{fmt.Sprintf("the image %s %s; a rotation keeps it, since it runs already; deploy one that is allowed", i, j.unlisted())}
}

func (j job) unlisted() string {
	return "is of no registry in the app's allowed_registries (" + j.app.AllowedRegistries.String() + ")"
}
