package api

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"strconv"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
)

// How a watch bears with a daemon that is away.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 2 * time.Second
	patience   = 5 * time.Minute  // without a word, before it gives up
	reminder   = 30 * time.Second // without a word, before it says that it still tries
	silence    = 45 * time.Second // three heartbeats, before a connection counts as dead
)

// watch is the watching of one rollout across several connections.
type watch struct {
	client *Client
	id     string
	after  uint64 // the newest event that was seen
	yield  func(Event, error) bool
	heard  time.Time // when the newest event came
	there  time.Time // when the daemon last gave any sign of life
	said   time.Time // when the caller was last told of the daemon's absence
	over   bool      // the rollout has ended, or the caller wants no more
}

// Watch yields a rollout's events after a sequence number, first those that are recorded, then those to come, until the
// rollout has ended. When the connection breaks, as it does when the daemon is started anew, it connects again and goes
// on behind the last event, and yields an event of ProgressType that says so, and another one every half minute. An
// error is the last thing that it yields: of kind Unreachable when the daemon has never answered this client, or has not
// for five minutes.
func (c *Client) Watch(ctx context.Context, id string, after uint64) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		w := &watch{client: c, id: id, after: after, yield: yield, there: time.Now()}
		if err := w.run(ctx); err != nil && !w.over {
			yield(Event{}, err)
		}
	}
}

// run connects again and again until the watch is over.
func (w *watch) run(ctx context.Context) error {
	pause := firstPause
	for {
		before := w.heard
		err := w.connection(ctx)
		switch {
		case w.over:
			return nil
		case ctx.Err() != nil:
			return interrupted(ctx)
		case !w.client.spoke.Load() || !passing(err) || time.Since(w.there) > patience:
			return err
		case w.heard != before:
			pause = firstPause
			w.say("the connection to the daemon is lost; connecting again. Should the daemon have stopped, the rollout goes on when it starts")
		case time.Since(w.said) >= reminder:
			w.say(fmt.Sprintf("no daemon for %s; connecting again. The rollout goes on when the daemon starts", time.Since(w.there).Round(time.Second)))
		}
		if !w.over && wait(ctx, pause) {
			pause = min(2*pause, lastPause)
		}
	}
}

// passing tells whether an error may be gone at the next try: the daemon is being started anew, or is just stopping.
func passing(err error) bool {
	switch fault.KindOf(err) {
	case fault.Unreachable, fault.Unavailable:
		return true
	}
	return false
}

// connection follows the stream of one connection and returns why it ended.
func (w *watch) connection(ctx context.Context) error {
	live, cancel := context.WithCancel(ctx)
	defer cancel()
	header := http.Header{"Accept": {"text/event-stream"}}
	if w.after > 0 {
		header.Set("Last-Event-ID", strconv.FormatUint(w.after, 10))
	}
	answer, err := w.client.send(live, call{method: http.MethodGet, path: []string{"v1", "rollouts", w.id, "events"}, header: header})
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	watchdog := time.AfterFunc(silence, cancel)
	defer watchdog.Stop()
	stream := newMessages(answer.Body, func() {
		w.there = time.Now()
		watchdog.Reset(silence)
	})
	for {
		m, err := stream.next()
		if err != nil {
			return w.client.brokenOff(ctx, err)
		}
		if err := w.take(m); err != nil || w.over {
			return err
		}
	}
}

// take hands one message on.
func (w *watch) take(m message) error {
	if m.kind == ProblemType {
		var p Problem
		if err := json.Unmarshal(m.data, &p); err != nil {
			return foreign(err)
		}
		return p.Fault()
	}
	var e Event
	if err := json.Unmarshal(m.data, &e); err != nil {
		return foreign(err)
	}
	w.heard = time.Now()
	if e.Seq > 0 && e.Seq <= w.after {
		return nil // seen already
	}
	w.after = max(w.after, e.Seq)
	if e.Event != nil {
		e.Event.Type, e.Event.Time = rollout.EventType(e.Type), e.Time
	}
	if !w.yield(e, nil) || e.Type == string(rollout.Ended) {
		w.over = true
	}
	return nil
}

// foreign is the error of an event that is no event of ours.
func foreign(err error) error {
	return fault.Hide(err, fault.Internal, "the daemon sent an event that this command does not understand: are both of one version?")
}

// say yields a passing word of the client's own.
func (w *watch) say(text string) {
	w.said = time.Now()
	e := Event{Time: time.Now().UTC(), Type: ProgressType, Rollout: w.id, Progress: &rollout.Progress{Text: text}}
	if !w.yield(e, nil) {
		w.over = true
	}
}

// wait pauses for d, and returns early with false when ctx ends.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
