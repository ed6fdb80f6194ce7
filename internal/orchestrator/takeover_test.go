package orchestrator

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/workload"
)

// unfinished are the kept journals that end in the middle of a rollout, with how that ends when the next daemon comes
// soon, and when it comes after every deadline.
var unfinished = map[string][2]rollout.Outcome{
	"killed-in-validate":       {rollout.Succeeded, rollout.Refused},
	"killed-in-pull":           {rollout.Succeeded, rollout.Refused},
	"killed-in-promote":        {rollout.Succeeded, rollout.Succeeded},
	"killed-in-restart":        {rollout.Succeeded, rollout.RolledBack},
	"killed-in-second-restart": {rollout.Succeeded, rollout.RolledBack},
	"killed-in-verify":         {rollout.Succeeded, rollout.RolledBack},
	"stopped-in-verify":        {rollout.Succeeded, rollout.RolledBack},
	"killed-in-retire":         {rollout.Succeeded, rollout.Succeeded},
	"killed-in-clear":          {rollout.Succeeded, rollout.Succeeded},
	"killed-in-revert":         {rollout.RolledBack, rollout.RolledBack},
	"killed-in-hold":           {rollout.RolledBack, rollout.RolledBack},
	"killed-in-hook":           {rollout.Succeeded, rollout.Refused},
	"killed-in-prepare":        {rollout.Succeeded, rollout.Refused},
	"killed-in-pre-start":      {rollout.Succeeded, rollout.Succeeded},
	"killed-in-discard":        {rollout.RolledBack, rollout.RolledBack},
	"killed-in-keep":           {rollout.Succeeded, rollout.Succeeded},
}

// takeover is how a daemon of this version comes to a journal of an older one.
type takeover struct {
	late     bool // after every deadline
	happened bool // what was begun and has no result was done all the same
	torn     bool // the last record is not whole
}

// This version goes on with a rollout that an older one had begun, to a truthful end, whenever it comes and whatever
// became of what the older one was doing.
func TestTakeover(t *testing.T) {
	for _, name := range kept(t) {
		_, short, _ := strings.Cut(name, "/")
		ends, ok := unfinished[short]
		if !ok {
			continue
		}
		for _, c := range []takeover{{}, {happened: true}, {late: true}, {late: true, happened: true}, {torn: true}, {torn: true, late: true}} {
			t.Run(fmt.Sprintf("%s %+v", name, c), func(t *testing.T) {
				dir := copied(t, name)
				if c.torn {
					torn(t, dir)
				}
				bubble(t, func(t *testing.T) {
					r := &rig{TB: t, dir: dir, world: newWorld()}
					s := r.takenOver(c)
					want := ends[0]
					if c.late {
						want = ends[1]
					}
					if !c.torn && s.Outcome != want {
						t.Errorf("it ended %s, not %s: %s", s.Outcome, want, r.world.done())
					}
					r.truthful(s)
					r.stop()
					r.whole()
					r.bothVersions()
				})
			})
		}
	}
}

// takenOver goes on with the one rollout of the journal that has not ended.
func (r *rig) takenOver(c takeover) rollout.State {
	r.Helper()
	r.life()
	active := r.ledger.active()
	if len(active) != 1 {
		r.Fatalf("%d rollouts have not ended", len(active))
	}
	s := r.ledger.Rollouts[active[0]]
	r.relive(s.Request.ID)
	if c.happened && s.Doing != nil {
		if _, err := r.world.change(s, *s.Doing); err != nil {
			r.Fatal(err)
		}
	}
	pass(time.Until(r.ledger.Time.Add(time.Second)))
	if c.late {
		pass(time.Hour)
	}
	r.start()
	return r.end(s.Request.ID)
}

// relive has the world be as the recorded actions of a rollout have left it.
func (r *rig) relive(id string) {
	r.Helper()
	for rec, err := range r.Audit(1) {
		if err != nil {
			r.Fatal(err)
		}
		if rec.Rollout != id || rec.Type != string(rollout.Done) {
			continue
		}
		e, err := eventOf(rec)
		if err != nil {
			r.Fatal(err)
		}
		if _, err := r.world.change(rollout.State{}, *e.Action); err != nil {
			r.Fatal(err)
		}
	}
}

