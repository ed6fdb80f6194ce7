// Package api holds the wire types of the daemon's HTTP interface and its client. A rollout's state travels as it is
// folded from the journal, so that what a client sees is what the daemon will act on.
package api

import (
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
)

// Trigger asks for a rollout. It is the body of POST /v1/apps/{app}/rollouts.
type Trigger struct {
	Kind  rollout.Kind `json:"kind"`
	Image string       `json:"image,omitempty"` // of a deploy: a tag, a digest, or a reference with either
	// Release is what a rollback goes back to: an id or the beginning of one; empty for the newest with another image.
	Release string `json:"release,omitempty"`
	// Confirmed says that a rollback may go past a release that ran a pre_start.
	Confirmed bool `json:"confirmed,omitempty"`
	Force     bool `json:"force,omitempty"`
	// AllowWeaker accepts containers that are less hardened than those they replace.
	AllowWeaker bool `json:"allow_weaker,omitempty"`
	// IfChanged asks for a rotation only if a service does not run with the environment that the sources give now. The
	// answer to one that is not needed is 200, and its rollout has no id.
	IfChanged bool   `json:"if_changed,omitempty"`
	Reason    string `json:"reason,omitempty"`
	// From says which host has verified the image of a deploy, whose digest it then is.
	From *rollout.From `json:"from,omitempty"`
}

// Reason is the body of a cancel, a lock and an unlock.
type Reason struct {
	Reason string `json:"reason"`
}

// Rollout is one rollout. Fault is "" while it runs and for a plain success; its exit code is the exit code of the
// command that waited for it.
type Rollout struct {
	ID    string     `json:"id"`
	App   string     `json:"app"`
	Kind  string     `json:"kind"`
	Fault fault.Kind `json:"fault,omitempty"`
	rollout.State
}

// NewRollout returns the wire form of s.
func NewRollout(s rollout.State) Rollout {
	return Rollout{ID: s.Request.ID, App: s.Request.App, Kind: string(s.Request.Kind), Fault: s.Fault(), State: s}
}

// Event is one event of a rollout's stream. Seq is the journal's sequence number and the id of the server-sent event;
// it is 0 for a passing sign of life, which carries Progress and nothing else.
type Event struct {
	Seq      uint64            `json:"seq,omitempty"`
	Time     time.Time         `json:"time"`
	Type     string            `json:"type"`
	App      string            `json:"app"`
	Rollout  string            `json:"rollout"`
	Actor    string            `json:"actor,omitempty"`
	Event    *rollout.Event    `json:"event,omitempty"`
	Progress *rollout.Progress `json:"progress,omitempty"`
}

// ProgressType is the type of an Event that carries Progress.
const ProgressType = "progress"

// ProblemType is the type of the server-sent event that tells why a stream ends before its rollout does. It carries a
// Problem.
const ProblemType = "problem"

// Problem is an error answer, application/problem+json of RFC 9457.
type Problem struct {
	Type     string          `json:"type"` // "about:blank"
	Title    string          `json:"title"`
	Status   int             `json:"status"`
	Detail   string          `json:"detail"`
	Instance string          `json:"instance,omitempty"`
	Kind     fault.Kind      `json:"kind"`
	Problems []fault.Problem `json:"problems,omitempty"`
	// Rollout is the rollout that holds the app, where one does.
	Rollout string `json:"rollout,omitempty"`
	// Holder is who asked for the rollout or the lock that holds the app; Since, Age and Reason are of that.
	Holder string    `json:"holder,omitempty"`
	Since  time.Time `json:"since,omitzero"`
	Age    int64     `json:"age_seconds,omitempty"`
	Reason string    `json:"reason,omitempty"`
	// Position is where the request stands among those that wait for the app, or would if it waited: 1 for the next.
	Position int `json:"position,omitempty"`
	// RetryAfter is in how many seconds to ask again, where that is worth it: the daemon is being started anew.
	RetryAfter int `json:"retry_after,omitempty"`
}

// The headers of a request that waits for its turn (Prefer: wait=SECONDS). Interim answers of status 102 carry a Problem
// that says why it waits, and since when; the latter is sent again with a request that waits on at another daemon.
const (
	WaitingHeader = "Fairlead-Waiting"
	SinceHeader   = "Fairlead-Waiting-Since"
)

// Health is the answer of GET /v1/health.
type Health struct {
	Version  string `json:"version"`
	Instance string `json:"instance"`
	// Refusing says why no rollout is accepted now; it is empty when all is well.
	Refusing string `json:"refusing,omitempty"`
}
