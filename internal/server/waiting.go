package server

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/orchestrator"
	"github.com/capakraken/fairlead/internal/rollout"
)

// begin begins a rollout, in its turn where the request prefers to wait for it (RFC 7240). While it waits, interim
// answers of status 102 say why; they are signs of life as well.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, request orchestrator.Request) (rollout.State, error) {
	who := peerOf(r.Context()).Actor
	limit, err := preferredWait(r.Header)
	if err != nil {
		return rollout.State{}, err
	}
	if limit == 0 {
		return s.Rollouts.Trigger(r.Context(), who, request)
	}
	since, err := waitingSince(r.Header)
	if err != nil {
		return rollout.State{}, err
	}
	w.Header().Set("Preference-Applied", "wait="+strconv.FormatInt(int64(limit/time.Second), 10))
	return s.Rollouts.TriggerInTurn(r.Context(), who, request, orchestrator.Wait{Limit: limit, Since: since,
		Told: func(since time.Time, why error) { s.interim(w, r, since, why) }})
}

// preferredWait returns for how long the request would rather wait than be refused. Other preferences are not known
// here, and so not applied.
func preferredWait(h http.Header) (time.Duration, error) {
	for _, line := range h.Values("Prefer") {
		for preference := range strings.SplitSeq(line, ",") {
			preference, _, _ = strings.Cut(preference, ";") // parameters
			name, value, _ := strings.Cut(preference, "=")
			if !strings.EqualFold(strings.TrimSpace(name), "wait") {
				continue
			}
			value = strings.Trim(strings.TrimSpace(value), `"`)
			n, err := strconv.ParseUint(value, 10, 32)
			if most := uint64(orchestrator.LongestWait / time.Second); err != nil || n > most {
				return 0, fault.New(fault.Usage, "the preference \"wait\" is %q, where a number of seconds from 0 to %d belongs", value, most)
			}
			return time.Duration(n) * time.Second, nil // the first one counts
		}
	}
	return 0, nil
}

// waitingSince returns since when the request has waited already, as a daemon that was stopped meanwhile had said.
func waitingSince(h http.Header) (time.Time, error) {
	text := h.Get(api.SinceHeader)
	if text == "" {
		return time.Time{}, nil
	}
	since, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return since, fault.New(fault.Usage, "the header %s is %q, where a time (2026-03-30T12:00:00Z) belongs", api.SinceHeader, text)
	}
	return since, nil
}

// interim tells a request that waits why it does.
func (s *Server) interim(w http.ResponseWriter, r *http.Request, since time.Time, why error) {
	if !r.ProtoAtLeast(1, 1) {
		return // it knows no interim answers
	}
	text, err := json.Marshal(newProblem(r, fault.KindOf(why).HTTPStatus(), why))
	if err != nil { // only for a type that cannot be encoded at all
		s.Log.Error("an answer could not be encoded", zap.Error(err))
		return
	}
	h := w.Header()
	h.Set(api.WaitingHeader, string(text))
	h.Set(api.SinceHeader, since.UTC().Format(time.RFC3339Nano))
	bound(w)
	w.WriteHeader(http.StatusProcessing)
	h.Del(api.WaitingHeader)
	h.Del(api.SinceHeader)
}

// withdraw takes a request that waits out of its queue.
func (s *Server) withdraw(w http.ResponseWriter, r *http.Request) error {
	key := r.PathValue("key")
	if err := plainText("idempotency key", key, maxKey); err != nil {
		return err
	}
	if err := s.Rollouts.Withdraw(r.Context(), r.PathValue("app"), key); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
