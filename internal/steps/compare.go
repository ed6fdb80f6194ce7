package steps

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/workload"
)

// compare holds the containers that the rollout is going to make against those that they replace, before anything is
// touched: nothing may be lost silently, and nothing become less hardened without somebody's word. The image must be on
// the host. It returns what there is to say of the rest.
func (j job) compare(ctx context.Context, image workload.Image, services []workload.Service, baseline []rollout.Baseline) ([]string, []fault.Problem, error) {
	var warnings []string
	var problems []fault.Problem
	for _, s := range services {
		i := slices.IndexFunc(baseline, func(b rollout.Baseline) bool { return b.Service == s.Name && b.Container != nil })
		if i < 0 {
			continue
		}
		old := baseline[i].Container
		c, err := j.Runtime.Compare(ctx, workload.Replacement{Key: j.key, Rollout: j.state.Request.ID, Release: workload.Release{Image: image},
			Unit: workload.Unit{Service: s}, Old: old})
		if fault.KindOf(err) == fault.NotFound {
			continue // it has gone meanwhile, which is said where it is to be replaced
		}
		if err != nil {
			return nil, nil, err
		}
		for _, d := range c.Lost {
			problems = append(problems, fault.Problem{Where: old.Name + ", " + d.Field, What: "the new container " + d.What, Fix: "add it to the definition of service " + s.Name})
		}
		for _, d := range c.Weaker {
			if j.state.Request.AllowWeaker {
				warnings = append(warnings, fmt.Sprintf("%s is less hardened than %s was, as was allowed: %s %s", s.Name, old.Name, d.Field, d.What))
				continue
			}
			problems = append(problems, fault.Problem{Where: old.Name + ", " + d.Field, What: "the new container " + d.What, Fix: "put it into the definition of service " + s.Name + ", or say --allow-weaker"})
		}
		warnings = append(warnings, told(s, old, c)...)
	}
	return warnings, problems, nil
}

// told says what is different but neither lost nor weaker, in one line, and which volumes go on.
func told(s workload.Service, old *workload.Container, c workload.Comparison) []string {
	var warnings []string
	if len(c.Changed) > 0 {
		warnings = append(warnings, fmt.Sprintf("%s differs from %s: %s", s.Name, old.Name, inWords(c.Changed)))
	}
	if !old.Ours {
		for _, m := range c.Carried {
			warnings = append(warnings, fmt.Sprintf("%s: the volume without a name at %s is carried over; give it a name", s.Name, m.Target))
		}
	}
	return warnings
}

func inWords(differences []workload.Difference) string {
	var parts []string
	for _, d := range differences {
		parts = append(parts, d.Field+" "+d.What)
	}
	return strings.Join(parts, "; ")
}
