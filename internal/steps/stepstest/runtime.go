package stepstest

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// What follows does the same small moves as package engine, in the same order, and leaves alone what is already as it
// shall be.

// Observe returns the app's containers, and those that are to be taken over by their name.
func (l *Life) Observe(ctx context.Context, _ workload.Key, services []workload.Service) ([]workload.Container, error) {
	if err := l.call(ctx, "Observe"); err != nil {
		return nil, err
	}
	defer l.give()
	var out []workload.Container
	for _, b := range l.containers {
		named := slices.ContainsFunc(services, func(s workload.Service) bool { return s.ContainerName == b.Name && s.Name == b.Service })
		if b.Ours || named {
			out = append(out, l.snapshot(b))
		}
	}
	slices.SortStableFunc(out, byServiceAndAge)
	return out, nil
}

func byServiceAndAge(a, b workload.Container) int {
	return cmp.Or(cmp.Compare(a.Service, b.Service), a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Name, b.Name))
}

// Written finds nothing.
func (l *Life) Written(context.Context, string, int) ([]string, error) { return nil, nil }

// Compare finds no difference.
func (l *Life) Compare(context.Context, workload.Replacement) (workload.Comparison, error) {
	return workload.Comparison{}, nil
}

// Replace makes the rollout's container, sets the old one aside, and starts the new one.
func (l *Life) Replace(ctx context.Context, r workload.Replacement) (workload.Replaced, error) {
	out := workload.Replaced{Service: r.Unit.Service.Name}
	if err := l.call(ctx, "Replace"); err != nil {
		return out, err
	}
	defer l.give()
	for _, b := range l.containers {
		l.settle(b)
		if b.Service == out.Service && b.Live() && b.Rollout != r.Rollout && (r.Old == nil || b.ID != r.Old.ID) {
			return out, fault.New(fault.Conflict, "container %s of service %s is running as well", b.Name, b.Service)
		}
	}
	fresh, err := l.prepared(ctx, r)
	if err != nil {
		return out, err
	}
	out.NewID, out.NewName = fresh.ID, fresh.Name
	if r.Old != nil {
		out.OldID, out.OldName = r.Old.ID, r.Unit.Service.FinalName(r.Key)+".old-"+suffix(r.Rollout)
		if err := l.setAside(ctx, r.Old.ID, out.OldName, fresh.began); err != nil {
			return out, err
		}
	}
	if fresh.began {
		return out, nil
	}
	return out, l.move(ctx, fresh.move("start"), func() { l.start(fresh) })
}

// prepared returns the rollout's container, on its networks and with the environment that was asked for.
func (l *Life) prepared(ctx context.Context, r workload.Replacement) (*box, error) {
	fresh := l.own(r.Rollout, r.Unit.Service.Name)
	if fresh == nil {
		name := r.Unit.Service.FinalName(r.Key) + ".new-" + suffix(r.Rollout)
		if _, err := l.find(name); err == nil {
			return nil, fault.New(fault.Conflict, "create container %s: its name is already in use", name)
		}
		m := Move{Verb: "create", Service: r.Unit.Service.Name, ID: name, Fresh: true}
		if err := l.move(ctx, m, func() { fresh = l.make(r, name) }); err != nil {
			return nil, err
		}
	}
	if fresh.began {
		return fresh, nil
	}
	for _, n := range r.Unit.Service.Networks {
		if slices.Contains(fresh.on, n.Name) {
			continue
		}
		if err := l.move(ctx, fresh.move("connect"), func() { fresh.on = append(fresh.on, n.Name) }); err != nil {
			return nil, err
		}
	}
	for _, v := range r.Unit.Env {
		if !fresh.env.Value(v.Name).Equal(v.Value) {
			return nil, fault.New(fault.Conflict, "container %s was created with another environment", fresh.Name)
		}
	}
	return fresh, nil
}

// setAside renames the old container, stops it, and takes its restart policy away.
func (l *Life) setAside(ctx context.Context, id, name string, begun bool) error {
	old, err := l.find(id)
	if err != nil {
		if begun {
			return nil
		}
		return fault.New(fault.NotFound, "the container %s is gone; the new one was not started", id)
	}
	if err := l.rename(ctx, old, name); err != nil {
		return err
	}
	if err := l.stop(ctx, old); err != nil {
		return err
	}
	if err := l.policy(ctx, old, workload.RestartPolicy{Name: "no"}); err != nil {
		return err
	}
	return l.ended(old)
}

// Promote gives the rollout's running container its final name and its restart policy.
func (l *Life) Promote(ctx context.Context, k workload.Key, rollout string, s workload.Service) error {
	if err := l.call(ctx, "Promote"); err != nil {
		return err
	}
	defer l.give()
	b := l.own(rollout, s.Name)
	switch {
	case b == nil:
		return fault.New(fault.NotFound, "the new container of service %s is gone", s.Name)
	case b.Status != workload.Running:
		return fault.New(fault.Conflict, "container %s is %s and was to be running", b.Name, b.Status)
	}
	if err := l.rename(ctx, b, s.FinalName(k)); err != nil {
		return err
	}
	return l.policy(ctx, b, s.Restart)
}

