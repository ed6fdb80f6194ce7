package rollout

import (
	"time"

	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// Lock holds an app against new rollouts until somebody takes it away.
type Lock struct {
	Holder string    `json:"holder"`
	UID    *int64    `json:"uid,omitempty"` // the holder's; nil for fairlead itself
	Since  time.Time `json:"since"`
	Reason string    `json:"reason"`
	// Rollout is the halted rollout that locked the app, if one did.
	Rollout string `json:"rollout,omitempty"`
	// Lost tells that the host shows what the journal does not know, and not as a rollout leaves it.
	Lost bool `json:"lost,omitempty"`
	// Before is the lock that was on already when fairlead locked the app as well. One unlock takes both away.
	Before *Lock `json:"before,omitempty"`
	// Age is how many seconds it has lasted when it is shown. It is not recorded.
	Age int64 `json:"age_seconds,omitempty"`
}

// Guards reports whether fairlead itself has locked the app, so that somebody must look at the host before it is rolled
// out again.
func (l *Lock) Guards() bool { return l != nil && (l.Rollout != "" || l.Lost) }

// Waiter is a request that waits until the app is free.
type Waiter struct {
	Kind      Kind      `json:"kind"`
	Image     string    `json:"image,omitempty"` // as it was asked for
	Release   string    `json:"release,omitempty"`
	Requester string    `json:"requester"`
	UID       int64     `json:"uid"`
	Reason    string    `json:"reason,omitempty"`
	Since     time.Time `json:"since"`
	Until     time.Time `json:"until"` // when it gives up
	Age       int64     `json:"age_seconds"`
}

// App is what is known of an app at one moment: what the journal says of it, and what its host shows.
type App struct {
	Name        string               `json:"name"`
	Environment string               `json:"environment"`
	Repository  string               `json:"repository"`
	Services    []string             `json:"services"`
	Current     *workload.Release    `json:"current,omitempty"` // of the last rollout that succeeded
	Active      string               `json:"active,omitempty"`  // the rollout that runs now
	Last        string               `json:"last,omitempty"`    // the newest rollout that ended
	Lock        *Lock                `json:"lock,omitempty"`
	Waiting     []Waiter             `json:"waiting,omitempty"` // for the app to be free, in the order in which they come
	Containers  []workload.Container `json:"containers,omitempty"`
	// Stands says why the active rollout does not move: what it does could not be recorded.
	Stands string `json:"stands,omitempty"`
	// Drift says, line by line, how the host differs from what the last rollout left.
	Drift []string `json:"drift,omitempty"`
	// Adopted tells since when, and why, the current release is what was found on the host: no rollout that the journal
	// knows has brought it there. Nil for one that was rolled out.
	Adopted *Adopted `json:"adopted,omitempty"`
	// Unrecognised says why the host could not be held against the journal yet. Until then nothing is rolled out.
	Unrecognised string `json:"unrecognised,omitempty"`
	// Targets are the releases that a rollback can go back to, the newest first.
	Targets []Target `json:"targets,omitempty"`
	// Disk is nil where the images could not be looked at.
	Disk *Disk `json:"disk,omitempty"`
	// KeptImages are those that are on the host under a name of ours, by their identities as they stand in that name.
	KeptImages []string `json:"-"`
	// Restarts is how each service is configured to be started again by the Engine, as far as that can be read.
	Restarts map[string]workload.RestartPolicy `json:"-"`
	// Unobserved says why the host could not be looked at.
	Unobserved string `json:"unobserved,omitempty"`
}

// Adopted tells of a release that was found on the host.
type Adopted struct {
	Since time.Time `json:"since"`
	Why   string    `json:"why"`
}

// SecretStatus is what is known of one secret of the catalog: rule 4 of ADR 0001, presence and source but no value.
type SecretStatus struct {
	Name        string                   `json:"name"`
	Env         string                   `json:"env"`
	Description string                   `json:"description,omitempty"`
	Required    bool                     `json:"required"`
	Provisioned bool                     `json:"provisioned"` // non-empty in the env sources now
	Origin      string                   `json:"origin,omitempty"`
	Faults      []string                 `json:"faults,omitempty"`  // what its value breaks of its declared format
	Sources     map[string]secret.Source `json:"sources,omitempty"` // per service, as the running app says
	Residue     secret.Verdict           `json:"residue,omitempty"` // empty text: it never had a column
	Changed     time.Time                `json:"changed,omitzero"`  // when a rollout first saw its present value
	// Pending tells that the value in the env sources is not the one that runs: a rotation is due.
	Pending bool `json:"pending,omitempty"`
}

// SecretReport is the status of all secrets of an app.
type SecretReport struct {
	App     string         `json:"app"`
	Secrets []SecretStatus `json:"secrets"`
	// Notes say what could not be looked at, and why.
	Notes []string `json:"notes,omitempty"`
}

// ResidueReport is what the database of an app still holds.
type ResidueReport struct {
	App     string           `json:"app"`
	Residue []secret.Residue `json:"residue"`
	// Hazards are what may keep copies of a value that is cleared.
	Hazards []secret.Hazard `json:"hazards,omitempty"`
	// Notes say what could not be looked at, and why.
	Notes []string `json:"notes,omitempty"`
}

// Progress is a passing sign of life of an action: it is shown to whoever watches, and never journalled.
type Progress struct {
	Step    Step   `json:"step"`
	Service string `json:"service,omitempty"`
	Text    string `json:"text"`
	Bytes   int64  `json:"bytes,omitempty"`
	Total   int64  `json:"total,omitempty"`
}
