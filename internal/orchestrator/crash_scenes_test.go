package orchestrator_test

import (
	"time"

	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/steps/stepstest"
	"github.com/capakraken/fairlead/internal/workload"
)

// scene is one way in which a rollout goes.
type scene struct {
	name    string
	kind    rollout.Kind
	release string // that runs before: "" for the old one, "current" for the one that is asked for, "none" for nothing, "foreign" for one to take over
	force   bool
	set     func(*stage) // what stands in its way
	cancel  string       // the action in whose course it is cancelled
	two     bool         // it needs two services
	one     bool         // it is for one service
	full    int64        // when a segment of the journal is; 0 for the usual
	want    rollout.Outcome
}

// refusing has the host refuse these moves for good.
func refusing(k fault.Kind, moves ...string) func(*stage) {
	return func(s *stage) {
		for _, m := range moves {
			s.refuses[m] = fault.New(k, "%s is refused by the test", m)
		}
	}
}

// fresh has the new containers of a service behave in some way.
func fresh(service string, p stepstest.Program) func(*stage) {
	return func(s *stage) { s.host.Fresh[service] = p }
}

// all sets all of it.
func all(sets ...func(*stage)) func(*stage) {
	return func(s *stage) {
		for _, set := range sets {
			set(s)
		}
	}
}

// changed changes a container that is there from the beginning.
func changed(service string, change func(*workload.Container)) func(*stage) {
	return func(s *stage) { s.host.Change("old-"+service, stepstest.Program{}, change) }
}

// lost has the answer to a move get lost.
func lost(move string) func(*stage) {
	return func(s *stage) {
		s.host.After = func(m stepstest.Move) error {
			if m.String() != move {
				return nil
			}
			return fault.New(fault.Unavailable, "the answer to %s is lost", move)
		}
	}
}

var (
	exits = stepstest.Program{Exits: true, Chatty: "cannot start: " + stepstest.SMTP + " is wrong\n"}
	stale = stepstest.Program{Stale: true}
	sick  = stepstest.Program{Sick: true}

	noImage  = func(s *stage) { clear(s.host.Tags) }
	onTheWay = func(c *workload.Container) { c.AutoRemove = true }
	stopped  = func(c *workload.Container) { c.Status = workload.Exited }
	paused   = func(c *workload.Container) { c.Status = workload.Paused }
	differs  = func(s *stage) { s.host.Row["smtpPassword"] = secret.NewValue("canary-another-77c1") }
	broken   = func(s *stage) { s.host.Old["web"] = exits }
	unproved = func(s *stage) {
		s.host.Old["web"] = stale
		s.host.Change("old-web", stale, func(*workload.Container) {})
	}
)

// migrates has a one-off container run before the old ones stop.
func migrates(p stepstest.Program) func(*stage) {
	return func(s *stage) {
		app := *s.app
		app.PreStart = &config.PreStart{Service: "web", Command: []string{"migrate"}, Timeout: time.Minute}
		s.app, s.host.Migration = &app, p
	}
}

