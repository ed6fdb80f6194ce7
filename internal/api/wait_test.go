package api_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/orchestrator"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/server"
	"github.com/capakraken/fairlead/internal/server/servertest"
)

// next says that a request is next after bob's rollout.
func next(place int) error {
	return fault.Hide(&orchestrator.BusyError{App: "capakraken", Rollout: "01J", Holder: "bob", Since: servertest.At(0), Place: place}, fault.Busy, "held by bob („Müller“), place %d", place)
}

// TestWaitAcrossDaemons waits at a daemon that stops, and is served by the next one: with the same key, in its old place,
// for what is left of its time.
func TestWaitAcrossDaemons(t *testing.T) {
	since := time.Date(2026, 3, 30, 12, 0, 0, 123456789, time.UTC)
	var keys []string
	var limits []time.Duration
	serve := func(then func(orchestrator.Wait) (rollout.State, error)) server.Options {
		return server.Options{Rollouts: &servertest.Rollouts{
			InTurnFunc: func(_ context.Context, _ journal.Actor, r orchestrator.Request, w orchestrator.Wait) (rollout.State, error) {
				keys, limits = append(keys, r.IdempotencyKey), append(limits, w.Limit)
				return then(w)
			}}}
	}
	first := servertest.Start(t, serve(func(w orchestrator.Wait) (rollout.State, error) {
		for _, place := range []int{2, 2, 1, 1} {
			w.Told(since, next(place))
		}
		<-time.After(1100 * time.Millisecond) // so that there is less time left
		return rollout.State{}, fault.Hide(orchestrator.ErrStopping, fault.Unavailable, "the daemon stops")
	}))
	c := api.NewClient(first.Socket)
	defer c.Close()
	var told, away []string
	r, err := c.TriggerInTurn(t.Context(), "capakraken", api.Trigger{Kind: rollout.Rotate}, "k-1", api.Waiting{Limit: time.Minute,
		Told: func(p api.Problem) { told = append(told, p.Detail) },
		Away: func(text string) {
			away = append(away, text)
			first.Stop()
			servertest.StartOn(t, first.Socket, serve(func(w orchestrator.Wait) (rollout.State, error) {
				if !w.Since.Equal(since) {
					t.Errorf("at the second daemon it waits since %s", w.Since)
				}
				w.Told(since, next(1))
				return rollout.State{Request: rollout.Request{ID: "01K"}}, nil
			}))
		}})
	if err != nil || r.ID != "01K" {
		t.Fatalf("%+v, %v", r.ID, err)
	}
	if got := strings.Join(told, "; "); got != "held by bob („Müller“), place 2; held by bob („Müller“), place 1; held by bob („Müller“), place 1" {
		t.Errorf("told %q", got)
	}
	if len(away) != 1 || len(keys) != 2 || keys[0] != "k-1" || keys[1] != "k-1" || limits[0] != time.Minute || limits[1] >= time.Minute || limits[1] < 55*time.Second {
		t.Errorf("away %q; asked with the keys %q for %s", away, keys, limits)
	}
}

// TestWaitRefused gets an answer that is not worth another try.
func TestWaitRefused(t *testing.T) {
	asked := 0
	d := servertest.Start(t, server.Options{Rollouts: &servertest.Rollouts{
		InTurnFunc: func(_ context.Context, _ journal.Actor, _ orchestrator.Request, w orchestrator.Wait) (rollout.State, error) {
			asked++
			w.Told(servertest.At(0), next(1))
			return rollout.State{}, fault.Hide(next(1), fault.Busy, "waited in vain")
		}}})
	c := api.NewClient(d.Socket)
	defer c.Close()
	_, err := c.TriggerInTurn(t.Context(), "capakraken", api.Trigger{Kind: rollout.Rotate}, "k", api.Waiting{Limit: time.Minute})
	if p, ok := errors.AsType[*api.Problem](err); fault.KindOf(err) != fault.Busy || !ok || p.Holder != "bob" || asked != 1 {
		t.Errorf("asked %d times: %v", asked, err)
	}
}

// TestWaitGone goes away while it waits: the daemon learns of it at once.
func TestWaitGone(t *testing.T) {
	gone := make(chan struct{})
	d := servertest.Start(t, server.Options{Rollouts: &servertest.Rollouts{
		InTurnFunc: func(ctx context.Context, _ journal.Actor, _ orchestrator.Request, w orchestrator.Wait) (rollout.State, error) {
			w.Told(servertest.At(0), next(1))
			<-ctx.Done()
			close(gone)
			return rollout.State{}, ctx.Err()
		},
		WithdrawFunc: func(_ context.Context, app, key string) error {
			<-gone
			return fault.Hide(&orchestrator.BusyError{Rollout: "01K"}, fault.Conflict, "%s %s", app, key)
		}}})
	c := api.NewClient(d.Socket)
	defer c.Close()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := c.TriggerInTurn(ctx, "capakraken", api.Trigger{Kind: rollout.Rotate}, "k", api.Waiting{Limit: time.Minute, Told: func(api.Problem) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	err = c.Withdraw(t.Context(), "a b/c", "k/1")
	if p, ok := errors.AsType[*api.Problem](err); fault.KindOf(err) != fault.Conflict || !ok || p.Rollout != "01K" || p.Detail != "a b/c k/1" {
		t.Errorf("withdrawn with %v", err)
	}
}
