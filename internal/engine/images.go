package engine

import (
	"context"
	"strings"

	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/registry"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/capakraken/fairlead/internal/failpoint"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// Resolve returns img with the digest that its tag means now, as the registry says, or where that cannot be asked a
// mirror of it, of which there is a warning then. A digest that is given stays, and one that is on the host needs no
// registry. An image that is not made for this host is a Refused fault.
func (e *Engine) Resolve(ctx context.Context, img workload.Image) (resolved workload.Image, warnings []string, err error) {
	host, err := e.platform(ctx)
	if err != nil {
		return img, nil, err
	}
	if img.Digest != "" {
		found, ok, err := e.present(ctx, img, host)
		if err != nil || ok {
			return found, nil, err
		}
	}
	d, warnings, err := e.askAnywhere(ctx, img)
	if err != nil {
		return img, nil, err
	}
	if err := fits(asked(img), d.Platforms, host); err != nil {
		return img, nil, err
	}
	if img.Digest == "" {
		img.Digest = d.Descriptor.Digest.String()
	}
	return img, warnings, nil
}

// distribution asks the registry of img what it has under that name.
func (e *Engine) distribution(ctx context.Context, img workload.Image, auth secret.Value) (registry.DistributionInspect, error) {
	return e.api.DistributionInspect(ctx, img.Ref(), auth.Reveal())
}

// Pull gets the image onto the host by its digest, unless it is there: from a mirror of its registry where there is one
// that delivers it. It tells progress, which may be nil, from the calling goroutine. What was sent is held to the digest
// and to this host's platform.
func (e *Engine) Pull(ctx context.Context, img workload.Image, progress func(Progress)) (workload.Fetched, error) {
	if img.Digest == "" {
		return workload.Fetched{}, fault.New(fault.Internal, "pull %s: its digest is not resolved", img)
	}
	host, err := e.platform(ctx)
	if err != nil {
		return workload.Fetched{}, err
	}
	found, ok, err := e.present(ctx, img, host)
	if err != nil || ok {
		return workload.Fetched{Image: found, Cached: ok}, err
	}
	came, err := e.fetchAnywhere(ctx, img, platformText(host), progress)
	if err != nil {
		return workload.Fetched{}, err
	}
	found, ok, err = e.present(ctx, img, host)
	if err == nil && !ok {
		err = fault.New(fault.Unavailable, "pull %s: the Docker Engine says that it is done, and does not have the image; no container was touched", img)
	}
	return workload.Fetched{Image: found, Bytes: came.bytes, Mirror: came.mirror, Warnings: came.missed}, err
}

// fetch pulls img and returns the bytes that came from the registry. Its error is not yet in our words.
func (e *Engine) fetch(ctx context.Context, img workload.Image, platform string, progress func(Progress)) (int64, error) {
	auth, err := e.credentials(img.Repository)
	if err != nil {
		return 0, err
	}
	failpoint.Hit(failpoint.PullAsked)
	stream, err := e.api.ImagePull(ctx, img.Ref(), image.PullOptions{RegistryAuth: auth.Reveal(), Platform: platform})
	if err != nil {
		return 0, err
	}
	defer stream.Close()
	n, err := follow(stream, progress)
	if err != nil {
		return n, err
	}
	failpoint.Hit(failpoint.PullHeard)
	return n, nil
}

// present looks for img on the host by its digest, under the name of its own registry or of a mirror. One that is there
// for another platform is a Refused fault.
func (e *Engine) present(ctx context.Context, img workload.Image, host ocispec.Platform) (workload.Image, bool, error) {
	for _, name := range e.names(img) {
		found, err := e.api.ImageInspect(ctx, name.Ref())
		if gone(err) {
			continue
		}
		if err != nil {
			return img, false, e.failed(err, "look at image %s", name)
		}
		if !holdsDigest(found.RepoDigests, name) {
			continue
		}
		is := ocispec.Platform{OS: found.Os, Architecture: found.Architecture, Variant: found.Variant}
		if err := fits(asked(img), []ocispec.Platform{is}, host); err != nil {
			return img, false, err
		}
		img.ID = found.ID
		return img, true, nil
	}
	return img, false, nil
}

func holdsDigest(repoDigests []string, img workload.Image) bool {
	for _, d := range repoDigests {
		one := parse(d)
		if one.Digest == img.Digest && sameRepository(one.Repository, img.Repository) {
			return true
		}
	}
	return false
}

// fits returns a Refused fault when none of the image's platforms runs on host. No list, and an entry without an
// architecture, such as an attestation's, say nothing.
func fits(ref string, platforms []ocispec.Platform, host ocispec.Platform) error {
	var made []string
	for _, p := range platforms {
		if p.Architecture == "" || p.Architecture == "unknown" {
			continue
		}
		if runs(p, host) {
			return nil
		}
		made = append(made, platformText(p))
	}
	if len(made) == 0 {
		return nil
	}
	return fault.New(fault.Refused, "the image %s is for %s, this host is %s; no container was touched; build it for %s", ref, strings.Join(made, ", "), platformText(host), platformText(host))
}

// runs reports whether an image for p runs on host: an arm machine runs images of its own and earlier generations.
func runs(p, host ocispec.Platform) bool {
	if p.OS != host.OS || p.Architecture != host.Architecture {
		return false
	}
	return host.Variant == "" || p.Variant <= host.Variant
}

func platformText(p ocispec.Platform) string {
	text := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		text += "/" + p.Variant
	}
	return text
}

// withHost returns the repository's full name, with Docker Hub's host where it was left out.
func withHost(repository string) string {
	named, err := reference.ParseNormalizedNamed(repository)
	if err != nil {
		return repository
	}
	return named.Name()
}
