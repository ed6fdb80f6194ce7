package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/orchestrator"
)

// heartbeat is the longest silence on an event stream.
const heartbeat = 15 * time.Second

// news is what Watch yields.
type news struct {
	event orchestrator.Event
	err   error
}

// events streams a rollout's events: those that are recorded, from behind Last-Event-ID on, and then those to come. The
// stream ends after the rollout's end. It also ends when the daemon stops: the rollout goes on with the next daemon,
// and the client asks again with the id of the last event that it saw.
func (s *Server) events(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	after, err := lastEventID(r)
	if err != nil {
		return err
	}
	if _, err := s.Rollouts.Rollout(id); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	out := stream{w: w, rc: http.NewResponseController(w)}
	out.open()
	incoming := make(chan news)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel()
	watching.Go(func() {
		defer close(incoming)
		for event, err := range s.Rollouts.Watch(ctx, id, after) {
			select {
			case incoming <- news{event, err}:
			case <-ctx.Done():
				return
			}
		}
	})
	s.relay(ctx, &out, id, incoming)
	return nil
}

// relay writes what comes in until it ends, the peer goes away or the server stops.
func (s *Server) relay(ctx context.Context, out *stream, id string, incoming <-chan news) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for out.err == nil {
		select {
		case n, ok := <-incoming:
			switch {
			case !ok:
				return
			case n.err != nil:
				if ctx.Err() == nil {
					s.Log.Warn("an event stream broke", zap.String("rollout", id), zap.String("error", fault.Text(n.err)))
					out.problem(n.err)
				}
				return
			}
			out.event(id, n.event)
		case <-beat.C:
			out.comment("still here")
		case <-s.closing:
			out.comment("the daemon stops; ask again with Last-Event-ID")
			return
		case <-ctx.Done():
			return
		}
	}
}

// lastEventID returns the sequence number behind which the client wants to go on.
func lastEventID(r *http.Request) (uint64, error) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fault.New(fault.Usage, "the header Last-Event-ID is %q, where a journal's sequence number belongs", text)
	}
	return n, nil
}

// stream writes server-sent events. After an error it writes nothing more.
type stream struct {
	w   http.ResponseWriter
	rc  *http.ResponseController
	err error
}

func (o *stream) open() {
	o.w.Header().Set("Content-Type", "text/event-stream")
	o.w.WriteHeader(http.StatusOK)
	o.print("retry: 1000\n\n")
}

func (o *stream) comment(text string) { o.print(": " + text + "\n\n") }

func (o *stream) event(id string, e orchestrator.Event) {
	wire, err := newEvent(id, e)
	if err != nil {
		o.problem(err)
		o.err = err
		return
	}
	data, _ := json.Marshal(wire) // the type can be encoded, whatever it holds
	if wire.Seq == 0 {
		o.print(fmt.Sprintf("event: %s\ndata: %s\n\n", api.ProgressType, data))
		return
	}
	o.print(fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", wire.Seq, wire.Type, data))
}

// problem tells why the stream ends before the rollout does.
func (o *stream) problem(err error) {
	kind := fault.KindOf(err)
	data, _ := json.Marshal(api.Problem{Type: "about:blank", Title: http.StatusText(kind.HTTPStatus()), Status: kind.HTTPStatus(),
		Detail: fault.Summary(err), Kind: kind, Problems: fault.ProblemsOf(err)})
	o.print(fmt.Sprintf("event: %s\ndata: %s\n\n", api.ProblemType, data))
}

// print writes text and sends it on its way, within a bounded time.
func (o *stream) print(text string) {
	if o.err != nil {
		return
	}
	bound(o.w)
	if _, o.err = o.w.Write([]byte(text)); o.err == nil {
		o.err = o.rc.Flush()
	}
}
