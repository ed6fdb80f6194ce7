package stepstest

import (
	"context"
	"slices"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// Check finds nothing that would keep the services from being started.
func (l *Life) Check(ctx context.Context, _ workload.Key, _ []workload.Service) ([]fault.Problem, error) {
	if err := l.call(ctx, "Check"); err != nil {
		return nil, err
	}
	defer l.give()
	return nil, nil
}

// Consumers returns Others.
func (l *Life) Consumers(ctx context.Context, _ workload.Key, _ string, _ []string) ([]workload.Container, error) {
	if err := l.call(ctx, "Consumers"); err != nil {
		return nil, err
	}
	defer l.give()
	return l.Others, nil
}

// Free returns much.
func (l *Life) Free(context.Context) (uint64, bool) { return 1 << 40, true }

// Resolve returns the digest that Tags has for the image's tag.
func (l *Life) Resolve(ctx context.Context, i workload.Image) (workload.Image, []string, error) {
	if err := l.call(ctx, "Resolve"); err != nil {
		return i, nil, err
	}
	defer l.give()
	digest, ok := l.Tags[i.Tag]
	if !ok {
		return i, nil, fault.New(fault.NotFound, "the registry has no %s", i)
	}
	i.Digest = digest
	return i, nil, nil
}

// Pull gets an image onto the host.
func (l *Life) Pull(ctx context.Context, i workload.Image, progress func(done, total int64)) (workload.Fetched, error) {
	if err := l.call(ctx, "Pull"); err != nil {
		return workload.Fetched{}, err
	}
	defer l.give()
	i.ID = "id:" + i.Digest
	if l.pulled[i.Digest] {
		return workload.Fetched{Image: i, Cached: true}, nil
	}
	progress(0, 1<<20)
	if err := l.move(ctx, Move{Verb: "pull"}, func() { l.pulled[i.Digest] = true }); err != nil {
		return workload.Fetched{}, err
	}
	return workload.Fetched{Image: i, Bytes: 1 << 20}, nil
}

// Find tells whether the image was pulled or is kept.
func (l *Life) Find(ctx context.Context, _ workload.Key, i workload.Image) (workload.Image, bool, error) {
	if err := l.call(ctx, "Find"); err != nil {
		return i, false, err
	}
	defer l.give()
	if used := slices.ContainsFunc(l.containers, func(b *box) bool { return b.Image.Digest == i.Digest }); !used && !l.pulled[i.Digest] {
		return i, false, nil
	}
	i.ID = "id:" + i.Digest
	return i, true, nil
}

// Keep gives the image a name.
func (l *Life) Keep(ctx context.Context, _ workload.Key, i workload.Image) (string, error) {
	if err := l.call(ctx, "Keep"); err != nil {
		return "", err
	}
	defer l.give()
	if l.named[i.Digest] {
		return "", nil
	}
	return i.Digest, l.move(ctx, Move{Verb: "tag"}, func() { l.named[i.Digest] = true })
}

// LetGo takes the image's name away, and then the image if it was fetched. One that a container uses, or that was not
// proved to be needless, must not go.
func (l *Life) LetGo(ctx context.Context, _ workload.Key, i workload.Image, fetched bool) ([]string, string, error) {
	if err := l.call(ctx, "LetGo"); err != nil {
		return nil, "", err
	}
	defer l.give()
	if l.named[i.Digest] {
		if err := l.move(ctx, Move{Verb: "untag"}, func() { delete(l.named, i.Digest) }); err != nil {
			return nil, "", err
		}
	}
	if !fetched || !l.pulled[i.Digest] {
		return nil, "", nil
	}
	for _, b := range l.containers {
		if b.Image.Digest == i.Digest {
			return nil, "container " + b.Name + " uses the image", nil
		}
	}
	return []string{i.Digest}, "", l.move(ctx, Move{Verb: "rmi"}, func() { delete(l.pulled, i.Digest) })
}

// Kept returns the images that have a name.
func (l *Life) Kept(ctx context.Context, _ workload.Key) ([]string, int64, error) {
	if err := l.call(ctx, "Kept"); err != nil {
		return nil, 0, err
	}
	defer l.give()
	var out []string
	for digest := range l.named {
		out = append(out, workload.ShortDigest(digest))
	}
	return out, 0, nil
}

// Look asks the app in a container. It says where it takes its secrets from: from its environment what that holds, and
// the others, or all if it is Stale, from the database's row.
func (l *Life) Look(ctx context.Context, look workload.Look) (workload.Answer, error) {
	if l.Looked != nil {
		if err := l.Looked(look.Container.Service); err != nil {
			return workload.Answer{}, err
		}
	}
	if err := l.call(ctx, "Look"); err != nil {
		return workload.Answer{}, err
	}
	defer l.give()
	b, err := l.find(look.Container.ID)
	switch {
	case err != nil:
		return workload.Answer{}, err
	case b.Status != workload.Running:
		return workload.Answer{}, fault.New(fault.Unavailable, "service %s does not answer", b.Service)
	case !look.Check.Reports():
		return workload.Answer{Healthy: true}, nil
	case b.program.Sick || time.Since(b.StartedAt) < b.program.Boot:
		return workload.Answer{}, nil
	}
	a := workload.Answer{Healthy: true, Version: "2.0.0"}
	for _, s := range secrets {
		r := workload.Report{Name: s.name, Source: secret.Environment, Present: true}
		if b.program.Stale || b.env.Value(s.env).IsEmpty() {
			r.Source, r.Present = secret.Database, !l.Row[s.column].IsEmpty()
		}
		a.Secrets = append(a.Secrets, r)
	}
	return a, nil
}
