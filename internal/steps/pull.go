package steps

import (
	"context"

	"github.com/capakraken/fairlead/internal/failpoint"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
)

// pull resolves the tag to a digest, once, and gets exactly that image onto the host. A rollout that is resumed after
// the pull was recorded keeps the digest, wherever the tag points by then.
func (j job) pull(ctx context.Context) (*rollout.Evidence, error) {
	image := j.state.Request.Image
	if image.Digest == "" {
		resolved, err := j.Images.Resolve(ctx, image)
		if err != nil {
			return nil, err
		}
		image = resolved
	}
	failpoint.Hit(failpoint.TagResolved)
	j.say("pulling " + image.String())
	image, bytes, cached, err := j.Images.Pull(ctx, image, func(done, total int64) {
		j.progress(rollout.Progress{Step: rollout.Pull, Text: "pulling " + image.String(), Bytes: done, Total: total})
	})
	if err != nil {
		return nil, err
	}
	warnings, problems, err := j.compare(ctx, image, j.state.Validated.Services, j.state.Validated.Baseline)
	if err == nil {
		err = fault.Many(fault.Refused, "the new containers would not be what the old ones are; the image is on the host, and nothing else was changed", problems)
	}
	if err != nil {
		return nil, err
	}
	return &rollout.Evidence{Pulled: &rollout.Pulled{Image: image, Bytes: bytes, Cached: cached, Warnings: warnings}}, nil
}
