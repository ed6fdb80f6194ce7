package steps

import (
	"context"
	"slices"

	"github.com/capakraken/fairlead/internal/failpoint"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
)

// pull resolves the tag to a digest, once, and gets exactly that image onto the host. A rollout that is resumed after
// the pull was recorded keeps the digest, wherever the tag points by then. A rollback asks no registry for what is here.
func (j job) pull(ctx context.Context) (*rollout.Evidence, error) {
	if problems := j.barred(); len(problems) > 0 {
		return nil, j.refusal(problems)
	}
	image := j.state.Request.Image
	if j.state.Request.Kind == rollout.Rollback {
		found, ok, err := j.Images.Find(ctx, j.key, image)
		if err != nil {
			return nil, err
		}
		if ok {
			return &rollout.Evidence{Pulled: &rollout.Pulled{Image: found, Cached: true}}, nil
		}
		if image.Digest == "" {
			return nil, fault.New(fault.Refused, "the image of release %s (%s) was built on this host and is not there any more, and no registry has it; nothing was changed", j.state.Request.To, image)
		}
		j.say("the image is not on this host any more")
	}
	var old []string
	if image.Digest == "" {
		var err error
		if image, old, err = j.Images.Resolve(ctx, image); err != nil {
			return nil, err
		}
	}
	failpoint.Hit(failpoint.TagResolved)
	j.say("pulling " + image.String())
	got, err := j.Images.Pull(ctx, image, func(done, total int64) {
		j.progress(rollout.Progress{Step: rollout.Pull, Text: "pulling " + image.String(), Bytes: done, Total: total})
	})
	if err != nil && j.state.Request.Kind == rollout.Rollback {
		return nil, fault.Hide(err, fault.KindOf(err), "the image of release %s is not on this host any more, under no name of ours either, and cannot be fetched: %s", j.state.Request.To, fault.Text(err))
	}
	if err != nil {
		return nil, err
	}
	warnings, problems, err := j.compare(ctx, got.Image, j.state.Validated.Services, j.state.Validated.Baseline)
	if err == nil {
		err = fault.Many(fault.Refused, "the new containers would not be what the old ones are; the image is on the host, and nothing else was changed", problems)
	}
	if err != nil {
		return nil, err
	}
	return &rollout.Evidence{Pulled: &rollout.Pulled{Image: got.Image, Bytes: got.Bytes, Cached: got.Cached, Mirror: got.Mirror,
		Warnings: slices.Concat(old, got.Warnings, warnings)}}, nil
}
