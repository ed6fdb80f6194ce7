package doctor

import (
	"context"
	"fmt"
	"slices"

	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/workload"
)

// leftovers finds what only the middle of a rollout should show, and what no rollout will touch any more.
func (e *examination) leftovers(app config.App, found func() ([]workload.Container, error)) []Finding {
	containers, err := found()
	if err != nil {
		return failed(err, "look at the containers: docker ps -a")
	}
	daemon, answers := e.said()
	if daemon.Running[app.Name] {
		return []Finding{ok("a rollout is under way, so nothing can be called left over")}
	}
	var out []Finding
	live := map[string]string{}
	for _, c := range containers {
		remove := "docker rm -f " + c.Name
		configured := slices.ContainsFunc(app.Services, func(d config.Definition) bool { return d.Name == c.Service })
		switch other, doubled := live[c.Service]; {
		case c.Live() && doubled:
			out = append(out, problem(fmt.Sprintf("containers %s and %s of service %s run both", other, c.Name, c.Service), "find out which one is right, and remove the other: "+remove))
		case c.Passing() && !answers:
			out = append(out, warning("container "+c.Name+" is called as in the middle of a rollout, and the daemon does not say whether one is under way", startRemedy+"; it finishes the rollout, or puts it back"))
		case c.Passing():
			out = append(out, problem("container "+c.Name+" is called as in the middle of a rollout, and none is under way", "if fairlead status "+app.Name+" does not name it: "+remove))
		case !configured:
			out = append(out, warning(fmt.Sprintf("container %s is of service %s, which is not configured any more, and holds the secrets of its time", c.Name, c.Service), remove))
		case !c.Live() && c.Ours:
			out = append(out, warning(fmt.Sprintf("container %s of service %s does not run (%s), and holds the secrets of its time", c.Name, c.Service, c.Status), "fairlead deploy "+app.Name+" --image TAG, or: "+remove))
		}
		if c.Live() {
			live[c.Service] = c.Name
		}
	}
	if len(out) == 0 {
		out = []Finding{ok("nothing is left over")}
	}
	return out
}

// strangers finds containers that bear the labels of another instance, environment or app: another daemon's, or of a
// configuration that has changed its names.
func (e *examination) strangers(ctx context.Context) []Finding {
	all, err := e.Engine.Owned(ctx)
	if err != nil {
		return failed(err, "docker ps -a")
	}
	var out []Finding
	for _, o := range all {
		app, configured := e.Config.Apps[o.Key.App]
		switch {
		case o.Key.Instance != e.Config.Instance:
			out = append(out, warning(fmt.Sprintf("container %s belongs to a daemon called %q", o.Container, o.Key.Instance),
				"none, if that daemon is there; if this one was renamed, give it its old instance back"))
		case !configured || app.Environment != o.Key.Environment:
			out = append(out, warning(fmt.Sprintf("container %s belongs to app %s in %s, which is not configured any more", o.Container, o.Key.App, o.Key.Environment), "docker rm -f "+o.Container))
		}
	}
	if len(out) == 0 {
		out = []Finding{ok("every container with our labels is of a configured app")}
	}
	return out
}
