package steps

import (
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// One container of a service is what a rollout starts from. Which of several that nobody knows is not guessed; what is left
// over beside one of ours is only told.
func TestSeveralBaselines(t *testing.T) {
	units := []workload.Unit{{Service: workload.Service{Name: "web"}}}
	one := func(name string, ours bool, s workload.Status) workload.Container {
		return workload.Container{ID: name, Name: name, Service: "web", Ours: ours, Status: s}
	}
	for name, tt := range map[string]struct {
		found              []workload.Container
		problems, warnings int
	}{
		"one of Compose":           {[]workload.Container{one("a", false, workload.Exited)}, 0, 0},
		"two of Compose":           {[]workload.Container{one("a", false, workload.Exited), one("b", false, workload.Exited)}, 1, 0},
		"one runs, one is stopped": {[]workload.Container{one("a", false, workload.Running), one("b", false, workload.Exited)}, 1, 0},
		"two run":                  {[]workload.Container{one("a", false, workload.Running), one("b", false, workload.Running)}, 1, 0},
		"ours, and one left over":  {[]workload.Container{one("a", true, workload.Running), one("b", false, workload.Exited)}, 0, 1},
		"ours twice":               {[]workload.Container{one("a", true, workload.Running), one("b", true, workload.Exited)}, 0, 1},
	} {
		var problems []fault.Problem
		out, warnings := baselines(units, tt.found, &problems)
		if len(problems) != tt.problems || len(warnings) != tt.warnings || len(out) != 1 || out[0].Container == nil {
			t.Errorf("%s: %d problems and %d warnings: %v, %q", name, len(problems), len(warnings), problems, warnings)
		}
	}
}
