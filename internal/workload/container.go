package workload

import (
	"net/netip"
	"slices"
	"time"

	"github.com/capakraken/fairlead/internal/secret"
)

// Status is the state of a container as the Engine reports it.
type Status string

// The states of a container.
const (
	Created    Status = "created"
	Running    Status = "running"
	Paused     Status = "paused"
	Restarting Status = "restarting"
	Removing   Status = "removing"
	Exited     Status = "exited"
	Dead       Status = "dead"
)

// Health is the verdict of the Engine's own health check.
type Health string

// The verdicts of a health check.
const (
	NoHealth  Health = "none" // the container has no health check
	Starting  Health = "starting"
	Healthy   Health = "healthy"
	Unhealthy Health = "unhealthy"
)

// Container is one container as it was found on the host. It holds no secret.
type Container struct {
	ID            string             `json:"id"`
	Name          string             `json:"name"`
	Service       string             `json:"service"`
	Ours          bool               `json:"ours"`           // it carries our labels; false for one that is taken over by its name
	Role          string             `json:"role,omitempty"` // empty for a service's own
	Rollout       string             `json:"rollout,omitempty"`
	Release       string             `json:"release,omitempty"`
	Project       string             `json:"project,omitempty"` // the Compose project that it, or the one it replaced, was of
	Image         Image              `json:"image"`
	Definitions   secret.Fingerprint `json:"definitions,omitempty"`
	Env           secret.Fingerprint `json:"env,omitempty"`
	Status        Status             `json:"status"`
	Health        Health             `json:"health"`
	ExitCode      int                `json:"exit_code"`
	OOMKilled     bool               `json:"oom_killed,omitempty"`
	Restarts      int                `json:"restarts,omitempty"`
	CreatedAt     time.Time          `json:"created_at,omitzero"`
	StartedAt     time.Time          `json:"started_at,omitzero"`
	RestartPolicy RestartPolicy      `json:"restart_policy"`
	AutoRemove    bool               `json:"auto_remove,omitempty"` // stopping it would delete it
	Addresses     []netip.Addr       `json:"addresses,omitempty"`   // on its networks; 127.0.0.1 with the host's network
	Networks      []string           `json:"networks,omitempty"`    // their names
}

// PreStart is the role of the one-off container that runs before a rollout stops the first old one. It is of no service.
const PreStart = "pre_start"

// OneOff reports whether the container runs once, to its end.
func (c Container) OneOff() bool { return c.Role == PreStart }

// Live reports whether the container runs or may be started by the Engine at any moment.
func (c Container) Live() bool {
	return slices.Contains([]Status{Running, Paused, Restarting}, c.Status)
}

// Replacement is what restart needs to know to put a new container in the place of an old one.
type Replacement struct {
	Key     Key
	Rollout string
	Release Release
	Unit    Unit
	Old     *Container // the baseline; nil when the service was absent
	// AllowWeaker accepts that the new container is less hardened than the old one.
	AllowWeaker bool
	OneOff      bool   // it is no replacement: the container runs once, to its end, and is of no service
	For         string // the rollout under way, where an old container is made again for it; empty where it is Rollout
}

// Replaced is what restart did for one service.
type Replaced struct {
	Service string `json:"service"`
	NewID   string `json:"new_id"`
	NewName string `json:"new_name"` // its temporary name
	OldID   string `json:"old_id,omitempty"`
	OldName string `json:"old_name,omitempty"` // the name it is kept under
	// Differences are what the new container has otherwise than the old one, as far as it shows only when it is made.
	Differences []Difference `json:"differences,omitempty"`
}
