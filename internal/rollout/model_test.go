package rollout

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout/rollouttest"
)

// statePage is held against the machine.
const statePage = "../../docs/state-model.md"

// model is what a walk has seen of the machine, in the words of docs/state-model.md.
type model struct {
	testing.TB
	states  rollouttest.Facts // by the name of the state
	actions rollouttest.Facts // by the verb
	edges   map[string]rollouttest.Set
	changes map[string]int // how often an event changes a field, by verb, type and field
	events  map[string]int // how often it comes, by verb and type
}

// modelled returns the model of all that can be walked: every kind, with everything that its way depends on.
func modelled(t *testing.T) *model {
	t.Helper()
	m := &model{TB: t, states: rollouttest.Facts{}, actions: rollouttest.Facts{}, edges: map[string]rollouttest.Set{},
		changes: map[string]int{}, events: map[string]int{}}
	for _, sc := range scenes() {
		h := newHost(sc)
		h.residue = true // where there is no legacy, nothing is ever cleared
		tr := &trial{run: &run{TB: t, scene: sc, now: dawn}, host: h, before: h.clone(), outcomes: map[Outcome]int{}, watch: m.watch}
		if len(sc.services) == 1 && sc.legacy && sc.clears && !sc.hooks {
			tr.deaths = 1
		}
		tr.watched()
		request := sc.request()
		tr.apply(Event{Type: Requested, Request: &request})
		tr.walk()
	}
	m.counted()
	return m
}

// walkable are the kinds of rollout that are walked.
var walkable = []Kind{Deploy, Rotate, Rollback, Cleanup}

// scenes returns everything that a rollout can be asked for, and find.
func scenes() []scene {
	var all []scene
	for _, kind := range walkable {
		for _, services := range [][]string{{"web"}, both} {
			for bits := range 16 {
				sc := scene{kind: kind, services: services, legacy: bits&1 != 0, clears: bits&2 != 0, absent: bits&4 != 0, same: bits&8 != 0}
				if sc.absent && sc.same || sc.absent && kind != Deploy && kind != Rollback || sc.same && kind != Deploy {
					continue // there is no such thing
				}
				all = append(all, sc)
			}
		}
	}
	for _, services := range [][]string{{"web"}, both} {
		all = append(all, scene{kind: Deploy, services: services, legacy: true, clears: true, prestart: true},
			scene{kind: Deploy, services: services, absent: true, prestart: true})
	}
	for _, kind := range walkable {
		all = append(all, scene{kind: kind, services: []string{"web"}, legacy: true, clears: true, hooks: true, prestart: kind == Deploy},
			scene{kind: kind, services: []string{"web"}, legacy: true, hooks: true, same: kind == Deploy})
	}
	return all
}

// node returns what a rollout is at: the action that comes next or is under way, or the outcome that it ends with. A
// deadline that has passed changes only what comes of the action.
func node(s State, now time.Time) string {
	a := Next(s, now)
	switch a.Verb {
	case Nothing:
		return "[*]"
	case DoEnd:
		return string(a.Outcome)
	case DoExpire:
		switch prestarts := a.Step == Restart && s.prestarts(); {
		case a.Hook > 0:
			return string(DoHook)
		case prestarts && s.Prepare != Complete:
			return string(DoPrepare)
		case prestarts && s.PreStart != Complete:
			return string(DoPreStart)
		}
		return string(map[Step]Verb{Validate: DoValidate, Pull: DoPull, Restart: DoReplace, Verify: DoVerify}[a.Step])
	}
	return string(a.Verb)
}

// place returns the name of a state.
func place(s State, now time.Time) string {
	switch at := node(s, now); {
	case s.Phase == Over:
		return string(s.Outcome)
	case s.Doing != nil && string(s.Doing.Verb) != at:
		return string(s.Doing.Verb) + " cancelled"
	case s.Doing != nil:
		return at + " under way"
	case s.Phase == Ending || Next(s, now).Verb == DoEnd:
		return at + " to be recorded"
	default:
		return at + " next"
	}
}

// watch takes down what one event does.
func (m *model) watch(tr *trial, before State, e Event) {
	s := tr.state
	at := place(s, e.Time)
	m.states.Add(at, "phase", string(s.Phase))
	if e.Type != Resumed {
		m.states.Add(at, "last record", string(e.Type))
	}
	m.hosted(tr, at)
	m.moved(before, s, e)
	m.acted(before, s, e)
	if s.Phase != Over && e.Type != Resumed {
		m.restarted(s, at, e.Time)
		m.cancelled(s, at, e.Time)
	}
}

// hosted takes down what the host may show in a state: of the service that it is about, or else of all.
func (m *model) hosted(tr *trial, at string) {
	one := Next(tr.state, tr.now).Service
	if d := tr.state.Doing; d != nil {
		one = d.Service
	}
	for name, l := range tr.host.services {
		if one == "" || one == name {
			m.states.Add(at, "old container", shown(l.old))
			m.states.Add(at, "new container", shown(l.new))
		}
	}
	if tr.scene.legacy {
		m.states.Add(at, "legacy values", map[bool]string{true: "there", false: "cleared"}[tr.host.residue])
	}
}

