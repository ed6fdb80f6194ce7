package server

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/orchestrator"
	"github.com/capakraken/fairlead/internal/rollout"
)

// newEvent returns the wire form of e, an event of the rollout id.
func newEvent(id string, e orchestrator.Event) (api.Event, error) {
	if e.Progress != nil {
		return progress(id, e), nil
	}
	r := e.Record
	wire := api.Event{Seq: r.Seq, Time: r.Time, Type: r.Type, App: r.App, Rollout: r.Rollout, Actor: actorName(r.Actor)}
	if !ofRollout(r.Type) || len(r.Data) == 0 {
		return wire, nil
	}
	wire.Event = &rollout.Event{}
	if err := json.Unmarshal(r.Data, wire.Event); err != nil {
		return wire, fault.Hide(err, fault.Internal, "record %d of the journal is no event of a rollout", r.Seq)
	}
	return wire, nil
}

func progress(id string, e orchestrator.Event) api.Event {
	at := e.Record.Time
	if at.IsZero() {
		at = time.Now().UTC()
	}
	return api.Event{Time: at, Type: api.ProgressType, App: e.Record.App, Rollout: id, Progress: e.Progress}
}

// ofRollout tells whether records of this type hold a rollout's event.
func ofRollout(kind string) bool {
	return strings.HasPrefix(kind, "rollout.") || strings.HasPrefix(kind, "action.")
}

// actorName returns who an actor is, for people.
func actorName(a journal.Actor) string {
	if a.UID == 0 && a.PID == 0 {
		return a.User // the daemon itself
	}
	if number := strconv.FormatInt(a.UID, 10); a.User != number {
		return a.User + " (uid " + number + ")"
	}
	return "uid " + a.User
}
