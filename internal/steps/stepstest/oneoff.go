package stepstest

import (
	"context"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// Prepare makes the rollout's one-off container, never started.
func (l *Life) Prepare(ctx context.Context, r workload.Replacement) (string, error) {
	if err := l.call(ctx, "Prepare"); err != nil {
		return "", err
	}
	defer l.give()
	b := l.oneOff(r.Rollout)
	if b == nil {
		name := workload.PreStartName(r.Unit.Service.FinalName(r.Key), r.Rollout)
		r.Unit.Service.Name = ""
		err := l.move(ctx, Move{Verb: "create", Service: OneOff, ID: name, Fresh: true}, func() {
			b = l.make(r, name)
			b.Role, b.program = workload.PreStart, l.Migration
		})
		if err != nil {
			return "", err
		}
	}
	if b.began {
		return "", fault.New(fault.Conflict, "container %s was started already", b.Name)
	}
	return b.ID, nil
}

// Launch starts the one-off container, once.
func (l *Life) Launch(ctx context.Context, _ workload.Key, id string) error {
	if err := l.call(ctx, "Launch"); err != nil {
		return err
	}
	defer l.give()
	b, err := l.find(id)
	if err != nil || b.began {
		return err
	}
	return l.move(ctx, Move{Verb: "start", Service: OneOff, ID: b.ID, Fresh: true}, func() {
		if b.began {
			l.Errorf("the one-off container is started twice")
		}
		l.Migrations++
		b.Status, b.StartedAt, b.began = workload.Running, time.Now(), true
		time.AfterFunc(b.program.Boot, func() { l.finish(b) })
	})
}

// finish ends the one-off container by itself.
func (h *Host) finish(b *box) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if b.Status != workload.Running {
		return
	}
	if b.Status = workload.Exited; b.program.Sick {
		b.ExitCode = 3
	}
	close(h.changed)
	h.changed = make(chan struct{})
}

// Discard stops and removes the one-off container.
func (l *Life) Discard(ctx context.Context, _ workload.Key, rollout string) error {
	if err := l.call(ctx, "Discard"); err != nil {
		return err
	}
	defer l.give()
	b := l.oneOff(rollout)
	if b == nil {
		return nil
	}
	return l.take(ctx, b)
}

// OneOff is what moves of the one-off container name in place of a service.
const OneOff = "pre_start"

func (h *Host) oneOff(rollout string) *box {
	for _, b := range h.containers {
		if b.Rollout == rollout && b.OneOff() {
			return b
		}
	}
	return nil
}
