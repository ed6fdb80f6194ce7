package steps

import (
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/workload"
)

// What the new containers would lose is refused whatever is said, and what is less hardened unless somebody has allowed
// it. Both are found before anything is touched, and all at once.
func TestPullCompares(t *testing.T) {
	weaker := []workload.Difference{{Field: "HostConfig.ReadonlyRootfs", What: "has false, where it was true"}}
	lost := []workload.Difference{{Field: "Mounts", What: "loses /data"}}
	other := []workload.Difference{{Field: "Config.Cmd", What: "has another"}}
	for name, tt := range map[string]struct {
		found   workload.Comparison
		allowed bool
		refused string // parts of the refusal, each on a line
		warned  string
	}{
		"nothing":          {workload.Comparison{}, false, "", ""},
		"weaker":           {workload.Comparison{Weaker: weaker}, false, "ReadonlyRootfs\n--allow-weaker\nnothing else was changed", ""},
		"weaker, allowed":  {workload.Comparison{Weaker: weaker, Changed: other}, true, "", "less hardened\nas was allowed\nConfig.Cmd has another"},
		"lost and allowed": {workload.Comparison{Weaker: weaker, Lost: lost}, true, "loses /data\nadd it to the definition of service web", ""},
		"all at once":      {workload.Comparison{Weaker: weaker, Lost: lost}, false, "loses /data\nReadonlyRootfs", ""},
		"otherwise":        {workload.Comparison{Changed: other, Carried: []workload.Mount{{Target: "/cache"}}}, false, "", "Config.Cmd has another\n/cache is carried over"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.images.pull = func(i workload.Image, _ func(done, total int64)) (workload.Fetched, error) {
				i.ID = "sha256:02"
				return workload.Fetched{Image: i, Cached: true}, nil
			}
			r.runtime.compare = func(c workload.Replacement) (workload.Comparison, error) {
				if c.Release.Image.ID != "sha256:02" || c.Old.ID != "old" || c.Unit.Service.Name != "web" {
					t.Errorf("compared is %+v", c)
				}
				return tt.found, nil
			}
			s := r.requested(rollout.Deploy)
			s.Request.Image, s.Request.AllowWeaker = workload.Image{Repository: "registry.example.com/shop/app", Digest: "sha256:bb"}, tt.allowed
			s.Validated = &rollout.Validated{Services: []workload.Service{{Name: "web"}, {Name: "worker"}},
				Baseline: []rollout.Baseline{{Service: "web", Container: &workload.Container{ID: "old", Name: "shop-web-1"}}, {Service: "worker"}}}
			ev, err := r.do(t.Context(), s, rollout.DoPull, "")
			text := ""
			switch {
			case tt.refused != "" && fault.KindOf(err) != fault.Refused, tt.refused == "" && err != nil:
				t.Fatalf("pull says %v", err)
			case err != nil:
				text = err.Error()
			default:
				text = strings.Join(ev.Pulled.Warnings, "\n")
			}
			for _, part := range strings.Split(tt.refused+tt.warned, "\n") {
				if !strings.Contains(text, part) {
					t.Errorf("%q does not say %q", text, part)
				}
			}
		})
	}
}
