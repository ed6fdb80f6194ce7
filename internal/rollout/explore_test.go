package rollout

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// The fates of an action: what may happen to it, or to the daemon that does it.
const (
	works = iota
	failsBefore
	failsHalfway
	failsAfter
	diesBefore
	diesHalfway
	diesAfter
	diesForLong
	isCancelledBefore
	isCancelled
	isCancelledAfter
	fates
)

// trial is one path: a rollout that may still meet with so many deaths.
type trial struct {
	*run
	host, before *host
	deaths       int
	outcomes     map[Outcome]int
	// watch, where set, is told of each event on each path, with the state before it.
	watch func(*trial, State, Event)
}

// watched has the trial's own run tell of its events.
func (tr *trial) watched() {
	if tr.watch != nil {
		tr.seen = func(before State, e Event) { tr.watch(tr, before, e) }
	}
}

// walk takes every path from here on.
func (tr *trial) walk() {
	for tr.reconsider(); tr.recordOnly(); tr.reconsider() {
	}
	switch {
	case tr.state.Phase == Over:
		tr.judge()
		tr.outcomes[tr.state.Outcome]++
		return
	case len(tr.events) > 150:
		tr.Fatalf("there is no end to it: %s", tr.story())
	}
	a := tr.begin()
	for _, fate := range tr.fates(a) {
		fork := tr.fork()
		fork.meet(a, fate)
		fork.walk()
	}
}

// reconsider takes the path on which somebody cancels between two actions.
func (tr *trial) reconsider() {
	if tr.state.Cancellable() {
		fork := tr.fork()
		fork.cancel()
		fork.walk()
	}
}

// fork returns the same trial, to go another way.
func (tr *trial) fork() *trial {
	fork, r := *tr, *tr.run
	r.events = slices.Clip(r.events)
	fork.run, fork.host = &r, tr.host.clone()
	fork.watched()
	return &fork
}

// fates returns what may happen to an action. One that changes nothing has no middle.
func (tr *trial) fates(a Action) []int {
	open := []int{works, failsBefore}
	halves := slices.Contains([]Verb{DoReplace, DoRestore, DoPreStart}, a.Verb)
	changes := halves || slices.Contains([]Verb{DoPromote, DoRetire, DoKeep, DoClear, DoPrepare, DoDiscard}, a.Verb)
	if changes {
		open = append(open, failsAfter)
	}
	if halves {
		open = append(open, failsHalfway)
	}
	if tr.state.Cancellable() {
		open = append(open, isCancelledBefore, isCancelled, isCancelledAfter)
	}
	if tr.deaths == 0 {
		return open
	}
	open = append(open, diesBefore, diesForLong)
	if changes {
		open = append(open, diesAfter)
	}
	if halves {
		open = append(open, diesHalfway)
	}
	return open
}

// touch has the host changed by an action.
func (tr *trial) touch(a Action, half bool) {
	if wrong := tr.host.effect(a, half); wrong != "" {
		tr.Fatalf("%s: %s", tr.story(), wrong)
	}
}

func (tr *trial) story() string { return strings.Join(names(tr.events), ", ") }

// meet lets an action meet its fate.
func (tr *trial) meet(a Action, fate int) {
	switch fate {
	case failsHalfway, diesHalfway, isCancelled:
		tr.touch(a, true)
	case works, failsAfter, diesAfter, diesForLong, isCancelledAfter:
		tr.touch(a, false)
	}
	switch fate {
	case works:
		tr.done(a)
	case failsBefore, failsHalfway, failsAfter:
		tr.fail(a)
	case isCancelledBefore, isCancelled:
		tr.cancel()
		tr.fail(a)
	case isCancelledAfter:
		tr.cancel()
		tr.done(a)
	case diesBefore, diesHalfway, diesAfter, diesForLong:
		tr.die(fate == diesForLong)
	}
}

// die drops everything that is in memory. The next daemon folds it from the journal again.
func (tr *trial) die(long bool) {
	tr.deaths--
	var s State
	for _, e := range tr.events {
		var err error
		if s, err = Apply(s, journalled(tr.TB, e)); err != nil {
			tr.Fatalf("%s: replay: %v", tr.story(), err)
		}
	}
	if diff := cmp.Diff(tr.state, s, cmpopts.EquateEmpty()); diff != "" {
		tr.Fatalf("%s: the replay differs (-live +replayed):\n%s", tr.story(), diff)
	}
	tr.state = s
	if long {
		tr.now = tr.now.Add(time.Hour)
	}
	tr.apply(Event{Type: Resumed})
}

// Whatever becomes of each action, and whenever the daemon dies or somebody cancels, a rollout ends, and it ends true.
func TestEveryPath(t *testing.T) {
	one, two := []string{"web"}, []string{"web", "worker"}
	for _, c := range []struct {
		scene
		deaths int
	}{
		{scene{kind: Deploy, services: two, legacy: true, clears: true}, 1},
		{scene{kind: Deploy, services: one, legacy: true, clears: true}, 2},
		{scene{kind: Deploy, services: two, absent: true, legacy: true, clears: true}, 1},
		{scene{kind: Deploy, services: one, same: true, legacy: true, clears: true}, 2},
		{scene{kind: Deploy, services: one, legacy: true, clears: true, prestart: true}, 1},
		{scene{kind: Deploy, services: two, absent: true, prestart: true}, 1},
		{scene{kind: Deploy, services: one, same: true, prestart: true, hooks: true, legacy: true, clears: true}, 1},
		{scene{kind: Deploy, services: one, prestart: true, hooks: true, legacy: true, clears: true}, 0},
		{scene{kind: Cleanup, services: one, hooks: true, legacy: true, clears: true}, 1},
		{scene{kind: Rotate, services: two, legacy: true, clears: true}, 1},
		{scene{kind: Rollback, services: two, legacy: true}, 1},
		{scene{kind: Cleanup, services: two, legacy: true, clears: true}, 2},
	} {
		t.Run(fmt.Sprintf("%s of %d", c.kind, len(c.services)), func(t *testing.T) {
			t.Parallel()
			outcomes, h := map[Outcome]int{}, newHost(c.scene)
			tr := &trial{run: start(t, c.scene), host: h, before: h.clone(), deaths: c.deaths, outcomes: outcomes}
			tr.walk()
			t.Logf("%v", outcomes)
			t.Attr("ends", strconv.Itoa(outcomes[Succeeded]+outcomes[Refused]+outcomes[RolledBack]+outcomes[Halted]))
			if outcomes[Succeeded] == 0 || outcomes[Refused] == 0 {
				t.Errorf("not every outcome was met with: %v", outcomes)
			}
		})
	}
}

