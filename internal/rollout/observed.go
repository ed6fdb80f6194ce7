package rollout

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/capakraken/fairlead/internal/workload"
)

// Observed is what one look at the host has shown of an app, as a record keeps it.
type Observed struct {
	Containers []Shown `json:"containers,omitempty"`
	// Current is the release that all services run; nil where they run several, or not every one runs.
	Current *workload.Release `json:"current,omitempty"`
	// Doubts say, line by line, in what the host is not as a finished rollout leaves it.
	Doubts []string `json:"doubts,omitempty"`
}

// Shown is one container of the app: which one it is, and what made it.
type Shown struct {
	Service string          `json:"service"`
	Name    string          `json:"name"`
	ID      string          `json:"id"`
	Rollout string          `json:"rollout,omitempty"` // empty for one that Fairlead did not make
	Release string          `json:"release,omitempty"`
	Digest  string          `json:"digest,omitempty"`
	Status  workload.Status `json:"status"`
}

// Unlocked is what taking a lock away has come to.
type Unlocked struct {
	App  string `json:"app"`
	Lock Lock   `json:"lock"` // that was taken away
	// Observed is what the host has shown; nil for a lock that somebody had put on, which nothing needs to be known for.
	Observed *Observed `json:"observed,omitempty"`
}

// Observe says what the containers tell of the app. It trusts nothing but them.
func Observe(a App, containers []workload.Container) Observed {
	var o Observed
	var running []workload.Container // the one of each service
	for _, service := range a.Services {
		mine := slices.DeleteFunc(slices.Clone(containers), func(c workload.Container) bool { return c.Service != service })
		c, doubts := one(service, mine, a.Restarts[service])
		if o.Doubts = append(o.Doubts, doubts...); c != nil {
			running = append(running, *c)
		}
	}
	for _, c := range containers {
		o.Containers = append(o.Containers, Shown{c.Service, c.Name, c.ID, c.Rollout, c.Release, c.Image.Digest, c.Status})
		if c.OneOff() {
			o.Doubts = append(o.Doubts, fmt.Sprintf("container %s of a pre_start is left over (%s)", c.Name, c.Status))
		} else if !slices.Contains(a.Services, c.Service) {
			o.Doubts = append(o.Doubts, fmt.Sprintf("container %s is of service %s, which is not configured", c.Name, c.Service))
		}
	}
	if len(running) == len(a.Services) {
		o.Current = release(running)
		if o.Current == nil {
			o.Doubts = append(o.Doubts, mixed(running))
		}
	}
	return o
}

// one returns the container that is the service's only live one, nil where there is none or another beside it, and what
// is doubtful about it. What Fairlead did not make can be of no release.
func one(service string, mine []workload.Container, policy workload.RestartPolicy) (*workload.Container, []string) {
	var live, rest []workload.Container
	for _, c := range mine {
		if c.Live() {
			live = append(live, c)
		} else {
			rest = append(rest, c)
		}
	}
	var doubts []string
	switch len(live) {
	case 0:
		doubts = append(doubts, fmt.Sprintf("service %s does not run", service))
	case 1:
		doubts = append(doubts, unfinished(live[0], policy)...)
	default:
		doubts = append(doubts, fmt.Sprintf("service %s has %d live containers: %s", service, len(live), Names(live)))
	}
	for _, c := range rest {
		doubts = append(doubts, fmt.Sprintf("container %s of service %s is left over (%s)", c.Name, service, c.Status))
	}
	if len(live) != 1 || !live[0].Ours {
		return nil, doubts
	}
	return &live[0], doubts
}

// unfinished says in what a service's only live container is not as a rollout leaves it at its end.
func unfinished(c workload.Container, policy workload.RestartPolicy) []string {
	var doubts []string
	doubt := func(format string, args ...any) { doubts = append(doubts, fmt.Sprintf(format, args...)) }
	switch {
	case !c.Ours:
		doubt("container %s of service %s was not made by Fairlead", c.Name, c.Service)
		return doubts
	case c.Passing():
		doubt("container %s of service %s has no final name: a rollout was not finished, and nobody knows whether it proved itself", c.Name, c.Service)
	case c.RestartPolicy.Name == "no" && policy.Name != "" && policy.Name != "no":
		doubt("container %s of service %s would not come back with the Engine: its restart policy is no, where %s is configured", c.Name, c.Service, policy.Name)
	}
	if c.Status != workload.Running {
		doubt("container %s of service %s is %s", c.Name, c.Service, c.Status)
	}
	return doubts
}

// release returns the release that all of the containers are of, or nil.
func release(running []workload.Container) *workload.Release {
	var out workload.Release
	for i, c := range running {
		r := workload.Release{ID: c.Release, Image: c.Image, Definitions: c.Definitions, Env: c.Env, Since: c.CreatedAt}
		switch {
		case c.Release == "" || i > 0 && r.ID != out.ID:
			return nil
		case i == 0 || r.Since.After(out.Since):
			out = r
		}
	}
	if out.ID == "" {
		return nil
	}
	return &out
}

func mixed(running []workload.Container) string {
	var parts []string
	for _, c := range running {
		parts = append(parts, c.Service+" "+cmp.Or(c.Release, "an unnamed one"))
	}
	return "the services run several releases: " + strings.Join(parts, ", ")
}

// Settled reports whether the host is as a finished rollout leaves it: every service runs in one container of ours under
// its final name, nothing is left over, and all are of one release.
func (o Observed) Settled() bool { return o.Current != nil && len(o.Doubts) == 0 }

// Twins returns the live containers of the services that have more than one.
func Twins(a App, containers []workload.Container) []workload.Container {
	var twins []workload.Container
	for _, service := range a.Services {
		live := slices.DeleteFunc(slices.Clone(containers), func(c workload.Container) bool { return c.Service != service || !c.Live() })
		if len(live) > 1 {
			twins = append(twins, live...)
		}
	}
	return twins
}

// Outrun returns the containers of the rollout itself that it cannot have made by what is recorded of it: the records
// that came later are lost.
func (s State) Outrun(containers []workload.Container) []workload.Container {
	var out []workload.Container
	for _, c := range containers {
		i := s.index(c.Service)
		if !c.Ours || c.Rollout != s.Request.ID {
			continue
		}
		if c.OneOff() && (s.Prepare == Pending || s.PreStart == Pending && c.Status != workload.Created) {
			out = append(out, c)
		}
		if c.OneOff() || i < 0 {
			continue
		}
		if v := s.Services[i]; v.Replace == Pending || v.Promote == Pending && !c.Passing() {
			out = append(out, c)
		}
	}
	return out
}

// Names returns the containers for people, each with the rollout that made it.
func Names(containers []workload.Container) string {
	const most = 8
	var names []string
	for _, c := range containers {
		name := c.Name
		if c.Rollout != "" {
			name += " (of rollout " + c.Rollout + ")"
		}
		names = append(names, name)
	}
	if n := len(names); n > most {
		names = append(names[:most], fmt.Sprintf("%d more", n-most))
	}
	return strings.Join(names, ", ")
}
