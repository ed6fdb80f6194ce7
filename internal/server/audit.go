package server

import (
	"iter"
	"math"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
)

// mostNewest is how many of the newest records can be asked for; where they stand is held in memory.
const mostNewest = 10_000

// excerpt is which records of the journal somebody wants.
type excerpt struct {
	from         uint64
	app, rollout string
	since        time.Time
	limit        uint64 // 0 for all
}

// audit writes records byte for byte as the journal holds them, in their order. With from, a limit counts from there;
// without, it counts back from the end.
func (s *Server) audit(w http.ResponseWriter, r *http.Request) error {
	x, err := newExcerpt(r)
	if err != nil {
		return err
	}
	records := x.first(s.Rollouts.Audit(max(x.from, 1)))
	if x.from == 0 && x.limit > 0 {
		records = x.newest(s.Rollouts.Audit)
	}
	begun := false
	for record, err := range records {
		var line []byte
		if err == nil {
			line, err = record.Line()
		}
		if err != nil {
			return s.breakOff(w, begun, err)
		}
		if !begun {
			w.Header().Set("Content-Type", "application/jsonl")
			begun = true
		}
		bound(w)
		if _, err := w.Write(line); err != nil || r.Context().Err() != nil {
			return nil // the peer went away
		}
	}
	if !begun {
		w.Header().Set("Content-Type", "application/jsonl")
		w.WriteHeader(http.StatusOK)
	}
	return nil
}

// breakOff ends an answer that cannot be completed: as a problem if nothing was written yet, and otherwise so that the
// client notices that it is not whole.
func (s *Server) breakOff(w http.ResponseWriter, begun bool, err error) error {
	if !begun {
		return err
	}
	_ = http.NewResponseController(w).Flush() // what was written is good
	s.Log.Error("the audit log was broken off", zap.String("error", fault.Text(err)))
	panic(http.ErrAbortHandler)
}

func newExcerpt(r *http.Request) (excerpt, error) {
	params, err := query(r, "from", "app", "rollout", "since", "limit")
	if err != nil {
		return excerpt{}, err
	}
	x := excerpt{app: params["app"], rollout: params["rollout"]}
	if x.from, err = count("from", params["from"], 0, math.MaxInt64); err != nil {
		return excerpt{}, err
	}
	most := uint64(math.MaxInt64)
	if x.from == 0 {
		most = mostNewest
	}
	if x.limit, err = count("limit", params["limit"], 0, most); err != nil {
		return excerpt{}, err
	}
	if params["since"] != "" {
		if x.since, err = time.Parse(time.RFC3339, params["since"]); err != nil {
			return excerpt{}, fault.New(fault.Usage, "the parameter \"since\" is %q, where a time such as 2026-03-30T12:00:00Z belongs", params["since"])
		}
	}
	return x, nil
}

func (x excerpt) holds(r journal.Record) bool {
	return (x.app == "" || r.App == x.app) && (x.rollout == "" || r.Rollout == x.rollout) && !r.Time.Before(x.since)
}

// first yields the first records that the excerpt holds.
func (x excerpt) first(all iter.Seq2[journal.Record, error]) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		n := uint64(0)
		for r, err := range all {
			if err == nil && !x.holds(r) {
				continue
			}
			if !yield(r, err) || err != nil {
				return
			}
			if n++; n == x.limit {
				return
			}
		}
	}
}

// newest yields the last records that the excerpt holds, the oldest of them first. It reads twice: the first time it keeps
// only where they stand, since many who ask for many records would fill the memory with them.
func (x excerpt) newest(audit func(from uint64) iter.Seq2[journal.Record, error]) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		var ring []uint64
		next := 0
		for r, err := range audit(1) {
			switch {
			case err != nil:
				yield(journal.Record{}, err)
				return
			case !x.holds(r):
			case uint64(len(ring)) < x.limit:
				ring = append(ring, r.Seq)
			default:
				ring[next] = r.Seq
				next = (next + 1) % len(ring)
			}
		}
		if len(ring) == 0 {
			return
		}
		last := ring[(next+len(ring)-1)%len(ring)]
		for r, err := range audit(ring[next]) {
			switch {
			case err == nil && r.Seq > last:
				return // it came meanwhile
			case err == nil && !x.holds(r):
			case !yield(r, err) || err != nil:
				return
			}
		}
	}
}
