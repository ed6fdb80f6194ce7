package stepstest

import (
	"fmt"
	"slices"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// box is one container, with what only the Engine knows of it.
type box struct {
	workload.Container
	env     secret.Env
	fresh   bool // a rollout made it
	began   bool // it was ever started
	halted  bool // it was stopped by a call
	program Program
	on      []string // networks
}

// Run has a container of the service run that was there before any rollout: under this name, with this environment and
// restart policy, and of a release of long ago, or of nobody's when release is empty. It names no rollout: one that no
// journal knows would have to be recognised first.
func (h *Host) Run(service, name, release string, env secret.Env, policy workload.RestartPolicy) {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := &box{env: env, began: true, Container: workload.Container{
		ID: "old-" + service, Name: name, Service: service, Ours: release != "", Release: release,
		Image:  workload.Image{Repository: Repository, Tag: "1.0.0", Digest: OldDigest, ID: "id:" + OldDigest},
		Status: workload.Running, Health: workload.NoHealth, RestartPolicy: policy,
		CreatedAt: time.Now().Add(-time.Hour), StartedAt: time.Now().Add(-time.Hour)}}
	h.containers = append(h.containers, b)
}

// find returns a container by its id or its name. The caller has hold of the host.
func (h *Host) find(id string) (*box, error) {
	for _, b := range h.containers {
		if b.ID == id || b.Name == id {
			h.settle(b)
			return b, nil
		}
	}
	return nil, fault.New(fault.NotFound, "look at container %s: the container does not exist", id)
}

// settle lets a program that does not last end.
func (h *Host) settle(b *box) {
	if b.Status != workload.Running || !b.program.Exits {
		return
	}
	b.ExitCode = 1
	b.Status = workload.Exited
	if b.RestartPolicy.Name == "always" || b.RestartPolicy.Name == "unless-stopped" {
		b.Status = workload.Restarting
	}
}

// snapshot returns the container as it is seen from outside.
func (h *Host) snapshot(b *box) workload.Container {
	h.settle(b)
	out := b.Container
	out.Networks = slices.Clone(b.on)
	return out
}

func (b *box) move(verb string) Move {
	if b.OneOff() {
		return Move{Verb: verb, Service: OneOff, ID: b.ID, Fresh: true}
	}
	return Move{Verb: verb, Service: b.Service, ID: b.ID, Fresh: b.fresh}
}

// start is what the Engine does to start a container.
func (h *Host) start(b *box) {
	b.Status, b.StartedAt, b.began, b.halted = workload.Running, time.Now(), true, false
	b.program = h.Old[b.Service]
	if b.fresh {
		b.program = h.Fresh[b.Service]
	}
}

// make is what the Engine does to create a container.
func (h *Host) make(r workload.Replacement, name string) *box {
	h.made++
	b := &box{env: r.Unit.Env, fresh: true, Container: workload.Container{
		ID: fmt.Sprintf("new-%s-%d", r.Unit.Service.Name, h.made), Name: name, Service: r.Unit.Service.Name,
		Ours: true, Rollout: r.Rollout, Release: r.Release.ID, Image: r.Release.Image,
		Definitions: r.Release.Definitions, Env: r.Release.Env, Status: workload.Created, Health: workload.NoHealth,
		RestartPolicy: workload.RestartPolicy{Name: "no"}, CreatedAt: time.Now()}}
	h.containers = append(h.containers, b)
	return b
}

// Reboot is what a power cut does to the containers: each ends, and the Engine starts those again whose restart policy
// says so.
func (h *Host) Reboot() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, b := range h.containers {
		h.settle(b)
		switch p := b.RestartPolicy.Name; {
		case b.Status == workload.Created:
		case p == "always", p == "unless-stopped" && !b.halted:
			h.start(b)
		case b.Live():
			b.Status, b.ExitCode = workload.Exited, 137
		}
	}
	h.check(Move{Verb: "reboot"})
}

// Change has change done to a container, and lets it behave as p.
func (h *Host) Change(id string, p Program, change func(*workload.Container)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	b, err := h.find(id)
	if err != nil {
		h.Fatal(err)
	}
	b.program = p
	change(&b.Container)
	b.halted = b.Status == workload.Exited
}

// Remove is somebody who removes a container by force.
func (h *Host) Remove(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.containers = slices.DeleteFunc(h.containers, func(b *box) bool { return b.ID == id })
}

// Containers returns all of the app's containers, sorted by service and age.
func (h *Host) Containers() []workload.Container {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []workload.Container
	for _, b := range h.containers {
		out = append(out, h.snapshot(b))
	}
	slices.SortStableFunc(out, byServiceAndAge)
	return out
}
