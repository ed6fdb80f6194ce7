package orchestrator_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/steps/stepstest"
)

// said is what the panics of these tests say. Nobody may ever read it.
const said = "canary-panic-5d2c0a"

// buggy are the scenes in which the panics happen: together they have every action.
var buggy = []string{"deploy", "deploy whose first exits", "rotate", "cleanup", "deploy of what runs"}

// outcomeOf returns how a rollout ends in which an action panics.
func outcomeOf(action rollout.Verb) rollout.Outcome {
	switch action {
	case rollout.DoValidate, rollout.DoPull:
		return rollout.Refused
	case rollout.DoRetire, rollout.DoKeep, rollout.DoClear:
		return rollout.Succeeded // with a warning
	case rollout.DoRestore, rollout.DoHold:
		return rollout.Halted
	case rollout.DoReplace, rollout.DoVerify, rollout.DoPromote, rollout.DoEnd, rollout.DoExpire, rollout.Nothing:
	}
	return rollout.RolledBack
}

// panicking is one panic, and what is seen of it.
type panicking struct {
	in    string // the action that was under way
	verb  rollout.Verb
	aside bool // it was in the watch for the container's end, which nobody waits for once the verify has failed
	logs  *observer.ObservedLogs
}

// TestPanicInEveryCall has the code panic in every sort of call of the host in every action, wherever it is made from: also in a
// goroutine that an action has begun. Each is a failure of the action, is recorded without what was said, and the action
// is not begun again.
func TestPanicInEveryCall(t *testing.T) {
	eachScene(t, func(t *testing.T, c scene, app *stepstest.App, n *tally) {
		base := undisturbed(t, c, app)
		for _, k := range base.points {
			base.panicIn(t, n, k)
		}
	}, buggy...)
}

func (c course) panicIn(t *testing.T, n *tally, k int) {
	t.Helper()
	inBubble(t, func(t *testing.T) {
		s := c.stage(t, c.app)
		var p panicking
		s.log, p.logs = observed()
		var calls atomic.Int64
		s.host.Called = func(method string) {
			last := underWay(s.records())
			if int(calls.Add(1)) == k && last.Verb != "" {
				p.in, p.verb, p.aside = nameOf(last), last.Verb, method == "WaitExit"
				panic(said + " in " + method)
			}
		}
		s.live(nil)
		n.lives.Add(1)
		if p.in != "" {
			p.judge(t, fmt.Sprintf("call %d, in %s", k, p.in), c, s)
		}
	})
}

// judge holds what came of the panic against what is defined.
func (p *panicking) judge(t *testing.T, where string, base course, s *stage) {
	t.Helper()
	got := s.judge()
	if p.aside && got == base.whole {
		return
	}
	want := outcomeOf(p.verb)
	if want == rollout.RolledBack && (base.kind == rollout.Cleanup || base.release == "current") {
		want = rollout.Refused // nothing was touched
	}
	if got.Outcome != want {
		t.Errorf("%s: it ends %s and not %s (%s %s)", where, got.Outcome, want, got.Failure, got.Stuck)
	}
	if text := got.Failure + got.Stuck + got.Warnings; !strings.Contains(text, "a bug in fairlead ended "+string(p.verb)) {
		t.Errorf("%s: nobody is told: %s", where, text)
	}
	begun := 0
	for _, e := range s.records() {
		if e.String() == "action.begun "+p.in {
			begun++
		}
	}
	if begun != 1 {
		t.Errorf("%s: %s is begun %d times", where, p.in, begun)
	}
	p.silent(t, where, s)
}

// silent makes sure that the log has the stack, and nothing has what was said.
func (p *panicking) silent(t *testing.T, where string, s *stage) {
	t.Helper()
	if strings.Contains(string(s.disk.Joined(dir, ".jsonl")), said) {
		t.Errorf("%s: the journal holds what the panic said", where)
	}
	stacks := 0
	for _, e := range p.logs.All() {
		line := e.Message + fmt.Sprint(e.ContextMap())
		if strings.Contains(line, said) {
			t.Errorf("%s: the log holds what the panic said: %s", where, line)
		}
		if e.Level == zapcore.ErrorLevel && e.Message == "action panicked" && strings.Contains(line, "panic_points_test.go") {
			stacks++
		}
	}
	if stacks != 1 {
		t.Errorf("%s: the log has %d stacks that say where", where, stacks)
	}
}

func observed() (*zap.Logger, *observer.ObservedLogs) {
	core, logs := observer.New(zap.DebugLevel)
	return zap.New(core), logs
}

// underWay returns the action that was begun and has no result, going by the records.
func underWay(records []entry) rollout.Action {
	for _, e := range slices.Backward(records) {
		switch rollout.EventType(e.Type) {
		case rollout.Cancelled:
		case rollout.Begun:
			return e.Data.Action
		default:
			return rollout.Action{}
		}
	}
	return rollout.Action{}
}

// TestDeathAfterAPanic lets the daemon die between a panic and its record, and right after its record. Of the first
// nobody knows: it is an action that was interrupted, and the next daemon does it. The second is a failure as any other,
// and the action is not begun again.
func TestDeathAfterAPanic(t *testing.T) {
	eachScene(t, func(t *testing.T, c scene, app *stepstest.App, n *tally) {
		base := undisturbed(t, c, app)
		for k, name := range base.names {
			if action, ok := strings.CutPrefix(name, "action.begun "); ok {
				for _, w := range whens {
					base.panicAndDie(t, n, action, &death{append: k + 2, when: w}) // records count from 1, and the next one is its result
				}
			}
		}
	}, buggy...)
}

func (c course) panicAndDie(t *testing.T, n *tally, action string, d *death) {
	t.Helper()
	inBubble(t, func(t *testing.T) {
		s := c.stage(t, c.app)
		var p panicking
		s.log, p.logs = observed()
		s.do = func(_ *daemon, _ rollout.State, a rollout.Action) error {
			if p.in == "" && nameOf(a) == action {
				p.in, p.verb = action, a.Verb
				panic(said)
			}
			return nil
		}
		where := fmt.Sprintf("%s (%v)", action, d)
		for mortal := d; !s.live(mortal); {
			mortal = nil
		}
		n.lives.Add(int64(s.lives))
		n.deaths.Add(int64(s.lives - 1))
		content := string(s.disk.Joined(dir, ".jsonl"))
		heard := strings.Contains(content, "a bug in fairlead")
		if heard != (d.when == written || d.when == synced) && d.when != torn {
			t.Errorf("%s: on record is %t", where, heard)
		}
		if heard {
			p.judge(t, where, c, s)
			return
		}
		if got := s.judge(); got != c.whole {
			t.Errorf("%s: it does not go on as if it had been interrupted: %+v", where, got)
		}
	})
}
