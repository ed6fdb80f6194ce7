package rollout

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What may happen to an action while it is under way.
const (
	fails        = "fails"
	cancelled    = "is cancelled and fails"
	cancelledYet = "is cancelled, and done all the same"
	dies         = "dies and is looked at again"
	late         = "dies, and is looked at an hour later"
)

var both = []string{"web", "worker"}

// Each story tells how a rollout of one kind goes, and every action of it in order.
func TestStories(t *testing.T) {
	const (
		replaced = "validate, pull, replace web, replace worker, "
		reverted = "restore worker, restore web, hold, end rolled_back"
	)
	for name, story := range map[string]struct {
		scene
		on   map[string]string
		want string
	}{
		"a deploy": {
			scene: scene{kind: Deploy, legacy: true, clears: true},
			want:  replaced + "verify, promote web, promote worker, retire web, retire worker, keep, clear, end succeeded"},
		"a deploy of one service": {
			scene: scene{kind: Deploy, services: []string{"web"}},
			want:  "validate, pull, replace web, verify, promote web, retire web, keep, end succeeded"},
		"a deploy whose clear is manual": {
			scene: scene{kind: Deploy, legacy: true},
			want:  replaced + "verify, promote web, promote worker, retire web, retire worker, keep, end succeeded"},
		"a first deploy": {
			scene: scene{kind: Deploy, absent: true},
			want:  replaced + "verify, promote web, promote worker, keep, end succeeded"},
		"a deploy of what runs": {
			scene: scene{kind: Deploy, same: true, legacy: true, clears: true},
			want:  "validate, pull, verify, keep, clear, end succeeded"},
		"a forced deploy of what runs": {
			scene: scene{kind: Deploy, same: true, force: true},
			want:  replaced + "verify, promote web, promote worker, retire web, retire worker, keep, end succeeded"},
		"a rotation": {
			scene: scene{kind: Rotate, legacy: true, clears: true},
			want:  "validate, replace web, replace worker, verify, promote web, promote worker, retire web, retire worker, keep, end succeeded"},
		"a rollback": {
			scene: scene{kind: Rollback, legacy: true, clears: true},
			want:  replaced + "verify, promote web, promote worker, retire web, retire worker, keep, end succeeded"},
		"a rollback that fails": {scene: scene{kind: Rollback}, on: map[string]string{"verify": fails}, want: replaced + "verify, " + reverted},
		"a cleanup": {
			scene: scene{kind: Cleanup, legacy: true, clears: true},
			want:  "validate, verify, clear, end succeeded"},

		"validate fails": {scene: scene{kind: Deploy}, on: map[string]string{"validate": fails}, want: "validate, end refused"},
		"pull fails":     {scene: scene{kind: Deploy}, on: map[string]string{"pull": fails}, want: "validate, pull, end refused"},
		"the first replace fails": {scene: scene{kind: Deploy}, on: map[string]string{"replace web": fails},
			want: "validate, pull, replace web, restore web, hold, end rolled_back"},
		"the second replace fails": {scene: scene{kind: Deploy}, on: map[string]string{"replace worker": fails}, want: replaced + reverted},
		"verify fails":             {scene: scene{kind: Deploy}, on: map[string]string{"verify": fails}, want: replaced + "verify, " + reverted},
		"a first deploy fails": {scene: scene{kind: Deploy, absent: true}, on: map[string]string{"verify": fails},
			want: replaced + "verify, " + reverted},
		"promote fails": {scene: scene{kind: Deploy}, on: map[string]string{"promote worker": fails},
			want: replaced + "verify, promote web, promote worker, " + reverted},
		"retire fails": {scene: scene{kind: Deploy}, on: map[string]string{"retire web": fails},
			want: replaced + "verify, promote web, promote worker, retire web, retire worker, keep, end succeeded"},
		"keep fails": {scene: scene{kind: Deploy, legacy: true, clears: true}, on: map[string]string{"keep": fails},
			want: replaced + "verify, promote web, promote worker, retire web, retire worker, keep, clear, end succeeded"},
		"keep is cut off": {scene: scene{kind: Rotate, services: []string{"web"}}, on: map[string]string{"keep": dies},
			want: "validate, replace web, verify, promote web, retire web, keep, keep, end succeeded"},
		"keep gets its grace": {scene: scene{kind: Rotate, services: []string{"web"}}, on: map[string]string{"keep": late},
			want: "validate, replace web, verify, promote web, retire web, keep, keep, end succeeded"},
		"clear fails": {scene: scene{kind: Deploy, legacy: true, clears: true}, on: map[string]string{"clear": fails},
			want: replaced + "verify, promote web, promote worker, retire web, retire worker, keep, clear, end succeeded"},
		"the rotation's replace fails": {scene: scene{kind: Rotate}, on: map[string]string{"replace web": fails},
			want: "validate, replace web, restore web, hold, end rolled_back"},
		"the cleanup's verify fails": {scene: scene{kind: Cleanup, legacy: true, clears: true}, on: map[string]string{"verify": fails},
			want: "validate, verify, end refused"},
		"the cleanup's clear fails": {scene: scene{kind: Cleanup, legacy: true, clears: true}, on: map[string]string{"clear": fails},
			want: "validate, verify, clear, end succeeded"},
		"what runs does not pass": {scene: scene{kind: Deploy, same: true}, on: map[string]string{"verify": fails},
			want: "validate, pull, verify, end refused"},
		"restore fails": {scene: scene{kind: Deploy}, on: map[string]string{"verify": fails, "restore worker": fails},
			want: replaced + "verify, restore worker, end halted"},
		"hold fails": {scene: scene{kind: Deploy}, on: map[string]string{"verify": fails, "hold": fails},
			want: replaced + "verify, restore worker, restore web, hold, end halted"},

		"cancelled in validate": {scene: scene{kind: Deploy}, on: map[string]string{"validate": cancelled}, want: "validate, end refused"},
		"cancelled in pull":     {scene: scene{kind: Deploy}, on: map[string]string{"pull": cancelledYet}, want: "validate, pull, end refused"},
		"cancelled in replace": {scene: scene{kind: Deploy}, on: map[string]string{"replace web": cancelled},
			want: "validate, pull, replace web, restore web, hold, end rolled_back"},
		"cancelled in a replace that is done": {scene: scene{kind: Deploy}, on: map[string]string{"replace web": cancelledYet},
			want: "validate, pull, replace web, restore web, hold, end rolled_back"},
		"cancelled in verify":                {scene: scene{kind: Deploy}, on: map[string]string{"verify": cancelled}, want: replaced + "verify, " + reverted},
		"cancelled in a verify that is done": {scene: scene{kind: Deploy}, on: map[string]string{"verify": cancelledYet}, want: replaced + "verify, " + reverted},
		"cancelled in promote": {scene: scene{kind: Deploy}, on: map[string]string{"promote worker": cancelledYet},
			want: replaced + "verify, promote web, promote worker, " + reverted},
		"the cleanup is cancelled": {scene: scene{kind: Cleanup, legacy: true, clears: true}, on: map[string]string{"verify": cancelledYet},
			want: "validate, verify, end refused"},

		"a death in replace": {scene: scene{kind: Rotate, services: []string{"web"}}, on: map[string]string{"replace web": dies},
			want: "validate, replace web, replace web, verify, promote web, retire web, keep, end succeeded"},
		"a death in clear": {scene: scene{kind: Cleanup, legacy: true, clears: true}, on: map[string]string{"clear": dies},
			want: "validate, verify, clear, clear, end succeeded"},
		"validate expires": {scene: scene{kind: Deploy}, on: map[string]string{"validate": late}, want: "validate, expire validate, end refused"},
		"pull expires":     {scene: scene{kind: Deploy}, on: map[string]string{"pull": late}, want: "validate, pull, expire pull, end refused"},
		"replace expires": {scene: scene{kind: Deploy}, on: map[string]string{"replace web": late},
			want: "validate, pull, replace web, expire restart, restore web, hold, end rolled_back"},
		"verify expires": {scene: scene{kind: Deploy}, on: map[string]string{"verify": late}, want: replaced + "verify, expire verify, " + reverted},
		"promote gets its grace": {scene: scene{kind: Rotate, services: []string{"web"}}, on: map[string]string{"promote web": late},
			want: "validate, replace web, verify, promote web, promote web, retire web, keep, end succeeded"},
		"restore gets its grace": {scene: scene{kind: Rotate, services: []string{"web"}}, on: map[string]string{"verify": fails, "restore web": late},
			want: "validate, replace web, verify, restore web, restore web, hold, end rolled_back"},
		"clear gets its grace": {scene: scene{kind: Cleanup, legacy: true, clears: true}, on: map[string]string{"clear": late},
			want: "validate, verify, clear, clear, end succeeded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if story.services == nil {
				story.services = both
			}
			r := start(t, story.scene)
			r.play(story.on)
			if got := strings.Join(names(r.events), ", "); got != story.want {
				t.Errorf("the story went\n  %s\nand should have gone\n  %s", got, story.want)
			}
			for _, e := range r.events {
				if diff := cmp.Diff(e, journalled(t, e)); diff != "" {
					t.Errorf("%s changes on its way through the journal (-before +after):\n%s", e.Type, diff)
				}
			}
			if a := Next(r.state, r.now); a != (Action{}) {
				t.Errorf("after the end comes %s", named(a))
			}
		})
	}
}

