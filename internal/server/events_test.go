package server

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/orchestrator"
	"github.com/capakraken/fairlead/internal/rollout"
)

// watched knows one rollout whose events it yields, and then waits.
type watched struct {
	nothing
	events []orchestrator.Event
	err    error // yielded behind the events
	waits  bool  // for the watcher to leave
}

func (watched) Rollout(string) (rollout.State, error) { return rollout.State{}, nil }

func (w watched) Watch(ctx context.Context, _ string, after uint64) iter.Seq2[orchestrator.Event, error] {
	return func(yield func(orchestrator.Event, error) bool) {
		for _, e := range w.events {
			if e.Record.Seq > after || e.Progress != nil {
				if !yield(e, nil) {
					return
				}
			}
		}
		if w.err != nil {
			yield(orchestrator.Event{}, w.err)
			return
		}
		if w.waits {
			<-ctx.Done()
		}
	}
}

func recorded(seq uint64, kind, data string) orchestrator.Event {
	return orchestrator.Event{Record: journal.Record{V: 1, Seq: seq, Time: time.Date(2026, 3, 30, 12, 0, 0, 0, time.UTC), Actor: journal.Actor{User: "fairlead"},
		Type: kind, App: "capakraken", Rollout: "01K", Data: []byte(data), Prev: strings.Repeat("0", 64)}}
}

func story() []orchestrator.Event {
	return []orchestrator.Event{
		recorded(3, "rollout.requested", `{"request":{"id":"01K"}}`),
		{Progress: &rollout.Progress{Step: rollout.Pull, Text: "pulling"}, Record: journal.Record{Time: time.Date(2026, 3, 30, 12, 0, 1, 0, time.UTC), App: "capakraken"}},
		recorded(5, "rollout.ended", `{"outcome":"refused"}`),
	}
}

const (
	message3 = "id: 3\nevent: rollout.requested\ndata: {\"seq\":3,\"time\":\"2026-03-30T12:00:00Z\",\"type\":\"rollout.requested\",\"app\":\"capakraken\",\"rollout\":\"01K\",\"actor\":\"fairlead\","
	sign     = "event: progress\ndata: {\"time\":\"2026-03-30T12:00:01Z\",\"type\":\"progress\",\"app\":\"capakraken\",\"rollout\":\"01K\",\"progress\":{\"step\":\"pull\",\"text\":\"pulling\"}}\n\n"
	message5 = "id: 5\nevent: rollout.ended\ndata: {\"seq\":5,"
)

func TestEvents(t *testing.T) {
	for _, c := range []struct {
		name    string
		w       watched
		header  []string
		has     []string
		lacks   string
		problem int
	}{
		{"from the begin", watched{events: story()}, nil, []string{"retry: 1000\n\n", message3, sign, message5}, "problem", 0},
		{"resumed", watched{events: story()}, []string{"Last-Event-ID", "3"}, []string{sign, message5}, "id: 3", 0},
		{"broken", watched{events: story()[:1], err: fault.New(fault.Unavailable, "the journal's disk is gone")}, nil,
			[]string{message3, "event: problem\ndata: {\"type\":\"about:blank\",", `"detail":"the journal's disk is gone"`, `"kind":"unavailable"`}, "id: 5", 0},
		{"foreign", watched{events: []orchestrator.Event{recorded(3, "action.done", `{"action":7}`)}}, nil, []string{"event: problem", "record 3 of the journal is no event"}, "id: 3", 0},
		{"wrong header", watched{}, []string{"Last-Event-ID", "three"}, []string{`Last-Event-ID is \"three\"`}, "id:", 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer := ask(newServer(t, c.w), Viewer, http.MethodGet, "/v1/rollouts/01K/events", "", c.header...)
			body := readAll(t, answer)
			if want := max(c.problem, 200); answer.StatusCode != want {
				t.Errorf("status %d", answer.StatusCode)
			}
			for _, text := range c.has {
				if !strings.Contains(body, text) {
					t.Errorf("the stream lacks %q:\n%s", text, body)
				}
			}
			if strings.Contains(body, c.lacks) {
				t.Errorf("the stream has %q:\n%s", c.lacks, body)
			}
		})
	}
	if p := problemOf(t, ask(newServer(t, nothing{}), Viewer, http.MethodGet, "/v1/rollouts/01K/events", "")); p.Status != http.StatusNotFound {
		t.Errorf("an unknown rollout: %+v", p)
	}
}

// TestHeartbeat watches a rollout in which nothing happens for a minute, until the daemon stops.
func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, watched{events: story()[:1], waits: true})
		w := &connected{httptest.NewRecorder()}
		var serving sync.WaitGroup
		serving.Go(func() {
			s.ServeHTTP(w, httptest.NewRequestWithContext(as(Viewer), http.MethodGet, "http://fairlead/v1/rollouts/01K/events", nil))
		})
		time.Sleep(time.Minute + time.Second) // the bubble's clock
		close(s.closing)
		serving.Wait()
		body := w.Body.String()
		if n := strings.Count(body, ": still here\n\n"); n != 4 {
			t.Errorf("%d heartbeats in a minute:\n%s", n, body)
		}
		if !strings.HasSuffix(body, ": the daemon stops; ask again with Last-Event-ID\n\n") {
			t.Errorf("the end is not announced:\n%s", body)
		}
	})
}

// TestEventsDeadPeer writes to a peer that takes nothing any more: the watch behind it ends.
func TestEventsDeadPeer(t *testing.T) {
	s := newServer(t, watched{events: story()})
	w := &broken{connected{httptest.NewRecorder()}}
	s.ServeHTTP(w, httptest.NewRequestWithContext(as(Viewer), http.MethodGet, "http://fairlead/v1/rollouts/01K/events", nil))
}

type broken struct{ connected }

func (broken) Write([]byte) (int, error) { return 0, fmt.Errorf("broken pipe") }
