package engine

import (
	"maps"

	"github.com/docker/docker/api/types/filters"

	"github.com/capakraken/fairlead/internal/workload"
)

// The labels of every container that Fairlead makes. They hold names, digests and keyed fingerprints, never a value.
const (
	LabelInstance    = "fairlead.instance"
	LabelEnvironment = "fairlead.environment"
	LabelApp         = "fairlead.app"
	LabelService     = "fairlead.service"
	LabelRole        = "fairlead.role" // of a container that is of no service
	LabelRollout     = "fairlead.rollout"
	LabelRelease     = "fairlead.release"
	LabelDefinitions = "fairlead.definitions"
	LabelEnv         = "fairlead.env"
	LabelRepository  = "fairlead.repository"
	LabelTag         = "fairlead.tag"
	LabelDigest      = "fairlead.digest"
	LabelProject     = "fairlead.project" // the Compose project of the container that was taken over first
)

// labels returns those of the container that r asks for: the service's own, and ours, which win.
func labels(r workload.Replacement) map[string]string {
	out := maps.Clone(r.Unit.Service.Labels)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, map[string]string{
		LabelInstance:    r.Key.Instance,
		LabelEnvironment: r.Key.Environment,
		LabelApp:         r.Key.App,
		LabelService:     r.Unit.Service.Name,
		LabelRollout:     r.Rollout,
		LabelRelease:     r.Release.ID,
		LabelDefinitions: string(r.Release.Definitions),
		LabelEnv:         string(r.Release.Env),
		LabelRepository:  r.Release.Image.Repository,
		LabelTag:         r.Release.Image.Tag,
		LabelDigest:      r.Release.Image.Digest,
	})
	if r.OneOff {
		delete(out, LabelService)
		out[LabelRole] = workload.PreStart
	}
	if r.Old != nil && r.Old.Project != "" {
		out[LabelProject] = r.Old.Project
	}
	maps.Copy(out, composeLabels(r.Unit.Service, r.Release))
	return out
}

// labelled returns the filter for the app's containers; with a service's name, for that service's.
func labelled(k workload.Key, service string) filters.Args {
	f := filters.NewArgs(
		filters.Arg("label", LabelInstance+"="+k.Instance),
		filters.Arg("label", LabelEnvironment+"="+k.Environment),
		filters.Arg("label", LabelApp+"="+k.App),
	)
	if service != "" {
		f.Add("label", LabelService+"="+service)
	}
	return f
}

// owner returns the app that a container's labels name, and whether they name one at all.
func owner(labels map[string]string) (workload.Key, bool) {
	k := workload.Key{Instance: labels[LabelInstance], Environment: labels[LabelEnvironment], App: labels[LabelApp]}
	return k, k != workload.Key{}
}