// play carries the rollout through to its end. What on says of an action happens to it the first time.
func (r *run) play(on map[string]string) {
	happened := map[string]bool{}
	for r.state.Phase != Over {
		if r.recordOnly() {
			continue
		}
		a := r.begin()
		if len(r.events) > 100 {
			r.Fatalf("there is no end to it: %s", strings.Join(names(r.events), ", "))
		}
		what := on[named(a)]
		if happened[named(a)] {
			what = ""
		}
		happened[named(a)] = true
		switch what {
		case fails:
			r.fail(a)
		case cancelled:
			r.cancel()
			r.fail(a)
		case cancelledYet:
			r.cancel()
			r.done(a)
		case dies, late:
			if what == late {
				r.now = r.now.Add(time.Hour)
			}
			r.apply(Event{Type: Resumed})
		default:
			r.done(a)
		}
	}
}

// A cancel between two actions turns the rollout back just as one in the middle of an action does.
func TestCancelBeforeEachAction(t *testing.T) {
	sc := scene{kind: Deploy, services: both, legacy: true, clears: true}
	for before, want := range map[string]Outcome{
		"validate": Refused, "pull": Refused, "replace web": Refused,
		"replace worker": RolledBack, "verify": RolledBack, "promote web": RolledBack, "promote worker": RolledBack, "retire web": RolledBack,
		"retire worker": Succeeded, "clear": Succeeded, // too late
	} {
		t.Run(before, func(t *testing.T) {
			t.Parallel()
			r := start(t, sc)
			for r.state.Phase != Over && named(Next(r.state, r.now)) != before {
				r.done(r.begin())
			}
			if want == Succeeded {
				if _, err := Apply(r.state, Event{Type: Cancelled, Time: r.now}); err == nil || r.state.Cancellable() {
					t.Fatal("the cancel was accepted")
				}
			} else {
				r.cancel()
			}
			r.play(nil)
			if r.state.Outcome != want {
				t.Errorf("it ended %s, not %s", r.state.Outcome, want)
			}
		})
	}
}

