package rollout

import (
	"time"

	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// EventType says what happened. It is also the type of the journal's record.
type EventType string

// The events of a rollout, in the order in which they can come.
const (
	Requested EventType = "rollout.requested"
	Begun     EventType = "action.begun" // durable before the action's first side effect
	Done      EventType = "action.done"
	Failed    EventType = "action.failed"
	Cancelled EventType = "rollout.cancelled"
	Suspended EventType = "rollout.suspended" // the daemon stops; the next one goes on
	Resumed   EventType = "rollout.resumed"
	Abandoned EventType = "rollout.abandoned" // the host has gone on without the journal, so it is not resumed
	Ended     EventType = "rollout.ended"
)

// Event is one fact about a rollout. Its JSON form is the data of a journal record: names, digests, counts and
// fingerprints, never a secret value.
type Event struct {
	Type     EventType `json:"-"`
	Time     time.Time `json:"-"`
	Request  *Request  `json:"request,omitempty"`  // of Requested
	Action   *Action   `json:"action,omitempty"`   // of Begun, Done and Failed
	Evidence *Evidence `json:"evidence,omitempty"` // of Done, and of a hook's Failed
	Failure  *Failure  `json:"failure,omitempty"`  // of Failed and Abandoned, and of Ended unless it succeeded
	Reason   string    `json:"reason,omitempty"`   // of Cancelled and Suspended
	Outcome  Outcome   `json:"outcome,omitempty"`  // of Ended, and of Abandoned the one to come
	Warnings []string  `json:"warnings,omitempty"` // of Ended
}

// Request is what was asked for.
type Request struct {
	ID       string         `json:"id"`
	App      string         `json:"app"`
	Kind     Kind           `json:"kind"`
	Services []string       `json:"services"` // in the order in which they are replaced
	Image    workload.Image `json:"image,omitzero"`
	Force    bool           `json:"force,omitempty"` // replace the containers even if they are the same release
	// AllowWeaker accepts new containers that are less hardened than the old ones.
	AllowWeaker bool      `json:"allow_weaker,omitempty"`
	Clears      bool      `json:"clears"` // whether the clear step clears, or only reports
	Reason      string    `json:"reason,omitempty"`
	Requester   string    `json:"requester"`
	UID         *int64    `json:"requester_uid,omitempty"`
	Limits      Limits    `json:"limits"`
	PreStart    *PreStart `json:"pre_start,omitempty"` // nil where nothing runs before the old containers stop
	Hooks       []Hook    `json:"hooks,omitempty"`
	// Previous is what the app was left with, so that a container which is lost meanwhile can be made again.
	Previous *Previous `json:"previous,omitempty"`
	// Images is what is known of the app's images; nil where they are left alone.
	Images *Images `json:"images,omitempty"`
	// From says which host had verified the image before; nil where nobody says so.
	From *From `json:"from,omitempty"`
	// To is the release that a rollback goes back to.
	To string `json:"to,omitempty"`
	// IdempotencyKey is the caller's; a second request with the same key is the same rollout.
	IdempotencyKey string `json:"idempotency_key,omitempty"`
}

// Previous is the release that the last successful rollout left, with what its containers are made from.
type Previous struct {
	Release  workload.Release   `json:"release"`
	Services []workload.Service `json:"services"`
}

// Evidence is what an action found or did; exactly one part is set.
type Evidence struct {
	Validated  *Validated         `json:"validated,omitempty"`
	Pulled     *Pulled            `json:"pulled,omitempty"`
	Hooked     *Hooked            `json:"hooked,omitempty"`
	Prepared   *Prepared          `json:"prepared,omitempty"`
	PreStarted *PreStarted        `json:"pre_started,omitempty"`
	Discarded  *Discarded         `json:"discarded,omitempty"`
	Replaced   *workload.Replaced `json:"replaced,omitempty"`
	Verified   *Verified          `json:"verified,omitempty"`
	Cleared    *Cleared           `json:"cleared,omitempty"`
	Restored   *Restored          `json:"restored,omitempty"`
	Kept       *Kept              `json:"kept,omitempty"`
}

// Validated is what validate found.
type Validated struct {
	Sources     []string           `json:"sources"`            // where the environment was read
	Provided    []SourceFact       `json:"provided,omitempty"` // by each source, in their order
	Keys        []string           `json:"keys"`               // the variables' names
	Secrets     []SecretFact       `json:"secrets"`
	Services    []workload.Service `json:"services"`       // their definitions, without environment
	Definitions secret.Fingerprint `json:"definitions"`    // of them
	Env         secret.Fingerprint `json:"env"`            // of all services' environments together
	Key         secret.Fingerprint `json:"key,omitempty"`  // the mark of the key that all fingerprints are made with
	Image       workload.Image     `json:"image,omitzero"` // that runs now, for kinds that keep it
	Baseline    []Baseline         `json:"baseline"`
	HasLegacy   bool               `json:"has_legacy,omitempty"`
	Residue     []secret.Residue   `json:"residue,omitempty"`
	Database    secret.Fingerprint `json:"database,omitempty"` // of the address of the legacy database
	Survey      *secret.Survey     `json:"survey,omitempty"`   // of that database
	Warnings    []string           `json:"warnings,omitempty"`
}

// SourceFact is what one env source gave: names, and never a value.
type SourceFact struct {
	Source     string   `json:"source"`               // as origins call it
	Kind       string   `json:"kind"`                 // file, environment, age or exec
	Keys       []string `json:"keys"`                 // the variables that the containers get from it
	Overridden []string `json:"overridden,omitempty"` // those that a later source gives another value
}

// SecretFact is what is known of one secret of the catalog.
type SecretFact struct {
	Name        string             `json:"name"`
	Env         string             `json:"env"`
	Provisioned bool               `json:"provisioned"`           // non-empty in the environment
	Gated       bool               `json:"gated"`                 // verify requires its source to be environment
	Fingerprint secret.Fingerprint `json:"fingerprint,omitempty"` // of its value
	Origin      string             `json:"origin,omitempty"`      // file:line
}

// Baseline is what validate found of one service.
type Baseline struct {
	Service   string              `json:"service"`
	Container *workload.Container `json:"container,omitempty"` // nil when the service was absent
	Answered  bool                `json:"answered"`            // it answered its status check
	Answer    workload.Answer     `json:"answer,omitzero"`
}

// Pulled is what pull found and did.
type Pulled struct {
	Image  workload.Image `json:"image"`
	Bytes  int64          `json:"bytes"`
	Cached bool           `json:"cached"` // nothing was fetched
	// Mirror is the repository that it was fetched from, where that is a mirror's.
	Mirror string `json:"mirror,omitempty"`
	// Warnings say what an operator should know of where the image is from, and how the new containers differ from the
	// old ones.
	Warnings []string `json:"warnings,omitempty"`
}

// Verified is the proof that every container of the rollout is what it should be.
type Verified struct {
	Attempts int      `json:"attempts"`
	Proofs   []Proof  `json:"proofs"`
	Warnings []string `json:"warnings,omitempty"`
}

// Proof is the proof of one container.
type Proof struct {
	Service   string          `json:"service"`
	Container string          `json:"container"`
	StartedAt time.Time       `json:"started_at"`
	Answer    workload.Answer `json:"answer"`
}

// Cleared is what clear did to each legacy value.
type Cleared struct {
	Residue []secret.Residue `json:"residue"`
	// Remains are what may keep copies of the cleared values.
	Remains []secret.Hazard `json:"remains,omitempty"`
	// Notes say what was not done or not seen after the clearing.
	Notes []string `json:"notes,omitempty"`
}

// Names returns the names of the secrets whose legacy value it cleared.
func (c *Cleared) Names() []string {
	if c == nil {
		return nil
	}
	var names []string
	for _, r := range c.Residue {
		if r.Cleared {
			names = append(names, r.Secret)
		}
	}
	return names
}

// Left returns the names of the secrets whose legacy value is still there.
func Left(residue []secret.Residue) []string {
	var names []string
	for _, r := range residue {
		if r.Verdict != secret.Empty && !r.Cleared {
			names = append(names, r.Secret)
		}
	}
	return names
}

// Restored is what is kept of a container that a revert took away.
type Restored struct {
	Service  string          `json:"service"`
	Removed  string          `json:"removed,omitempty"` // the new container's id
	Status   workload.Status `json:"status,omitempty"`  // in which it was found
	ExitCode int             `json:"exit_code,omitempty"`
	Log      string          `json:"log,omitempty"` // its last lines, redacted
	Baseline string          `json:"baseline"`      // what runs again: running, stopped or absent
	// Remade is the id of the container that was made in the place of an old one which somebody had removed.
	Remade string `json:"remade,omitempty"`
}
