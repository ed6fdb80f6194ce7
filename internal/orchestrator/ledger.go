package orchestrator

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// The records that are not events of a rollout.
const (
	locked   = "app.locked"
	unlocked = "app.unlocked"
)

// keep is how many ended rollouts are held in memory. Older ones are read from the journal.
const keep = 200

// ledger is what the journal says, folded: the rollouts, and what is known of each app.
type ledger struct {
	rollouts map[string]rollout.State
	first    map[string]uint64 // the sequence number of each rollout's first record
	order    []string          // the rollouts in memory, oldest first
	apps     map[string]*app
}

// app is what the journal says of one app.
type app struct {
	active  string // the rollout that has not ended
	last    string // the newest that has
	current *workload.Release
	left    *rollout.Previous // by the last deploy or rotate that succeeded
	lock    *rollout.Lock
	secrets map[string]known // by the secret's name
}

// known is a secret's value as the last successful rollout saw it.
type known struct {
	fingerprint secret.Fingerprint
	since       time.Time
}

func newLedger() *ledger {
	return &ledger{rollouts: map[string]rollout.State{}, first: map[string]uint64{}, apps: map[string]*app{}}
}

// app returns what is known of an app, which may be nothing.
func (l *ledger) app(name string) *app {
	a, ok := l.apps[name]
	if !ok {
		a = &app{secrets: map[string]known{}}
		l.apps[name] = a
	}
	return a
}

// active returns the rollouts that have not ended, oldest first.
func (l *ledger) active() []string {
	return slices.DeleteFunc(slices.Clone(l.order), func(id string) bool { return l.rollouts[id].Phase == rollout.Over })
}

// fold takes in one record. Records of types that this version does not know are passed over.
func (l *ledger) fold(r journal.Record) error {
	switch r.Type {
	case locked:
		l.app(r.App).lock = &rollout.Lock{Holder: r.Actor.User, Since: r.Time, Reason: reasonOf(r)}
		return nil
	case unlocked:
		l.app(r.App).lock = nil
		return nil
	}
	if !isRolloutEvent(r.Type) {
		return nil
	}
	e, err := eventOf(r)
	if err != nil {
		return err
	}
	s, err := rollout.Apply(l.rollouts[r.Rollout], e)
	if err != nil {
		return fault.New(fault.Internal, "journal record %d: %s", r.Seq, fault.Text(err))
	}
	l.rollouts[r.Rollout] = s
	switch e.Type {
	case rollout.Requested:
		l.order = append(l.order, r.Rollout)
		l.first[r.Rollout] = r.Seq
		l.app(r.App).active = r.Rollout
	case rollout.Ended:
		l.app(r.App).ended(s)
		l.forget()
	}
	return nil
}

// ended takes in how a rollout ended.
func (a *app) ended(s rollout.State) {
	a.active, a.last = "", s.Request.ID
	switch s.Outcome {
	case rollout.Halted:
		a.lock = &rollout.Lock{Holder: "fairlead", Since: s.Ended, Rollout: s.Request.ID,
			Reason: "rollout " + s.Request.ID + " halted: " + s.Stuck.Message}
	case rollout.Succeeded:
		for _, f := range s.Validated.Secrets {
			if a.secrets[f.Name].fingerprint != f.Fingerprint && s.Request.Kind != rollout.Cleanup {
				a.secrets[f.Name] = known{f.Fingerprint, s.Ended}
			}
		}
		if s.Restarts() || s.Request.Kind == rollout.Deploy {
			target := s.Target
			target.Since = s.Ended
			if a.current != nil && a.current.ID == target.ID && !s.Restarts() {
				target.Since = a.current.Since
			}
			a.current = &target
			a.left = &rollout.Previous{Release: target, Services: s.Validated.Services}
		}
	case rollout.Refused, rollout.RolledBack:
	}
}

// forget drops the oldest ended rollouts from memory.
func (l *ledger) forget() {
	for len(l.order) > keep {
		i := slices.IndexFunc(l.order, func(id string) bool { return l.rollouts[id].Phase == rollout.Over })
		if i < 0 {
			return
		}
		delete(l.rollouts, l.order[i])
		l.order = slices.Delete(l.order, i, i+1)
	}
}

// isRolloutEvent tells whether records of this type are events of a rollout.
func isRolloutEvent(t string) bool {
	switch rollout.EventType(t) {
	case rollout.Requested, rollout.Begun, rollout.Done, rollout.Failed, rollout.Cancelled, rollout.Suspended, rollout.Resumed, rollout.Ended:
		return true
	}
	return false
}

// eventOf returns the event that a record holds.
func eventOf(r journal.Record) (rollout.Event, error) {
	var e rollout.Event
	if len(r.Data) > 0 {
		if err := json.Unmarshal(r.Data, &e); err != nil {
			return e, fault.New(fault.Internal, "journal record %d (%s) cannot be read by this version", r.Seq, r.Type)
		}
	}
	e.Type, e.Time = rollout.EventType(r.Type), r.Time
	return e, nil
}

func reasonOf(r journal.Record) string {
	var data struct {
		Reason string `json:"reason"`
	}
	if json.Unmarshal(r.Data, &data) != nil {
		return ""
	}
	return data.Reason
}
