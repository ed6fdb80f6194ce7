package steps

import (
	"regexp"
	"slices"
	"strings"

	"github.com/distribution/reference"

	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/workload"
)

// Apps returns the names of the configured apps, sorted.
func (s *Steps) Apps() []string {
	var names []string
	for name := range s.Options.Apps {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Begin returns the request of a rollout as the app's configuration has it; its id and requester are still to be
// filled in. A request that could not be carried out is refused here, before anything is recorded of it.
func (s *Steps) Begin(name string, kind rollout.Kind, image string) (rollout.Request, error) {
	app, err := s.app(name)
	if err != nil {
		return rollout.Request{}, err
	}
	r := rollout.Request{App: name, Kind: kind, Limits: limits(app), Hooks: hooks(app, kind)}
	if kind != rollout.Cleanup {
		r.Images = &rollout.Images{Keep: app.KeepReleases}
	}
	for _, d := range app.Services {
		r.Services = append(r.Services, d.Name)
	}
	switch kind {
	case rollout.Deploy:
		r.Clears = app.Clear == config.WithDeploy
		if p := app.PreStart; p != nil {
			r.PreStart = &rollout.PreStart{Service: p.Service, Command: p.Command, Timeout: p.Timeout}
		}
		r.Image, err = parseImage(app.Repository, image)
		return r, err
	case rollout.Cleanup:
		if app.Legacy == nil {
			return r, fault.New(fault.Refused, "%s has no legacy database configured, so there is nothing to clean up", name)
		}
		r.Clears = true
	case rollout.Rotate, rollout.Rollback:
	default:
		return r, fault.New(fault.Usage, "unknown kind of rollout %q: deploy, rotate, rollback or cleanup", kind)
	}
	if image != "" && kind == rollout.Rollback {
		return r, fault.New(fault.Usage, "a rollback takes no image: it goes back to a release that the app had (--to RELEASE), or deploy the image")
	}
	if image != "" {
		return r, fault.New(fault.Usage, "a %s takes no image: it keeps the one that runs", kind)
	}
	return r, nil
}

func limits(app config.App) rollout.Limits {
	t := app.Timeouts
	return rollout.Limits{Validate: t.Validate, Pull: t.Pull, Restart: t.Restart, Verify: t.Verify, Clear: t.Clear, Revert: t.Revert}
}

// bareTag is a tag or a digest alone, as "deploy --image 2.0.0" has it.
var bareTag = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)

// parseImage reads what an operator calls an image: a tag, a digest, or a reference in the app's own repository. There
// is no default tag, since "latest" says nothing about what was meant.
func parseImage(repository, ref string) (workload.Image, error) {
	image := workload.Image{Repository: repository}
	switch {
	case ref == "":
		return image, fault.New(fault.Usage, "a deploy needs an image: --image TAG, or --image sha256:…")
	case strings.HasPrefix(ref, "sha256:"):
		ref = repository + "@" + ref
	case bareTag.MatchString(ref):
		ref = repository + ":" + ref
	}
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return image, fault.New(fault.Usage, "--image is no image reference: it is a tag (2.0.0), a digest (sha256:…), or %s:TAG", repository)
	}
	if own, err := reference.ParseNormalizedNamed(repository); err != nil || own.Name() != named.Name() {
		return image, fault.New(fault.Refused, "the image is of the repository %s, but this app is rolled out from %s; nothing was changed", reference.FamiliarName(named), repository)
	}
	if t, ok := named.(reference.Tagged); ok {
		image.Tag = t.Tag()
	}
	if d, ok := named.(reference.Digested); ok {
		image.Digest = d.Digest().String()
	}
	if image.Tag == "" && image.Digest == "" {
		return image, fault.New(fault.Usage, "--image names no tag and no digest: say which release, for example %s:2.0.0", repository)
	}
	return image, nil
}
