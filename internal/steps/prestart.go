package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/workload"
)

// landing is how long a start that a dead daemon has asked for may take to show.
const landing = time.Second

// prepare makes the one-off container of the new image and environment.
func (j job) prepare(ctx context.Context) (*rollout.Evidence, error) {
	p, err := j.unchanged(ctx)
	if err != nil {
		return nil, err
	}
	asked := j.state.Request.PreStart
	unit, err := unitOf(p.units, asked.Service)
	if err != nil {
		return nil, err
	}
	unit.Service = oneOff(unit.Service, asked.Command)
	id, err := j.Runtime.Prepare(ctx, workload.Replacement{Key: j.key, Rollout: j.state.Request.ID, Release: j.state.Target, Unit: unit, OneOff: true})
	if err != nil {
		return nil, err
	}
	return &rollout.Evidence{Prepared: &rollout.Prepared{Service: asked.Service, ID: id}}, nil
}

// oneOff returns the service with another command, and without what belongs to it alone: its name, its ports, its health,
// its restart policy and its addresses. A volume without a name would be another one there, which nobody would remove.
func oneOff(s workload.Service, command []string) workload.Service {
	s.Command, s.ContainerName, s.Ports, s.Healthcheck, s.Hostname = command, "", nil, nil, ""
	s.Restart = workload.RestartPolicy{Name: "no"}
	s.Mounts = slices.DeleteFunc(slices.Clone(s.Mounts), func(m workload.Mount) bool { return m.Type == "volume" && m.Source == "" })
	s.Networks = slices.Clone(s.Networks)
	for i := range s.Networks {
		s.Networks[i] = workload.Network{Name: s.Networks[i].Name}
	}
	return s
}

// preStart runs the one-off container to its end, once. A daemon that comes later looks first: one that was never started
// is started, one that runs is waited for, one that has ended has its exit code. One that is gone is never made again,
// since it may have run.
func (j job) preStart(ctx context.Context) (*rollout.Evidence, error) {
	id := j.state.Prepared.ID
	c, err := j.seen(ctx, id)
	if err != nil {
		return nil, err
	}
	end := j.state.Deadlines[rollout.Step(rollout.DoPreStart)]
	late := fault.New(fault.TimedOut, "the pre_start did not end before its deadline (%s)", end.Format(time.RFC3339))
	if c.Status == workload.Created {
		if !time.Now().Before(end) {
			return nil, late
		}
		if err := j.Runtime.Launch(ctx, j.key, id); err != nil {
			return nil, err
		}
	}
	j.say("waiting for the end of the pre_start")
	waiting, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	waited := j.Containers.WaitExit(waiting, id)
	if c, err = j.there(ctx, id); err != nil {
		return nil, err
	}
	switch {
	case waited != nil && ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, fault.Hide(waited, fault.Conflict, "the pre_start was interrupted")
	case c.Live() && errors.Is(waiting.Err(), context.DeadlineExceeded):
		return nil, late
	case c.Live():
		return nil, fault.Hide(waited, fault.Unavailable, "the end of the pre_start could not be waited for")
	case c.OOMKilled:
		return nil, fault.New(fault.Refused, "the pre_start was ended by the kernel, since it needed more memory than it may have (exit code %d)", c.ExitCode)
	case c.ExitCode != 0:
		return nil, fault.New(fault.Refused, "the pre_start has failed: its exit code is %d", c.ExitCode)
	}
	out := rollout.PreStarted{ID: id, Ran: time.Since(c.StartedAt)}
	out.Log = j.redact(ctx, j.words(ctx, id))
	return &rollout.Evidence{PreStarted: &out}, nil
}

// seen returns the one-off container. After a death, one that was not started is looked at again for a moment: its start
// may have been asked for just before.
func (j job) seen(ctx context.Context, id string) (workload.Container, error) {
	c, err := j.there(ctx, id)
	for since := time.Now(); err == nil && j.state.Resumed && c.Status == workload.Created && time.Since(since) < landing; {
		if !pause(ctx, landing/10) {
			return c, fault.New(fault.Conflict, "the pre_start was interrupted before it was started")
		}
		c, err = j.there(ctx, id)
	}
	return c, err
}

// there returns the one-off container, or that it is gone.
func (j job) there(ctx context.Context, id string) (workload.Container, error) {
	c, err := j.Containers.Inspect(context.WithoutCancel(ctx), id)
	if fault.KindOf(err) == fault.NotFound {
		return c, fault.Hide(err, fault.Refused, "the container of the pre_start was removed by somebody; it may have run, so it is not run again")
	}
	return c, err
}

// words returns a container's last words; what cannot be read is left out.
func (j job) words(ctx context.Context, id string) words {
	env, err := j.Containers.Environment(ctx, id)
	if err != nil {
		return words{}
	}
	log, err := j.Containers.Logs(ctx, id, lastWords)
	if err != nil {
		return words{}
	}
	return words{log, env}
}

// discard removes the one-off container and keeps its last words.
func (j job) discard(ctx context.Context) (*rollout.Evidence, error) {
	found, err := j.Runtime.Observe(ctx, j.key, nil)
	if err != nil {
		return nil, err
	}
	var kept rollout.Discarded
	var last words
	for _, c := range found {
		if c.OneOff() && c.Rollout == j.state.Request.ID {
			kept = rollout.Discarded{ID: c.ID, Status: c.Status, ExitCode: c.ExitCode}
			last = j.words(ctx, c.ID)
		}
	}
	if err := j.Runtime.Discard(ctx, j.key, j.state.Request.ID); err != nil {
		return nil, fault.Hide(err, fault.KindOf(err), "%s", fmt.Sprintf("remove the container of the pre_start: %s", fault.Text(err)))
	}
	kept.Log = j.redact(ctx, last)
	return &rollout.Evidence{Discarded: &kept}, nil
}
