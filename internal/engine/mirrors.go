package engine

import (
	"context"
	"fmt"
	"strings"

	"github.com/docker/docker/api/types/registry"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// An image that a mirror delivered stays what it is: the repository of its origin, and the digest. Only the Engine calls
// it after the mirror, since it gives a digest's name to what was pulled under that name and to nothing else. Whoever
// looks for an image on the host therefore looks for it under all of its names.

// names returns img as its own registry has it, and then as each mirror of that registry has it.
func (e *Engine) names(img workload.Image) []workload.Image {
	return append([]workload.Image{img}, e.elsewhere(img)...)
}

// elsewhere returns img as the mirrors of its registry have it, in the order in which they are asked.
func (e *Engine) elsewhere(img workload.Image) []workload.Image {
	var out []workload.Image
	for _, repository := range e.mirrors(img.Repository) {
		there := img
		there.Repository = repository
		out = append(out, there)
	}
	return out
}

// ofRepository reports whether a name of an image is of the repository, or of a mirror's copy of it.
func (e *Engine) ofRepository(name, repository string) bool {
	for _, i := range e.names(workload.Image{Repository: repository}) {
		if sameRepository(name, i.Repository) {
			return true
		}
	}
	return false
}

// ask asks a registry, and no mirror, what it has under the name of img. Its error is not yet in our words.
func (e *Engine) ask(ctx context.Context, img workload.Image) (registry.DistributionInspect, error) {
	auth, err := e.credentials(img.Repository)
	if err != nil {
		return registry.DistributionInspect{}, err
	}
	return e.distribution(ctx, img, auth)
}

// askAnywhere asks the image's own registry, and only where that cannot answer its mirrors, which may be behind: that is
// what the warning says. A refusal is an answer.
func (e *Engine) askAnywhere(ctx context.Context, img workload.Image) (registry.DistributionInspect, []string, error) {
	d, err := e.ask(ctx, img)
	if err == nil {
		return d, nil, nil
	}
	failure := e.registryFailed(err, "ask the registry for", img)
	if fault.KindOf(failure) != fault.Unavailable {
		return d, nil, failure
	}
	var tried []string
	for _, m := range e.elsewhere(img) {
		found, other := e.ask(ctx, m)
		if other == nil {
			return found, []string{fmt.Sprintf("the mirror %s was asked what %s is, and may be behind: %s", m.Repository, asked(img), e.why(err, img))}, nil
		}
		if ctx.Err() != nil {
			return d, nil, e.registryFailed(other, "ask a mirror for", m)
		}
		tried = append(tried, "nor did the mirror answer: "+e.why(other, m))
	}
	return d, nil, besides(failure, tried)
}

// delivered is what came from where.
type delivered struct {
	bytes  int64
	mirror string   // the repository there; empty where it came from the image's own registry
	missed []string // why mirrors did not deliver it
}

// fetchAnywhere pulls img by its digest from the first mirror that has it, and else from its own registry. The digest
// holds, whoever delivers.
func (e *Engine) fetchAnywhere(ctx context.Context, img workload.Image, platform string, progress func(Progress)) (delivered, error) {
	var out delivered
	for _, m := range e.elsewhere(img) {
		n, err := e.fetch(ctx, m, platform, progress)
		if err == nil {
			out.bytes, out.mirror = n, m.Repository
			return out, nil
		}
		if ctx.Err() != nil {
			return out, e.registryFailed(err, "pull", m)
		}
		out.missed = append(out.missed, "a mirror did not deliver the image: "+e.why(err, m))
	}
	n, err := e.fetch(ctx, img, platform, progress)
	if err != nil {
		return out, besides(e.registryFailed(err, "pull", img), out.missed)
	}
	out.bytes = n
	return out, nil
}

// besides returns err, and in its line what else was tried.
func besides(err error, tried []string) error {
	if len(tried) == 0 {
		return err
	}
	return fault.Hide(err, fault.KindOf(err), "%s; %s%s", strings.TrimSuffix(fault.Text(err), untouched), strings.Join(tried, "; "), untouched)
}
