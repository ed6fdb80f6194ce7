package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// status takes one look at the container of a service that runs.
func (e *examination) status(ctx context.Context, app config.App, service string, found func() ([]workload.Container, error)) []Finding {
	containers, err := found()
	if err != nil {
		return []Finding{warning("not looked at, since the containers could not be", "docker ps -a")}
	}
	i := slices.IndexFunc(containers, func(c workload.Container) bool { return c.Service == service && c.Live() })
	if i < 0 {
		return []Finding{warning("no container of it runs", "fairlead deploy "+app.Name+" --image TAG")}
	}
	return e.ask(ctx, app, containers[i])
}

// ask asks one container. One that Fairlead did not make may be of a version that has no status yet.
func (e *examination) ask(ctx context.Context, app config.App, c workload.Container) []Finding {
	answer, err := e.Apps.Look(ctx, app.Name, c)
	where := "apps." + app.Name + ".verify." + c.Service
	switch {
	case err != nil && !c.Ours:
		return []Finding{warning(fault.Text(err), "none, if this version has no status yet; the next one must answer, or mend "+where)}
	case err != nil:
		return failed(err, "look at it: docker logs --tail 50 "+c.Name+", or mend "+where)
	case !answer.Healthy && c.Ours:
		return []Finding{problem("container "+c.Name+" says that it is not healthy", "look at it: docker logs --tail 50 "+c.Name)}
	case !answer.Healthy:
		return []Finding{warning("container "+c.Name+" does not say that it is healthy", "look at it: docker logs --tail 50 "+c.Name)}
	case !app.Checks[c.Service].Reports():
		return []Finding{ok("container " + c.Name + " is well; it reports no sources")}
	}
	return sources(app, c, answer)
}

// sources says where a service takes its secrets from.
func sources(app config.App, c workload.Container, a workload.Answer) []Finding {
	var from, silent []string
	for _, s := range app.Secrets {
		i := slices.IndexFunc(a.Secrets, func(r workload.Report) bool { return r.Name == s.Name })
		switch {
		case i < 0 && s.Required:
			silent = append(silent, s.Name)
		case i >= 0 && a.Secrets[i].Source != secret.Environment && (s.Required || a.Secrets[i].Present):
			from = append(from, fmt.Sprintf("%s (%s)", s.Name, word(string(a.Secrets[i].Source))))
		}
	}
	var out []Finding
	if len(silent) > 0 {
		out = append(out, warning("container "+c.Name+" is well, and says nothing of "+strings.Join(silent, ", "), "have its status report them, under these names, or mend its query"))
	}
	if len(from) > 0 {
		out = append(out, warning("container "+c.Name+" is well, and does not take these from the environment: "+strings.Join(from, ", "),
			"deploy a version that does: fairlead deploy "+app.Name+" --image TAG"))
	}
	if len(out) == 0 {
		out = []Finding{ok("container " + c.Name + " is well, and takes every secret from the environment")}
	}
	return out
}

// word returns what an app calls a source, as long as that is a word.
func word(text string) string {
	plain := func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' || r == '-' }
	if text == "" || len(text) > 20 || strings.ContainsFunc(text, func(r rune) bool { return !plain(r) }) {
		return "elsewhere"
	}
	return text
}