// scenes are the ways in which rollouts go.
var scenes = []scene{
	{name: "deploy", kind: rollout.Deploy, want: rollout.Succeeded},
	{name: "deploy of an app that takes its time", kind: rollout.Deploy, set: fresh("web", stepstest.Program{Boot: 7e9}), want: rollout.Succeeded},
	{name: "first deploy", kind: rollout.Deploy, release: "none", want: rollout.Succeeded},
	{name: "first deploy that is turned back", kind: rollout.Deploy, release: "none", set: fresh("web", exits), want: rollout.RolledBack},
	{name: "deploy that takes over", kind: rollout.Deploy, release: "foreign", one: true, want: rollout.Succeeded},
	{name: "deploy that fails to take over", kind: rollout.Deploy, release: "foreign", one: true, set: fresh("web", stale), want: rollout.RolledBack},
	{name: "deploy over a stopped one", kind: rollout.Deploy, set: changed("web", stopped), want: rollout.Succeeded},
	{name: "deploy over a stopped one, turned back", kind: rollout.Deploy, set: all(changed("web", stopped), fresh("web", exits)), want: rollout.RolledBack},
	{name: "deploy over a paused one, turned back", kind: rollout.Deploy, set: all(changed("web", paused), fresh("web", exits)), want: rollout.RolledBack},
	{name: "deploy with other residue", kind: rollout.Deploy, set: differs, want: rollout.Succeeded},
	{name: "deploy refused by validate", kind: rollout.Deploy, set: changed("web", onTheWay), want: rollout.Refused},
	{name: "deploy refused by pull", kind: rollout.Deploy, set: noImage, want: rollout.Refused},
	{name: "deploy whose pull fails", kind: rollout.Deploy, set: refusing(fault.Unavailable, "pull"), want: rollout.Refused},
	{name: "deploy whose first create fails", kind: rollout.Deploy, set: refusing(fault.Refused, "create new web"), want: rollout.RolledBack},
	{name: "deploy whose second create fails", kind: rollout.Deploy, two: true, set: refusing(fault.Refused, "create new worker"), want: rollout.RolledBack},
	{name: "deploy whose old one cannot be stopped", kind: rollout.Deploy, set: refusing(fault.Unavailable, "stop old web"), want: rollout.RolledBack},
	{name: "deploy whose new one cannot be started", kind: rollout.Deploy, set: refusing(fault.Conflict, "start new web"), want: rollout.RolledBack},
	{name: "deploy whose second new one cannot be started", kind: rollout.Deploy, two: true, set: refusing(fault.Conflict, "start new worker"), want: rollout.RolledBack},
	{name: "deploy whose first exits", kind: rollout.Deploy, set: fresh("web", exits), want: rollout.RolledBack},
	{name: "deploy whose second exits", kind: rollout.Deploy, two: true, set: fresh("worker", exits), want: rollout.RolledBack},
	{name: "deploy that uses the database", kind: rollout.Deploy, set: fresh("web", stale), want: rollout.RolledBack},
	{name: "deploy that is never well", kind: rollout.Deploy, one: true, set: fresh("web", sick), want: rollout.RolledBack},
	{name: "deploy whose first promote fails", kind: rollout.Deploy, set: refusing(fault.Conflict, "rename new web"), want: rollout.RolledBack},
	{name: "deploy whose last promote fails", kind: rollout.Deploy, two: true, set: refusing(fault.Unavailable, "policy new worker"), want: rollout.RolledBack},
	{name: "deploy whose first retire fails", kind: rollout.Deploy, set: refusing(fault.Unavailable, "remove old web"), want: rollout.Succeeded},
	{name: "deploy whose retires fail", kind: rollout.Deploy, two: true, set: refusing(fault.Unavailable, "remove old web", "remove old worker"), want: rollout.Succeeded},
	{name: "deploy whose clear is refused", kind: rollout.Deploy, set: refusing(fault.Refused, "update"), want: rollout.Succeeded},
	{name: "deploy whose clear fails", kind: rollout.Deploy, set: refusing(fault.Unavailable, "commit"), want: rollout.Succeeded},
	{name: "deploy whose clear is not answered", kind: rollout.Deploy, set: lost("commit"), want: rollout.Succeeded},
	{name: "deploy halted by a start", kind: rollout.Deploy, set: all(fresh("web", exits), refusing(fault.Refused, "start old web")), want: rollout.Halted},
	{name: "deploy halted by a removal", kind: rollout.Deploy, two: true, set: all(fresh("worker", exits), refusing(fault.Refused, "remove new worker")), want: rollout.Halted},
	{name: "deploy halted by hold", kind: rollout.Deploy, set: all(fresh("web", exits), broken), want: rollout.Halted},
	{name: "deploy cancelled in validate", kind: rollout.Deploy, cancel: "validate", want: rollout.Refused},
	{name: "deploy cancelled in pull", kind: rollout.Deploy, cancel: "pull", want: rollout.Refused},
	{name: "deploy cancelled in replace", kind: rollout.Deploy, cancel: "replace web", want: rollout.RolledBack},
	{name: "deploy cancelled in the second replace", kind: rollout.Deploy, two: true, cancel: "replace worker", want: rollout.RolledBack},
	{name: "deploy cancelled in verify", kind: rollout.Deploy, cancel: "verify", want: rollout.RolledBack},
	{name: "deploy cancelled in promote", kind: rollout.Deploy, cancel: "promote web", want: rollout.RolledBack},
	{name: "deploy cancelled in the last promote", kind: rollout.Deploy, two: true, cancel: "promote worker", want: rollout.RolledBack},
	{name: "deploy cancelled, and the revert halts", kind: rollout.Deploy, cancel: "verify", set: refusing(fault.Refused, "start old web"), want: rollout.Halted},

	{name: "deploy that migrates", kind: rollout.Deploy, set: migrates(stepstest.Program{Boot: 3 * time.Second}), want: rollout.Succeeded},
	{name: "deploy whose migration fails", kind: rollout.Deploy, set: migrates(stepstest.Program{Boot: 3 * time.Second, Sick: true}), want: rollout.RolledBack},
	{name: "deploy that migrates, and is turned back", kind: rollout.Deploy, one: true, set: all(migrates(stepstest.Program{}), fresh("web", exits)), want: rollout.RolledBack},
	{name: "deploy whose one-off container cannot be made", kind: rollout.Deploy, one: true, set: all(migrates(stepstest.Program{}), refusing(fault.Unavailable, "create new pre_start")), want: rollout.Refused},
	{name: "deploy cancelled in its migration", kind: rollout.Deploy, one: true, cancel: "pre_start", set: migrates(stepstest.Program{Boot: 3 * time.Second}), want: rollout.RolledBack},

	{name: "rotate", kind: rollout.Rotate, want: rollout.Succeeded},
	{name: "rotate refused", kind: rollout.Rotate, set: changed("web", stopped), want: rollout.Refused},
	{name: "rotate whose replace fails", kind: rollout.Rotate, set: refusing(fault.Conflict, "start new web"), want: rollout.RolledBack},
	{name: "rotate whose first exits", kind: rollout.Rotate, set: fresh("web", exits), want: rollout.RolledBack},
	{name: "rotate whose second exits", kind: rollout.Rotate, two: true, set: fresh("worker", exits), want: rollout.RolledBack},
	{name: "rotate whose promote fails", kind: rollout.Rotate, set: refusing(fault.Conflict, "rename new web"), want: rollout.RolledBack},
	{name: "rotate whose retire fails", kind: rollout.Rotate, set: refusing(fault.Unavailable, "remove old web"), want: rollout.Succeeded},
	{name: "rotate halted by a start", kind: rollout.Rotate, set: all(fresh("web", exits), refusing(fault.Refused, "start old web")), want: rollout.Halted},
	{name: "rotate halted by hold", kind: rollout.Rotate, one: true, set: all(fresh("web", exits), broken), want: rollout.Halted},
	{name: "rotate cancelled in validate", kind: rollout.Rotate, cancel: "validate", want: rollout.Refused},
	{name: "rotate cancelled in replace", kind: rollout.Rotate, cancel: "replace web", want: rollout.RolledBack},
	{name: "rotate cancelled in verify", kind: rollout.Rotate, cancel: "verify", want: rollout.RolledBack},
	{name: "rotate cancelled in promote", kind: rollout.Rotate, cancel: "promote web", want: rollout.RolledBack},

	{name: "rollback", kind: rollout.Rollback, want: rollout.Succeeded},
	{name: "rollback over a stopped one", kind: rollout.Rollback, set: changed("web", stopped), want: rollout.Succeeded},
	{name: "rollback refused by validate", kind: rollout.Rollback, set: changed("web", onTheWay), want: rollout.Refused},
	{name: "rollback whose pull fails", kind: rollout.Rollback, set: refusing(fault.Unavailable, "pull"), want: rollout.Refused},
	{name: "rollback whose first exits", kind: rollout.Rollback, set: fresh("web", exits), want: rollout.RolledBack},
	{name: "rollback that uses the database", kind: rollout.Rollback, set: fresh("web", stale), want: rollout.RolledBack},
	{name: "rollback halted by a start", kind: rollout.Rollback, set: all(fresh("web", exits), refusing(fault.Refused, "start old web")), want: rollout.Halted},
	{name: "rollback that cannot keep its image", kind: rollout.Rollback, set: refusing(fault.Unavailable, "tag"), want: rollout.Succeeded},
	{name: "rollback that cannot let go", kind: rollout.Rollback, set: refusing(fault.Unavailable, "untag"), want: rollout.Succeeded},
	{name: "rollback cancelled in verify", kind: rollout.Rollback, cancel: "verify", want: rollout.RolledBack},

	{name: "cleanup", kind: rollout.Cleanup, want: rollout.Succeeded},
	{name: "cleanup with other residue", kind: rollout.Cleanup, set: differs, want: rollout.Succeeded},
	{name: "cleanup refused", kind: rollout.Cleanup, set: changed("web", stopped), want: rollout.Refused},
	{name: "cleanup without proof", kind: rollout.Cleanup, set: unproved, want: rollout.Refused},
	{name: "cleanup whose clear fails", kind: rollout.Cleanup, set: refusing(fault.Unavailable, "update"), want: rollout.Succeeded},
	{name: "cleanup whose clear is not answered", kind: rollout.Cleanup, set: lost("commit"), want: rollout.Succeeded},
	{name: "cleanup cancelled in validate", kind: rollout.Cleanup, cancel: "validate", want: rollout.Refused},
	{name: "cleanup cancelled in verify", kind: rollout.Cleanup, cancel: "verify", want: rollout.Refused},

	{name: "deploy of what runs", kind: rollout.Deploy, release: "current", want: rollout.Succeeded},
	{name: "deploy of what runs, refused by pull", kind: rollout.Deploy, release: "current", set: noImage, want: rollout.Refused},
	{name: "deploy of what runs, without proof", kind: rollout.Deploy, release: "current", set: unproved, want: rollout.Refused},
	{name: "deploy of what runs, whose clear fails", kind: rollout.Deploy, release: "current", set: refusing(fault.Unavailable, "commit"), want: rollout.Succeeded},
	{name: "deploy of what runs, cancelled", kind: rollout.Deploy, release: "current", cancel: "verify", want: rollout.Refused},

	{name: "forced deploy of what runs", kind: rollout.Deploy, release: "current", force: true, want: rollout.Succeeded},
	{name: "forced deploy, turned back", kind: rollout.Deploy, release: "current", force: true, set: fresh("web", exits), want: rollout.RolledBack},
	{name: "forced deploy, cancelled", kind: rollout.Deploy, release: "current", force: true, cancel: "verify", want: rollout.RolledBack},
}
