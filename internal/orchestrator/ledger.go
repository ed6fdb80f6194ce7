package orchestrator

import (
	"cmp"
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
	appAdopted       = "app.adopted" // what the host shows is the current release, though the journal does not know of it
	appLost          = "app.lost"    // the host shows what the journal does not know, and somebody must look
)

// Level is the level of the records' meaning, raised whenever an older version could no longer fold them to the truth.
// The line format has a version of its own.
const Level = 3

// birth is the data of daemonStarted.
type birth struct {
	Version string `json:"version"`
	Level   int    `json:"level,omitempty"` // 0 before there were levels
	// Key is what the host's key is known by. Rekeyed tells that it is another than at the start before.
	Key     secret.Fingerprint `json:"key,omitempty"`
	Rekeyed bool               `json:"rekeyed,omitempty"`
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
	Key      secret.Fingerprint       `json:"key,omitempty"` // the mark of the key that fingerprints are made with
}

// app is what the journal says of one app.
type app struct {
	Active  string            `json:"active,omitempty"` // the rollout that has not ended
	Last    string            `json:"last,omitempty"`   // the newest that has
	Current *workload.Release `json:"current,omitempty"`
	Left    *rollout.Previous `json:"left,omitempty"` // by the last deploy or rotate that succeeded
	Lock    *rollout.Lock     `json:"lock,omitempty"`
	Secrets map[string]known  `json:"secrets"` // by the secret's name
	// Seen are the rollouts that only the containers know, and that somebody has taken note of.
	Seen    []string         `json:"seen,omitempty"`
	Adopted *rollout.Adopted `json:"adopted,omitempty"` // nil where the current release was rolled out
	// History are the releases that the app had, the newest first. The current one is among them.
	History []rollout.Past `json:"history,omitempty"`
	// Spare are images that were pulled for rollouts which did not succeed.
	Spare []rollout.PastImage `json:"spare,omitempty"`
	// Cleared are the secrets of which a legacy value was ever cleared.
	Cleared []string `json:"cleared,omitempty"`
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
		return l.born(r)
	case appLocked:
		l.change(r.App).Lock = &rollout.Lock{Holder: r.Actor.User, UID: uid(r.Actor), Since: r.Time, Reason: reasonOf(r)}
		return nil
	case appUnlocked:
		l.change(r.App).unlocked(r)
		return nil
	case appAdopted:
		if f := findingOf(r); f.Observed != nil {
			l.change(r.App).take(*f.Observed, r.Time, f.Reason)
		}
		return nil
	case appLost:
		a := l.change(r.App)
		a.Lock = &rollout.Lock{Holder: "fairlead", Since: r.Time, Reason: findingOf(r).Reason, Lost: true, Before: a.Lock}
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
		l.change(r.App).ended(s, l.Key)
		l.forget()
	}
	return nil
}

// born takes in the start of a daemon. It returns a fault when a newer version has gone on with the journal in ways that
// this one would not see. Fingerprints that were made with another key than today's tell nothing any more.
func (l *ledger) born(r journal.Record) error {
	var b birth
	if json.Unmarshal(r.Data, &b) != nil {
		return nil
	}
	if b.Level <= Level {
		if b.Key != "" && l.Key != "" && b.Key != l.Key {
			for _, a := range l.Apps {
				a.Secrets = map[string]known{}
			}
		}
		l.Key = cmp.Or(b.Key, l.Key)
		return nil
	}
	return fault.New(fault.Refused, "fairlead %s has written to this journal since record %d, in a form that this version does not understand (level %d, and this one knows %d); nothing was changed; start that version or a newer one",
		b.Version, r.Seq, b.Level, Level)
}

// ended takes in how a rollout ended; key is the mark of the host's key.
func (a *app) ended(s rollout.State, key secret.Fingerprint) {
	a.Active, a.Last = "", s.Request.ID
	defer a.lived(s)
	switch s.Outcome {
	case rollout.Halted:
		a.Lock = &rollout.Lock{Holder: "fairlead", Since: s.Ended, Rollout: s.Request.ID, Before: a.Lock,
			Reason: "rollout " + s.Request.ID + " halted: " + s.Stuck.Message}
	case rollout.Succeeded:
		for _, f := range s.Validated.Secrets {
			if k := s.Validated.Key; k != "" && k != key {
				break // they were fingerprinted with a key that is lost
			}
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
			if s.Restarts() {
				a.Adopted = nil
			}
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
	case rollout.Requested, rollout.Begun, rollout.Done, rollout.Failed, rollout.Cancelled, rollout.Suspended, rollout.Resumed, rollout.Abandoned, rollout.Ended:
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

func reasonOf(r journal.Record) string { return findingOf(r).Reason }

func findingOf(r journal.Record) finding {
	var f finding
	if json.Unmarshal(r.Data, &f) != nil {
		return finding{}
	}
	return f
}