// A deadline is absolute and stored once for a step: neither another service nor another daemon makes it later.
func TestDeadlines(t *testing.T) {
	r := start(t, scene{kind: Deploy, services: both})
	for named(Next(r.state, r.now)) != "replace web" {
		r.done(r.begin())
	}
	first := r.begin()
	if want := r.now.Add(limits.Restart - time.Second); !first.Deadline.Equal(want) {
		t.Fatalf("the deadline of restart is %s, not %s", first.Deadline, want)
	}
	r.now = r.now.Add(time.Minute)
	r.apply(Event{Type: Resumed})
	if again := r.begin(); again != first {
		t.Errorf("after a restart: %+v, not %+v", again, first)
	}
	r.done(first)
	if second := r.begin(); !second.Deadline.Equal(first.Deadline) {
		t.Errorf("the second service's deadline is %s, not the step's %s", second.Deadline, first.Deadline)
	}
	for now, want := range map[time.Time]Verb{first.Deadline.Add(-1): DoReplace, first.Deadline: DoExpire} {
		if a := Next(r.state, now); a.Verb != want {
			t.Errorf("at %s comes %s, not %s", now, a.Verb, want)
		}
	}
}

// What completes or puts back gets Grace from when it is asked for, so that a daemon that comes late still looks.
func TestGrace(t *testing.T) {
	r := start(t, scene{kind: Deploy, services: both})
	for r.state.Verified == nil {
		r.done(r.begin())
	}
	stored := r.state.Deadlines[Verify]
	if a := Next(r.state, r.now); !a.Deadline.Equal(stored) {
		t.Errorf("promote ends at %s, not at its step's deadline %s", a.Deadline, stored)
	}
	lateNow := stored.Add(time.Hour)
	if a := Next(r.state, lateNow); a.Verb != DoPromote || !a.Deadline.Equal(lateNow.Add(Grace)) {
		t.Errorf("an hour late comes %s until %s", a.Verb, a.Deadline)
	}
}