func shown(container string) string {
	return map[string]string{never: "none", made: "made", live: "running", kept: "kept", final: "current", removed: "removed"}[container]
}

// moved takes down an edge of the machine. Only a request, a result, a cancel and the end may move it.
func (m *model) moved(before, after State, e Event) {
	from, to, why := node(before, e.Time), node(after, e.Time), ""
	switch e.Type {
	case Requested:
		from, why = "[*]", "requested"
	case Done, Failed:
		why = strings.TrimPrefix(string(e.Type), "action.")
		if e.Action.Verb == DoExpire {
			why = "deadline"
		} else if string(e.Action.Verb) != from {
			why = "" // what comes late of an action that was cancelled
		}
	case Cancelled:
		why = "cancelled"
	case Ended:
		why = "recorded"
	}
	if why == "" {
		if from != to {
			m.Errorf("a %s moves the machine from %s to %s", e.Type, from, to)
		}
		return
	}
	edge := from + " --> " + to
	if m.edges[edge] == nil {
		m.edges[edge] = rollouttest.Set{}
	}
	m.edges[edge].Add(why)
}

// acted takes down what is known of an action, and what the records of it change. What is counted are the first time that
// it begins, and the failures that nobody brought about by a cancel.
func (m *model) acted(before, after State, e Event) {
	if e.Action == nil || e.Action.Verb == DoExpire {
		return
	}
	verb := string(e.Action.Verb)
	if e.Type == Begun {
		m.actions.Add(verb, "step", string(e.Action.Step))
		m.actions.Add(verb, "for", map[bool]string{true: "one service", false: "the app"}[e.Action.Service != ""])
		m.actions.Add(verb, "deadline", map[bool]string{true: "hard", false: "with grace"}[Next(after, e.Time.Add(time.Hour)).Verb == DoExpire])
	}
	if e.Type == Failed && verb == node(before, e.Time) {
		m.actions.Add(verb, "a failure leads to", node(after, e.Time))
	}
	event := verb + " " + strings.TrimPrefix(string(e.Type), "action.")
	if again := e.Type == Begun && before.Doing != nil; !again && !(e.Type == Failed && before.Cancel != "") {
		m.events[event]++
	}
	for _, change := range changed(before, after) {
		m.changes[event+" "+change]++
	}
}

// counted names what the records of each action change, with a question mark where they do not always.
func (m *model) counted() {
	for event := range m.events {
		verb, column, _ := strings.Cut(event, " ")
		m.actions.Add(verb, column)
	}
	for key, n := range m.changes {
		words := strings.Fields(key)
		if n < m.events[words[0]+" "+words[1]] {
			words[2] += "?"
		}
		m.actions.Add(words[0], words[1], words[2])
	}
}

// changed names the facts and marks in which two states differ. Where a rollout is, and since when, is told elsewhere.
func changed(before, after State) []string {
	elsewhere := []string{"Phase", "Step", "StepSince", "Deadlines", "Doing", "Services"}
	words := differing(reflect.ValueOf(before), reflect.ValueOf(after), elsewhere)
	for i := range after.Services {
		words = append(words, differing(reflect.ValueOf(before.Services[i]), reflect.ValueOf(after.Services[i]), nil)...)
	}
	slices.Sort(words)
	return slices.Compact(words)
}

func differing(before, after reflect.Value, except []string) []string {
	var words []string
	for i := range after.NumField() {
		name := after.Type().Field(i).Name
		if slices.Contains(except, name) || reflect.DeepEqual(before.Field(i).Interface(), after.Field(i).Interface()) {
			continue
		}
		word := strings.ToLower(name)
		if mark, ok := after.Field(i).Interface().(Mark); ok {
			word += "=" + string(mark)
		}
		words = append(words, word)
	}
	return words
}

// restarted takes down what a daemon does that is started in a state: soon, and when every deadline has passed.
func (m *model) restarted(s State, at string, now time.Time) {
	for column, after := range map[string]time.Duration{"restart": time.Second, "late restart": time.Hour} {
		then := now.Add(after)
		for _, typ := range []EventType{Suspended, Resumed} {
			same, err := Apply(s, Event{Type: typ, Time: then})
			if err != nil || node(same, then) != node(s, then) || !reflect.DeepEqual(same.Doing, s.Doing) {
				m.Fatalf("a %s moves the machine in %q: %v", typ, at, err)
			}
		}
		goesOn := s
		if a := Next(s, then); a.Verb == DoExpire {
			var err error
			if goesOn, err = Apply(s, Event{Type: Failed, Action: &a, Failure: &Failure{Kind: fault.TimedOut}, Time: then}); err != nil {
				m.Fatal(err)
			}
		}
		m.states.Add(at, column, node(goesOn, then))
	}
}

// cancelled takes down what a cancel does in a state.
func (m *model) cancelled(s State, at string, now time.Time) {
	after, err := Apply(s, Event{Type: Cancelled, Time: now})
	if (err == nil) != s.Cancellable() {
		m.Fatalf("in %q, a cancel is answered with %v", at, err)
	}
	if err != nil {
		m.states.Add(at, "cancel", "too late")
		return
	}
	m.states.Add(at, "cancel", node(after, now))
}
