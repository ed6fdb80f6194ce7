//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
)

// glance is the pause between two looks at what the Engine says is running.
const glance = 20 * time.Millisecond

// sentry watches a stage's containers for as long as a test runs, and notes every moment at which two containers of one
// service were running. It asks the Engine twice over: by its events, which tell of every start and every end, and by
// looking, in case an event should be wrong.
type sentry struct {
	*rig.Rig
	mu      sync.Mutex
	service map[string]string          // of every container that was seen, by its id
	running map[string]map[string]bool // the ids that run, by service
	doubles []string
	blind   error // why it could not go on watching
}

// watched sets a sentry on a stage, from now until the test ends. It must come before the first container.
func watched(t *testing.T, s *stage) *sentry {
	t.Helper()
	w := &sentry{Rig: s.Rig, service: map[string]string{}, running: map[string]map[string]bool{}}
	ctx, stop := context.WithCancel(context.Background())
	filter := url.Values{"filters": {`{"type":["container"],"event":["start","die"],"label":["fairlead.e2e=` + s.World.Run + `"]}`}}
	events, err := s.World.Engine.Stream(ctx, "GET", "/events", filter, nil)
	if err != nil {
		t.Fatal(err)
	}
	var watching sync.WaitGroup
	watching.Go(func() { // ends with ctx, which ends the stream
		defer events.Close()
		w.listen(ctx, json.NewDecoder(events))
	})
	watching.Go(func() { w.look(ctx) }) // ends with ctx
	t.Cleanup(func() {
		stop()
		watching.Wait()
		if w.blind != nil {
			t.Errorf("the sentry could not watch to the end: %v", w.blind)
		}
	})
	return w
}

// event is a start or an end of a container, as the Engine tells of it.
type event struct {
	Action string
	Actor  struct {
		ID         string
		Attributes map[string]string
	}
	TimeNano int64
}

// listen keeps account of what runs by the Engine's events.
func (w *sentry) listen(ctx context.Context, events *json.Decoder) {
	for {
		var e event
		if err := events.Decode(&e); err != nil {
			if ctx.Err() == nil {
				w.fail(err)
			}
			return
		}
		w.take(e)
	}
}

func (w *sentry) take(e event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	service := w.identify(e.Actor.ID, e.Actor.Attributes["name"], e.Actor.Attributes)
	if service == "" {
		return
	}
	if w.running[service] == nil {
		w.running[service] = map[string]bool{}
	}
	if e.Action == "die" {
		delete(w.running[service], e.Actor.ID)
		return
	}
	w.running[service][e.Actor.ID] = true
	if len(w.running[service]) > 1 {
		w.doubles = append(w.doubles, fmt.Sprintf("%s: %s was started at %s while another ran",
			service, e.Actor.Attributes["name"], time.Unix(0, e.TimeNano).UTC().Format(time.RFC3339Nano)))
	}
}

// identify returns the service of a container of the app, and nothing for one of another. One that was taken over is
// known by the name that it had when it was first seen. The caller holds mu.
func (w *sentry) identify(id, name string, labels map[string]string) string {
	if known := w.service[id]; known != "" {
		return known
	}
	for _, service := range []string{"web", "worker"} {
		if name == w.Container(service) || labels["fairlead.instance"] == w.Instance && labels["fairlead.service"] == service {
			w.service[id] = service
		}
	}
	return w.service[id]
}

// look keeps looking at what runs.
func (w *sentry) look(ctx context.Context) {
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := w.glance(ctx); err != nil && ctx.Err() == nil {
			w.fail(err)
			return
		}
	}
}

func (w *sentry) glance(ctx context.Context) error {
	var listed []struct {
		ID     string `json:"Id"`
		Names  []string
		Labels map[string]string
	}
	filter := url.Values{"filters": {`{"status":["running"],"label":["fairlead.e2e=` + w.World.Run + `"]}`}}
	if err := w.World.Engine.Call(ctx, "GET", "/containers/json", filter, nil, &listed); err != nil {
		return err
	}
	ids := map[string][]string{}
	w.mu.Lock()
	for _, c := range listed {
		if service := w.identify(c.ID, strings.TrimPrefix(c.Names[0], "/"), c.Labels); service != "" {
			ids[service] = append(ids[service], c.ID)
		}
	}
	w.mu.Unlock()
	var errs []error
	for service, ids := range ids {
		if len(ids) > 1 {
			errs = append(errs, w.confirm(ctx, service, ids))
		}
	}
	return errors.Join(errs...)
}

// confirm finds out whether containers that the list calls running, which lags behind, really run side by side: one must
// run before and after another does, without a break.
func (w *sentry) confirm(ctx context.Context, service string, ids []string) error {
	first, ok, err := w.runs(ctx, ids[0])
	if err != nil || !ok {
		return err
	}
	for _, id := range ids[1:] {
		if _, ok, err := w.runs(ctx, id); err != nil || !ok {
			return err
		}
		if again, ok, err := w.runs(ctx, ids[0]); err != nil || !ok || again != first {
			return err
		}
		w.mu.Lock()
		w.doubles = append(w.doubles, fmt.Sprintf("%s: %.12s and %.12s were seen running side by side", service, ids[0], id))
		w.mu.Unlock()
	}
	return nil
}

// runs tells whether a container runs, and since when.
func (w *sentry) runs(ctx context.Context, id string) (since string, ok bool, err error) {
	var c rig.Container
	if err := w.World.Engine.Call(ctx, "GET", "/containers/"+id+"/json", nil, nil, &c); err != nil {
		return "", false, ignoreGone(err)
	}
	return c.State.StartedAt, c.State.Status == "running", nil
}

func (w *sentry) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.blind = errors.Join(w.blind, err)
}

// report returns the moments that were noted since the last report.
func (w *sentry) report() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.doubles
	w.doubles = nil
	return out
}
