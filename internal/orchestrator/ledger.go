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
	daemonStarted    = "daemon.started"
	daemonStopped    = "daemon.stopped"
	journalRepaired  = "journal.repaired"  // a torn end was cut off at the start
	journalRecovered = "journal.recovered" // it had failed, and can be written again
	requestRefused   = "request.refused"
	appLocked        = "app.locked"
	appUnlocked      = "app.unlocked"
)

// Level is the level of the records' meaning, raised whenever an older version could no longer fold them to the truth.
// The line format has a version of its own.
const Level = 1

// birth is the data of daemonStarted.
type birth struct {
	Version string `json:"version"`
	Level   int    `json:"level,omitempty"` // 0 before there were levels
}

// keep is how many ended rollouts are held in memory. Older ones are read from the journal.
const keep = 200

// ledger is what the journal says, folded: the rollouts, and what is known of each app. Its JSON form is that of the
// snapshot.
type ledger struct {
	Seq      uint64                   `json:"seq"`  // of the last record that was folded in
	Time     time.Time                `json:"time"` // of that record
	Rollouts map[string]rollout.State `json:"rollouts"`
	First    map[string]uint64        `json:"first"` // the sequence number of the first record of each of them
	Order    []string                 `json:"order"` // the rollouts in memory, oldest first
	Apps     map[string]*app          `json:"apps"`
}

// app is what the journal says of one app.
type app struct {
	Active  string            `json:"active,omitempty"` // the rollout that has not ended
	Last    string            `json:"last,omitempty"`   // the newest that has
	Current *workload.Release `json:"current,omitempty"`
	Left    *rollout.Previous `json:"left,omitempty"` // by the last deploy or rotate that succeeded
	Lock    *rollout.Lock     `json:"lock,omitempty"`
	Secrets map[string]known  `json:"secrets"` // by the secret's name
}

// known is a secret's value as the last successful rollout saw it.
type known struct {
	Fingerprint secret.Fingerprint `json:"fingerprint"`
	Since       time.Time          `json:"since"`
}

func newLedger() *ledger {
	return &ledger{Rollouts: map[string]rollout.State{}, First: map[string]uint64{}, Apps: map[string]*app{}}
}

// app returns what is known of an app, which may be nothing. Only folding adds one.
func (l *ledger) app(name string) *app {
	if a, ok := l.Apps[name]; ok {
		return a
	}
	return &app{Secrets: map[string]known{}}
}

// change returns what is known of an app, to be changed.
func (l *ledger) change(name string) *app {
	a := l.app(name)
	l.Apps[name] = a
	return a
}

// active returns the rollouts that have not ended, oldest first.
func (l *ledger) active() []string {
	return slices.DeleteFunc(slices.Clone(l.Order), func(id string) bool { return l.Rollouts[id].Phase == rollout.Over })
}

// fold takes in one record. Records of types that this level does not know say nothing that matters here.
func (l *ledger) fold(r journal.Record) error {
	l.Seq, l.Time = r.Seq, r.Time
	switch r.Type {
	case daemonStarted:
		return understood(r)
	case appLocked:
		l.change(r.App).Lock = &rollout.Lock{Holder: r.Actor.User, UID: uid(r.Actor), Since: r.Time, Reason: reasonOf(r)}
		return nil
	case appUnlocked:
		l.change(r.App).Lock = nil
		return nil
	}
	if !isRolloutEvent(r.Type) {
		return nil
	}
	e, err := eventOf(r)
	if err != nil {
		return err
	}
	s, err := rollout.Apply(l.Rollouts[r.Rollout], e)
	if err != nil {
		return fault.New(fault.Internal, "journal record %d: %s", r.Seq, fault.Text(err))
	}
	l.Rollouts[r.Rollout] = s
	switch e.Type {
	case rollout.Requested:
		l.Order = append(l.Order, r.Rollout)
		l.First[r.Rollout] = r.Seq
		l.change(r.App).Active = r.Rollout
	case rollout.Ended:
		l.change(r.App).ended(s)
		l.forget()
	}
	return nil
}

// understood returns a fault when a newer version has gone on with the journal in ways that this one would not see.
func understood(r journal.Record) error {
	var b birth
	if json.Unmarshal(r.Data, &b) != nil || b.Level <= Level {
		return nil
	}
	return fault.New(fault.Refused, "fairlead %s has written to this journal since record %d, in a form that this version does not understand (level %d, and this one knows %d); nothing was changed; start that version or a newer one",
		b.Version, r.Seq, b.Level, Level)
}

// ended takes in how a rollout ended.
func (a *app) ended(s rollout.State) {
	a.Active, a.Last = "", s.Request.ID
	switch s.Outcome {
	case rollout.Halted:
		a.Lock = &rollout.Lock{Holder: "fairlead", Since: s.Ended, Rollout: s.Request.ID,
			Reason: "rollout " + s.Request.ID + " halted: " + s.Stuck.Message}
	case rollout.Succeeded:
		for _, f := range s.Validated.Secrets {
			if a.Secrets[f.Name].Fingerprint != f.Fingerprint && s.Request.Kind != rollout.Cleanup {
				a.Secrets[f.Name] = known{f.Fingerprint, s.Ended}
			}
		}
		if s.Restarts() || s.Request.Kind == rollout.Deploy {
			target := s.Target
			target.Since = s.Ended
			if a.Current != nil && a.Current.ID == target.ID && !s.Restarts() {
				target.Since = a.Current.Since
			}
			a.Current = &target
			a.Left = &rollout.Previous{Release: target, Services: s.Validated.Services}
		}
	case rollout.Refused, rollout.RolledBack:
	}
}

// forget drops the oldest ended rollouts from memory.
func (l *ledger) forget() {
	for len(l.Order) > keep {
		i := slices.IndexFunc(l.Order, func(id string) bool { return l.Rollouts[id].Phase == rollout.Over })
		if i < 0 {
			return
		}
		delete(l.Rollouts, l.Order[i])
		delete(l.First, l.Order[i])
		l.Order = slices.Delete(l.Order, i, i+1)
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
