package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"go.uber.org/zap"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/orchestrator"
)

// fail answers with err as a problem, under the status of its kind.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	s.failWith(w, r, fault.KindOf(err).HTTPStatus(), err)
}

func (s *Server) failWith(w http.ResponseWriter, r *http.Request, status int, err error) {
	if large, ok := errors.AsType[*http.MaxBytesError](err); ok && large != nil {
		status = http.StatusRequestEntityTooLarge
	}
	if errors.Is(err, errMediaType) {
		status = http.StatusUnsupportedMediaType
	}
	if status == http.StatusInternalServerError {
		s.Log.Error("a request failed", zap.String("method", r.Method), zap.String("path", r.URL.Path), zap.String("error", fault.Text(err)))
	}
	p := newProblem(r, status, err)
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	s.write(w, status, "application/problem+json", p)
}

// newProblem returns the wire form of err.
func newProblem(r *http.Request, status int, err error) api.Problem {
	p := api.Problem{
		Type:     "about:blank",
		Title:    http.StatusText(status),
		Status:   status,
		Detail:   fault.Summary(err),
		Instance: r.URL.Path,
		Kind:     fault.KindOf(err),
		Problems: fault.ProblemsOf(err),
	}
	if busy, ok := errors.AsType[*orchestrator.BusyError](err); ok {
		p.Rollout = busy.Rollout
		if p.Rollout == "" && busy.Lock != nil {
			p.Rollout = busy.Lock.Rollout
		}
		p.Holder, p.Since, p.Age, p.Reason, p.Position = busy.Holder, busy.Since, int64(busy.Age.Seconds()), busy.Reason, busy.Place
	}
	if errors.Is(err, orchestrator.ErrStopping) {
		p.RetryAfter = 1
	}
	return p
}

// answer writes v as JSON.
func (s *Server) answer(w http.ResponseWriter, status int, v any) error {
	s.write(w, status, "application/json", v)
	return nil
}

func (s *Server) write(w http.ResponseWriter, status int, media string, v any) {
	body, err := json.Marshal(v)
	if err != nil { // only for a type that cannot be encoded at all
		s.Log.Error("an answer could not be encoded", zap.Error(err))
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	bound(w)
	w.Header().Set("Content-Type", media)
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // whoever went away needs no answer
}