// truthful holds an outcome against the host.
func (r *rig) truthful(s rollout.State) {
	r.Helper()
	p, live, gone := r.world.picture(), "old-", false
	if s.Outcome == rollout.Succeeded {
		live, gone = "new-", true
	}
	for _, service := range services {
		if p.Live[service] != live+service || p.Retired[service] != gone {
			r.Errorf("it ended %s, and the host is %+v", s.Outcome, p)
		}
	}
	if cleared := s.Outcome == rollout.Succeeded && s.Clear == rollout.Complete; p.Residue == cleared {
		r.Errorf("it ended %s with clear %q, and the residue is there: %t", s.Outcome, s.Clear, p.Residue)
	}
}

// bothVersions makes sure that the journal says who wrote it, from where on.
func (r *rig) bothVersions() {
	r.Helper()
	var versions []string
	for rec, err := range r.Audit(1) {
		if err != nil {
			r.Fatal(err)
		}
		var b birth
		if rec.Type == daemonStarted && json.Unmarshal(rec.Data, &b) == nil {
			versions = append(versions, b.Version)
		}
	}
	if n := len(versions); n < 2 || versions[n-1] != "test" || slices.Contains(versions[:n-1], "test") {
		r.Errorf("the versions in the journal are %q", versions)
	}
}

// labelled returns the live containers, as they are when a rollout has brought a release.
func (r *rig) labelled(release workload.Release) []workload.Container {
	var found []workload.Container
	for _, service := range services {
		id := r.world.picture().Live[service]
		found = append(found, workload.Container{ID: id, Name: id, Service: service, Ours: true, Release: release.ID, Image: release.Image,
			Definitions: release.Definitions, Env: release.Env, Status: workload.Running})
	}
	return found
}

// After a finished rollout of an older version nothing is done by itself, what it left is known, and a lock holds.
func TestAfterOldRollouts(t *testing.T) {
	locks := map[string]string{"halted": "halted", "cancelled-locked": "the auditors are here", "abandoned-halted": "the host has gone on without this journal"}
	for _, name := range kept(t) {
		_, short, _ := strings.Cut(name, "/")
		if _, ok := unfinished[short]; ok {
			continue
		}
		t.Run(name, func(t *testing.T) {
			dir := copied(t, name)
			bubble(t, func(t *testing.T) {
				r := &rig{TB: t, dir: dir, world: newWorld()}
				r.life()
				pass(time.Until(r.ledger.Time.Add(time.Hour)))
				r.start()
				a, err := r.App(t.Context(), capakraken)
				if err != nil || r.world.done() != "" || a.Active != "" || a.Last == "" || a.Current == nil || a.Current.Image.Digest == "" {
					t.Errorf("after the start (%v) %q was done, and the app is %+v", err, r.world.done(), a)
				}
				if why := locks[short]; why != "" {
					_, err := r.Trigger(t.Context(), anna, request(rollout.Rotate))
					if wantKind(t, err, fault.Busy); !strings.Contains(fault.Text(err), why) {
						t.Errorf("the lock is told as: %v", err)
					}
					r.world.shows = func() []workload.Container { return r.labelled(*a.Current) }
					if err := r.unlock(capakraken, "all is well"); err != nil {
						t.Fatal(err)
					}
				}
				s := r.end(r.trigger(rollout.Rotate))
				// How a release that was only found on the host is made, nobody knows.
				known := a.Adopted != nil || s.Request.Previous != nil && s.Request.Previous.Release.ID == a.Current.ID
				if r.truthful(s); s.Outcome != rollout.Succeeded || !known {
					t.Errorf("the next rollout ended %s, and was told of %+v", s.Outcome, s.Request.Previous)
				}
				r.stop()
				r.whole()
				r.bothVersions()
			})
		})
	}
}