// judge holds the end against the host, and the way to it against the promises.
func (tr *trial) judge() {
	switch s := tr.state; s.Outcome {
	case Succeeded:
		for name, l := range tr.host.services {
			if s.Restarts() && (l.new != final || l.old == live) || !s.Restarts() && l != tr.before.services[name] {
				tr.Errorf("%s: it succeeded, and %s is %+v", tr.story(), name, l)
			}
		}
		if o := tr.host.oneOff; s.prestarts() && o != removed {
			tr.Errorf("%s: it succeeded, and the one-off container is %q", tr.story(), o)
		}
		if s.Clear == Complete && tr.host.residue {
			tr.Errorf("%s: the residue is not cleared", tr.story())
		}
	case Refused:
		if diff := cmp.Diff(tr.before, tr.host, cmp.AllowUnexported(host{}, life{})); diff != "" {
			tr.Errorf("%s: it was refused, and changed:\n%s", tr.story(), diff)
		}
	case RolledBack:
		if o := tr.host.oneOff; o != removed && o != never && s.Discard != Skipped {
			tr.Errorf("%s: it was rolled back, and the one-off container is %s", tr.story(), o)
		}
		if w := strings.Join(s.Warnings, " "); (s.PreStart != Pending) != strings.Contains(w, "schema") {
			tr.Errorf("%s: it does not say that the schema may have changed: %q", tr.story(), w)
		}
		for name, l := range tr.host.services {
			if l.old != tr.before.services[name].old || l.new == live || l.new == final {
				tr.Errorf("%s: it was rolled back, and %s is %+v", tr.story(), name, l)
			}
		}
		fallthrough
	case Halted:
		if tr.host.residue != tr.before.residue {
			tr.Errorf("%s: %s, and the residue was cleared", tr.story(), s.Outcome)
		}
	}
	tr.judgeOrder()
	tr.judgeDeadlines()
	if _, err := Apply(tr.state, Event{Type: Resumed, Time: tr.now}); err == nil {
		tr.Errorf("%s: something happens after the end", tr.story())
	}
}

// judgeOrder holds the order of the events against the promises. It knows only the events, not the state.
func (tr *trial) judgeOrder() {
	first := func(match func(Event) bool) int { return slices.IndexFunc(tr.events, match) }
	is := func(typ EventType, v Verb) func(Event) bool {
		return func(e Event) bool { return e.Type == typ && e.Action.Verb == v }
	}
	proved := first(is(Done, DoVerify))
	for _, v := range []Verb{DoPromote, DoRetire, DoKeep, DoClear} {
		if i := first(is(Begun, v)); i >= 0 && (proved < 0 || i < proved) {
			tr.Errorf("%s: %s comes before the proof", tr.story(), v)
		}
	}
	turned := first(func(e Event) bool { return e.Type == Begun && e.Action.Step == Revert })
	var replaced, restored []string
	for i, e := range tr.events {
		if e.Type != Begun {
			continue
		}
		if turned >= 0 && i > turned && e.Action.Step != Revert {
			tr.Errorf("%s: it goes forward again", tr.story())
		}
		switch e.Action.Verb {
		case DoReplace:
			replaced = append(replaced, e.Action.Service)
		case DoRestore:
			restored = append(restored, e.Action.Service)
		case DoHook, DoPrepare, DoPreStart, DoDiscard, DoValidate, DoPull, DoVerify, DoPromote, DoRetire, DoKeep, DoClear, DoHold, DoEnd, DoExpire, Nothing:
		}
	}
	replaced, restored = slices.Compact(replaced), slices.Compact(restored)
	slices.Reverse(replaced)
	if tr.state.Outcome == RolledBack && !slices.Equal(replaced, restored) {
		tr.Errorf("%s: what was replaced is restored as %v", tr.story(), restored)
	}
}

// judgeDeadlines holds every deadline against its step's first: none is later, unless it is the grace of an action that
// completes or puts back.
func (tr *trial) judgeDeadlines() {
	stored := map[Step]time.Time{}
	for i, e := range tr.events {
		if e.Type != Begun {
			continue
		}
		a := *e.Action
		of, _ := tr.state.limit(a)
		if _, ok := stored[of]; !ok {
			stored[of] = a.Deadline
		}
		graced := slices.Contains([]Verb{DoPromote, DoRetire, DoKeep, DoClear, DoRestore, DoHold, DoDiscard, DoPreStart}, a.Verb) &&
			a.Deadline.Equal(tr.events[i].Time.Add(Grace-time.Second))
		if !a.Deadline.Equal(stored[of]) && !graced {
			tr.Errorf("%s: the deadline of %s moved from %s to %s", tr.story(), named(a), stored[of], a.Deadline)
		}
	}
}
