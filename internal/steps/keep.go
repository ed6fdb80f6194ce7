package steps

import (
	"context"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
)

// keep gives the app's newest images names of ours, and lets those go that are beyond them. The image that runs must be
// there, while an earlier one that somebody has removed cannot be kept, and that is all. An image that cannot go is left
// for the next rollout.
func (j job) keep(ctx context.Context) (*rollout.Evidence, error) {
	kept, shelf := &rollout.Kept{}, j.state.Shelf()
	for i, image := range shelf.Keep {
		found, ok, err := j.Images.Find(ctx, j.key, image)
		if err != nil {
			return nil, err
		}
		if !ok && i == 0 {
			return nil, fault.New(fault.NotFound, "the image %s, which runs, is not on the host any more; somebody removed it by force", image)
		}
		if !ok {
			continue
		}
		name, err := j.Images.Keep(ctx, j.key, found)
		if err != nil {
			return nil, err
		}
		if name != "" {
			kept.Named = append(kept.Named, name)
		}
	}
	for _, p := range shelf.LetGo {
		removed, left, err := j.Images.LetGo(ctx, j.key, p.Image, p.Fetched)
		kept.Removed = append(kept.Removed, removed...)
		switch {
		case ctx.Err() != nil:
			return nil, err
		case err != nil:
			left = fault.Text(err)
		}
		if left != "" {
			kept.Left = append(kept.Left, left)
		}
	}
	return &rollout.Evidence{Kept: kept}, nil
}
