package api_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/orchestrator"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/server"
	"github.com/capakraken/fairlead/internal/server/servertest"
)

// log is a rollout's events. A watch gets those that are there, calls reached, and then waits for its end.
type log struct {
	kinds   []rollout.EventType
	err     error
	reached func()
}

func (l *log) rollouts() *servertest.Rollouts {
	return &servertest.Rollouts{
		RolloutFunc: func(string) (rollout.State, error) { return rollout.State{}, nil },
		WatchFunc: func(ctx context.Context, id string, after uint64) iter.Seq2[orchestrator.Event, error] {
			return func(yield func(orchestrator.Event, error) bool) {
				for i, kind := range l.kinds {
					e := rollout.Event{Type: kind, Time: servertest.At(i)}
					seq := uint64(i + 1)
					if seq > after && !yield(orchestrator.Event{Record: servertest.Record(seq, journal.Actor{User: "fairlead"}, e, "a", id)}, nil) {
						return
					}
				}
				if l.err != nil {
					yield(orchestrator.Event{}, l.err)
					return
				}
				if l.reached != nil {
					l.reached()
				}
				<-ctx.Done()
			}
		},
	}
}

// TestWatch follows a rollout while the daemon is stopped, and started anew on the same socket.
func TestWatch(t *testing.T) {
	reached := make(chan struct{})
	first := servertest.Start(t, server.Options{Rollouts: (&log{kinds: []rollout.EventType{rollout.Requested, rollout.Begun}, reached: func() { close(reached) }}).rollouts()})
	go func() { // ends when the second daemon has started
		<-reached
		first.Stop()
		servertest.StartOn(t, first.Socket, server.Options{Rollouts: (&log{kinds: []rollout.EventType{
			rollout.Requested, rollout.Begun, rollout.Resumed, rollout.Ended}}).rollouts()})
	}()
	var told []string
	for e, err := range api.NewClient(first.Socket).Watch(t.Context(), "01K", 0) {
		if err != nil {
			t.Fatal(err)
		}
		told = append(told, fmt.Sprint(e.Seq, " ", e.Type))
		if e.Event != nil && (string(e.Event.Type) != e.Type || !e.Event.Time.Equal(e.Time)) {
			t.Errorf("the event does not know its own type and time: %+v", e.Event)
		}
		if e.Progress != nil && !strings.Contains(e.Progress.Text, "connecting again") {
			t.Errorf("said %q", e.Progress.Text)
		}
	}
	if want := "1 rollout.requested|2 action.begun|0 progress|3 rollout.resumed|4 rollout.ended"; strings.Join(told, "|") != want {
		t.Errorf("told %s, want %s", strings.Join(told, "|"), want)
	}
}

// TestWatchAfter goes on behind an event that the caller has seen.
func TestWatchAfter(t *testing.T) {
	d := servertest.Start(t, server.Options{Rollouts: (&log{kinds: []rollout.EventType{rollout.Requested, rollout.Begun, rollout.Ended}}).rollouts()})
	var told []uint64
	for e, err := range api.NewClient(d.Socket).Watch(t.Context(), "01K", 2) {
		if err != nil {
			t.Fatal(err)
		}
		told = append(told, e.Seq)
	}
	if fmt.Sprint(told) != "[3]" {
		t.Errorf("told %v", told)
	}
}

// TestWatchFails ends with an error where it makes no sense to go on.
func TestWatchFails(t *testing.T) {
	watch := func(socket string, ctx context.Context) (last error) {
		for _, err := range api.NewClient(socket).Watch(ctx, "01K", 0) {
			last = err
		}
		return last
	}
	if err := watch(t.TempDir()+"/none", t.Context()); fault.KindOf(err) != fault.Unreachable {
		t.Errorf("no daemon: %v", err)
	}
	unknown := servertest.Start(t, server.Options{Rollouts: &servertest.Rollouts{}})
	if err := watch(unknown.Socket, t.Context()); fault.KindOf(err) != fault.NotFound {
		t.Errorf("an unknown rollout: %v", err)
	}
	damaged := servertest.Start(t, server.Options{Rollouts: (&log{kinds: []rollout.EventType{rollout.Requested}, err: fault.New(fault.Difference, "the journal is damaged")}).rollouts()})
	if err := watch(damaged.Socket, t.Context()); fault.KindOf(err) != fault.Difference || fault.Text(err) != "the journal is damaged" {
		t.Errorf("a damaged journal: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	waiting := servertest.Start(t, server.Options{Rollouts: (&log{kinds: []rollout.EventType{rollout.Requested}, reached: cancel}).rollouts()})
	if err := watch(waiting.Socket, ctx); fault.KindOf(err) != fault.Conflict {
		t.Errorf("interrupted: %v", err)
	}
	for _, err := range api.NewClient(waiting.Socket).Watch(t.Context(), "01K", 0) {
		if err != nil {
			t.Error(err)
		}
		break // who has seen enough is not told more
	}
}