// Retire stops and removes the old container, which must have been kept by this rollout.
func (l *Life) Retire(ctx context.Context, _ workload.Key, rollout string, old workload.Container) error {
	if err := l.call(ctx, "Retire"); err != nil {
		return err
	}
	defer l.give()
	b, err := l.find(old.ID)
	if err != nil {
		return nil
	}
	switch kept := strings.HasSuffix(b.Name, ".old-"+suffix(rollout)); {
	case b.Rollout == rollout:
		return fault.New(fault.Internal, "container %s is the rollout's new one", b.Name)
	case !b.Ours && !kept:
		return fault.New(fault.Refused, "container %s was not made by Fairlead and was not set aside", b.Name)
	case b.Live() && !kept:
		return fault.New(fault.Conflict, "container %s was to be removed and is %s", b.Name, b.Status)
	}
	return l.take(ctx, b)
}

// Restore removes the rollout's container and puts the old one back as it was.
func (l *Life) Restore(ctx context.Context, _ workload.Key, rollout, service string, old *workload.Container) error {
	if err := l.call(ctx, "Restore"); err != nil {
		return err
	}
	defer l.give()
	if b := l.own(rollout, service); b != nil {
		if err := l.take(ctx, b); err != nil {
			return err
		}
	}
	if old == nil {
		return nil
	}
	b, err := l.find(old.ID)
	if err != nil {
		return fault.New(fault.NotFound, "the old container %s of service %s is gone", old.Name, service)
	}
	if err := l.rename(ctx, b, old.Name); err != nil {
		return err
	}
	if err := l.policy(ctx, b, old.RestartPolicy); err != nil {
		return err
	}
	return l.revive(ctx, b, *old)
}

// revive starts b if old was live, and pauses it if old was paused.
func (l *Life) revive(ctx context.Context, b *box, old workload.Container) error {
	if !old.Live() {
		return nil
	}
	if !b.Live() {
		if err := l.move(ctx, b.move("start"), func() { l.start(b) }); err != nil {
			return err
		}
	}
	if old.Status != workload.Paused || b.Status == workload.Paused {
		return nil
	}
	return l.move(ctx, b.move("pause"), func() { b.Status = workload.Paused })
}

// own returns the rollout's container of the service, or nil.
func (l *Life) own(rollout, service string) *box {
	for _, b := range l.containers {
		if b.Rollout == rollout && b.Service == service {
			l.settle(b)
			return b
		}
	}
	return nil
}

func (l *Life) rename(ctx context.Context, b *box, name string) error {
	if b.Name == name {
		return nil
	}
	if taken, err := l.find(name); err == nil {
		return fault.New(fault.Conflict, "rename container %s to %s: its name is already in use by another container (%s)", b.Name, name, taken.ID)
	}
	return l.move(ctx, b.move("rename"), func() { b.Name = name })
}

func (l *Life) policy(ctx context.Context, b *box, p workload.RestartPolicy) error {
	p.Name = cmp.Or(p.Name, "no")
	if b.RestartPolicy == p {
		return nil
	}
	return l.move(ctx, b.move("policy"), func() { b.RestartPolicy = p })
}

func (l *Life) stop(ctx context.Context, b *box) error {
	if !b.Live() {
		return nil
	}
	if b.Status == workload.Paused {
		if err := l.move(ctx, b.move("unpause"), func() { b.Status = workload.Running }); err != nil {
			return err
		}
	}
	return l.move(ctx, b.move("stop"), func() { b.Status, b.ExitCode, b.halted = workload.Exited, 143, true })
}

func (l *Life) ended(b *box) error {
	if b.Live() {
		return fault.New(fault.Unavailable, "stop container %s: the container is %s", b.Name, b.Status)
	}
	return nil
}

// take stops a container and removes it.
func (l *Life) take(ctx context.Context, b *box) error {
	if err := l.stop(ctx, b); err != nil {
		return err
	}
	if err := l.ended(b); err != nil {
		return err
	}
	return l.move(ctx, b.move("remove"), func() {
		l.containers = slices.DeleteFunc(l.containers, func(c *box) bool { return c == b })
	})
}

// Inspect returns one container.
func (l *Life) Inspect(ctx context.Context, id string) (workload.Container, error) {
	if err := l.call(ctx, "Inspect"); err != nil {
		return workload.Container{}, err
	}
	defer l.give()
	b, err := l.find(id)
	if err != nil {
		return workload.Container{}, err
	}
	return l.snapshot(b), nil
}

// Environment returns what the container was created with.
func (l *Life) Environment(ctx context.Context, id string) (secret.Env, error) {
	if err := l.call(ctx, "Environment"); err != nil {
		return nil, err
	}
	defer l.give()
	b, err := l.find(id)
	if err != nil {
		return nil, err
	}
	return b.env.With(secret.Var{Name: "PATH", Value: secret.NewValue("/usr/local/bin:/usr/bin:/bin")}), nil
}

// Logs returns what the container's program has written.
func (l *Life) Logs(ctx context.Context, id string, _ int) (string, error) {
	if err := l.call(ctx, "Logs"); err != nil {
		return "", err
	}
	defer l.give()
	b, err := l.find(id)
	if err != nil {
		return "", err
	}
	return b.program.Chatty, nil
}

// WaitExit returns when the container no longer runs.
func (l *Life) WaitExit(ctx context.Context, id string) error {
	for {
		if err := l.call(ctx, "WaitExit"); err != nil {
			return err
		}
		b, err := l.find(id)
		ended, changed := err != nil || b.Status != workload.Running, l.changed
		l.give()
		if ended {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// suffix returns the end of a rollout's id.
func suffix(rollout string) string { return strings.ToLower(rollout[max(0, len(rollout)-8):]) }
