package rollout

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/fault"
)

// The fuzzer's alphabet: two bytes make one event, of which the second says what it is about.
var (
	anyType = []EventType{"", Requested, Begun, Done, Failed, Cancelled, Suspended, Resumed, Ended, "rollout.paused"}
	anyVerb = []Verb{DoValidate, DoPull, DoReplace, DoVerify, DoPromote, DoRetire, DoKeep, DoClear, DoRestore, DoHold, DoHook, DoPrepare, DoPreStart, DoDiscard, DoEnd, DoExpire, Nothing}
	anyEnd  = []Outcome{Succeeded, Refused, RolledBack, Halted, ""}
	anyOne  = []string{"", "web", "worker", "db"}
)

// asked stands for the event that the machine itself asks for, so that the fuzzer gets into the depth of a rollout.
const asked = EventType("")

// spelled returns the event that two bytes stand for.
func spelled(sc scene, s State, now time.Time, what, about byte) Event {
	e := Event{Type: anyType[int(what)%len(anyType)], Time: now}
	if e.Type == asked {
		return next(sc, s, now)
	}
	a := Action{Verb: anyVerb[int(about)%len(anyVerb)], Service: anyOne[int(about)/len(anyVerb)%len(anyOne)]}
	if a.Verb == DoHook {
		a.Hook = int(about) % 12
	}
	if a.Step, _ = a.Verb.place(); what >= 128 {
		a.Step = Verify
	}
	if e.Outcome = anyEnd[int(about)%len(anyEnd)]; about < 240 {
		e.Action = &a
	}
	if about%2 == 0 {
		e.Failure, e.Evidence = &Failure{Kind: fault.Refused, Message: "no"}, sc.evidence(s, a)
	}
	return e
}

// next returns the event that the machine waits for: what it asks for begins, or else is done.
func next(sc scene, s State, now time.Time) Event {
	request := sc.request()
	a := Next(s, now)
	switch {
	case s.Phase == "":
		return Event{Type: Requested, Time: now, Request: &request}
	case a.Verb == DoEnd:
		return s.End(a.Outcome, now)
	case a.Verb == DoExpire:
		return Event{Type: Failed, Time: now, Action: &a, Failure: NewFailure(fault.New(fault.TimedOut, "late"))}
	case s.Doing != nil && s.Doing.Verb == a.Verb && s.Doing.Service == a.Service && s.Doing.Hook == a.Hook:
		return Event{Type: Done, Time: now, Action: &a, Evidence: sc.evidence(s, a)}
	}
	return Event{Type: Begun, Time: now, Action: &a}
}

// FuzzApply folds any sequence of events. None may panic, one that is not allowed may not change anything, and what the
// machine asks for must always be allowed.
//
// fuzz floor: 1000, since each input is a whole rollout.
func FuzzApply(f *testing.F) {
	follow := make([]byte, 60)
	for kind := range byte(9) {
		f.Add(kind, follow)
		f.Add(kind, []byte("\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
		f.Add(kind, []byte("\x00\x00\x02\x00\x04\x00\x08\x01\x09\x00\x02\xff\x03\xff\x04\xff\x03\x03"))
	}
	f.Fuzz(func(t *testing.T, kind byte, text []byte) {
		sc := scene{kind: []Kind{Deploy, Rotate, Cleanup}[kind%3], services: both, legacy: true, clears: true, prestart: kind%3 == 0 && kind > 2, hooks: kind > 5}
		s, now := State{}, dawn
		for len(text) > 1 {
			now = now.Add(time.Second)
			e := spelled(sc, s, now, text[0], text[1])
			text = text[2:]
			before := s.clone()
			after, err := Apply(s, e)
			if err != nil {
				if diff := cmp.Diff(before, after.clone()); diff != "" || fault.KindOf(err) != fault.Internal {
					t.Fatalf("%s is not allowed (%v), and changes the state:\n%s", e.Type, err, diff)
				}
			}
			if s = after; s.Phase != Over {
				if _, err := Apply(s, next(sc, s, now)); err != nil {
					t.Fatalf("after %s the machine asks for what it does not take: %v", e.Type, err)
				}
			}
		}
	})
}
