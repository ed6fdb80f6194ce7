package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strconv"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
)

// Waiting says how a request waits for its turn. Told and Away may be nil.
type Waiting struct {
	Limit time.Duration // in whole seconds, at least one
	// Told is called with why it is not the request's turn, at first and whenever that changes.
	Told func(Problem)
	// Away is called when the daemon does not answer any more, and every half minute from then on.
	Away func(text string)
}

// queuing is the waiting of one request across several connections.
type queuing struct {
	Waiting
	client  *Client
	call    call
	since   string    // when it began to wait, as the daemon said
	told    string    // what Told was last called with
	heard   time.Time // when the daemon last gave a sign of life; zero before the first
	said    time.Time // when Away was last called
	unclear bool      // a connection broke, and what became of the request is not known
}

// TriggerInTurn is Trigger, but where the app is held it waits for its turn. When the daemon is started anew meanwhile,
// the request waits on at the next one for what is left of its time, in its old place; key must be one that nobody else
// uses. Whoever ends ctx asks with Withdraw what became of the request.
func (c *Client) TriggerInTurn(ctx context.Context, app string, t Trigger, key string, w Waiting) (Rollout, error) {
	q := &queuing{Waiting: w, client: c, call: call{method: http.MethodPost, path: []string{"v1", "apps", app, "rollouts"}, body: t, long: true}}
	until := time.Now().Add(w.Limit)
	for left, pause := w.Limit, firstPause; ; left = time.Until(until) {
		if left < time.Second {
			return Rollout{}, q.inVain()
		}
		heard := q.heard
		r, err := q.connection(ctx, key, left)
		switch {
		case err == nil:
			return r, nil
		case ctx.Err() != nil:
			return r, interrupted(ctx)
		case q.heard.IsZero() || !comesBack(err):
			return r, err
		case q.heard != heard:
			pause = firstPause
			q.say("the daemon has stopped, or the connection to it is lost; the request waits on when it is back")
		case time.Since(q.said) >= reminder:
			q.say(fmt.Sprintf("no daemon for %s; the request waits on when it is back", time.Since(q.heard).Round(time.Second)))
		}
		q.unclear = q.unclear || fault.KindOf(err) == fault.Unreachable && q.heard != heard
		if wait(ctx, min(pause, time.Until(until))) {
			pause = min(2*pause, lastPause)
		}
	}
}

// comesBack tells whether a daemon that answers so may go on with the request soon.
func comesBack(err error) bool {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p.RetryAfter > 0
	}
	return fault.KindOf(err) == fault.Unreachable
}

// inVain is the end of a request whose time ran out while no daemon was there.
func (q *queuing) inVain() error {
	text := "waited %s in vain, the last %s of it without a daemon; nothing was begun"
	if q.unclear {
		text = "waited %s in vain, the last %s of it without a daemon; its turn may have come just when the daemon went away: look with fairlead status when it is back"
	}
	return fault.New(fault.Unreachable, text, q.Limit, time.Since(q.heard).Round(time.Second))
}

// connection sends the request once, and returns the answer.
func (q *queuing) connection(ctx context.Context, key string, left time.Duration) (Rollout, error) {
	live, cancel := context.WithCancel(ctx)
	defer cancel()
	watchdog := time.AfterFunc(silence, cancel)
	defer watchdog.Stop()
	signs := make(chan textproto.MIMEHeader)
	traced := httptrace.WithClientTrace(live, &httptrace.ClientTrace{Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
		watchdog.Reset(silence)
		select {
		case signs <- h:
		case <-live.Done():
		}
		return nil
	}})
	to := q.call
	to.header = http.Header{"Idempotency-Key": {key}, "Prefer": {"wait=" + strconv.Itoa(int(left.Seconds()))}}
	if q.since != "" {
		to.header.Set(SinceHeader, q.since)
	}
	type answer struct {
		Rollout
		error
	}
	answered := make(chan answer, 1)
	go func() { // ends with live
		var a answer
		a.error = q.client.do(traced, to, &a.Rollout)
		answered <- a
	}()
	for {
		select {
		case h := <-signs:
			q.take(h)
		case a := <-answered:
			if a.error != nil && live.Err() != nil && ctx.Err() == nil {
				a.error = fault.New(fault.Unreachable, "the daemon has given no sign of life for %s", silence)
			}
			if p, ok := errors.AsType[*Problem](a.error); ok && p.RetryAfter > 0 {
				q.heard = time.Now()
			}
			return a.Rollout, a.error
		}
	}
}

// take takes in one interim answer.
func (q *queuing) take(h textproto.MIMEHeader) {
	var p Problem
	if json.Unmarshal([]byte(h.Get(WaitingHeader)), &p) != nil {
		return // no daemon's
	}
	q.heard, q.since = time.Now(), h.Get(SinceHeader)
	because := fmt.Sprint(p.Kind, p.Rollout, p.Holder, p.Since, p.Position)
	if p.Kind != fault.Busy {
		because = p.Detail
	}
	if q.Told != nil && because != q.told {
		q.Told(p)
	}
	q.told = because
}

// say tells of the daemon's absence.
func (q *queuing) say(text string) {
	q.said, q.told = time.Now(), "" // what it waits for is news again when the daemon is back
	if q.Away != nil {
		q.Away(text)
	}
}

// Withdraw takes a request that waits out of the queue. When it returns nil, nothing was begun for it; otherwise the
// Problem behind the error names the rollout, if it has become one.
func (c *Client) Withdraw(ctx context.Context, app, key string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: []string{"v1", "apps", app, "waiters", key}}, nil)
}
