package doctor

import (
	"context"
	"slices"
	"strings"

	"github.com/capakraken/fairlead/internal/steps"
)

// surroundings says what of the host would keep the services from being started: networks, directories, names, ports,
// volumes.
func (e *examination) surroundings(ctx context.Context, known func() (steps.Provisioned, error)) []Finding {
	p, err := known()
	if err != nil || len(p.Services) == 0 {
		return []Finding{warning("not looked at, since the service definitions could not be resolved", "mend the app's environment and definitions first")}
	}
	problems, err := e.Engine.Check(ctx, p.Key, p.Services)
	if err != nil {
		return failed(err, "docker info")
	}
	out := mended(problems, "mend the service's definition")
	var volumes []string
	for _, s := range p.Services {
		for _, m := range s.Mounts {
			if m.Type == "volume" && m.Source != "" && !slices.Contains(volumes, m.Source) {
				volumes = append(volumes, m.Source)
			}
		}
	}
	missing, err := e.Engine.Missing(ctx, volumes)
	if err != nil {
		return append(out, failed(err, "docker volume ls")...)
	}
	for _, name := range missing {
		out = append(out, warning("volume "+name+" does not exist, and would begin empty", "docker volume create "+name+", or give its name as docker volume ls shows it"))
	}
	if len(out) == 0 {
		names := make([]string, len(p.Services))
		for i, s := range p.Services {
			names[i] = s.Name
		}
		out = []Finding{ok("the networks, volumes, names and ports are there for " + strings.Join(names, ", "))}
	}
	return out
}
