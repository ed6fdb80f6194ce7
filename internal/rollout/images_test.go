package rollout

import (
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/workload"
)

// The image that runs and the one before it are kept whatever is configured, an image counts once, and what no release
// ran is never kept.
func TestShelf(t *testing.T) {
	t.Parallel()
	image := func(name string) PastImage { return PastImage{Image: workload.Image{Digest: name}} }
	images := func(names string) []PastImage {
		var out []PastImage
		for name := range strings.FieldsSeq(names) {
			out = append(out, image(name))
		}
		return out
	}
	for name, c := range map[string]struct {
		keep                int
		target              string
		known, spare        string
		wantKept, wantLetGo string
	}{
		"the first":               {keep: 3, target: "a", wantKept: "a"},
		"few":                     {keep: 3, target: "c", known: "b a", wantKept: "c b a"},
		"one too many":            {keep: 3, target: "d", known: "c b a", wantKept: "d c b", wantLetGo: "a"},
		"one alone":               {keep: 1, target: "d", known: "c b a", wantKept: "d c", wantLetGo: "b a"},
		"the same again":          {keep: 2, target: "c", known: "c b a", wantKept: "c b", wantLetGo: "a"},
		"back":                    {keep: 2, target: "a", known: "c b a", wantKept: "a c", wantLetGo: "b"},
		"of one that failed":      {keep: 3, target: "b", known: "a", spare: "x y", wantKept: "b a", wantLetGo: "x y"},
		"of one that failed once": {keep: 3, target: "x", known: "a", spare: "x a", wantKept: "x a"},
		"found and not known":     {keep: 3, target: "b", known: "a a", wantKept: "b a"},
	} {
		t.Run(name, func(t *testing.T) {
			s := State{Target: workload.Release{Image: image(c.target).Image},
				Request: Request{Images: &Images{Keep: c.keep, Known: append(images(c.known), PastImage{}), Spare: images(c.spare)}}}
			var kept, letGo []string
			shelf := s.Shelf()
			for _, i := range shelf.Keep {
				kept = append(kept, i.Digest)
			}
			for _, i := range shelf.LetGo {
				letGo = append(letGo, i.Digest)
			}
			if got := strings.Join(kept, " "); got != c.wantKept {
				t.Errorf("kept are %q, and not %q", got, c.wantKept)
			}
			if got := strings.Join(letGo, " "); got != c.wantLetGo {
				t.Errorf("let go are %q, and not %q", got, c.wantLetGo)
			}
		})
	}
}
