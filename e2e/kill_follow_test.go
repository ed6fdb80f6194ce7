//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
)

// follower follows a journal from record to record.
type follower struct {
	journal *rig.Tail
	waiting []rig.Record // read, and not yet passed
	last    rig.Record   // that was passed
	lost    bool         // the request was, with the daemon that took it
	waited  bool         // the rollout waited for another daemon
}

// until returns when a record that is wanted stands in the journal, and with an error when the rollout has ended without.
func (f *follower) until(ctx context.Context, wanted func(rig.Record) bool) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		for len(f.waiting) > 0 {
			f.last, f.waiting = f.waiting[0], f.waiting[1:]
			f.waited = f.waited || f.last.Type == "rollout.suspended"
			if wanted(f.last) {
				return nil
			}
			if isEnd(f.last) {
				return fmt.Errorf("the rollout ended before the record that was waited for: %s", f.last)
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited in vain for a record; the last one is: %s: %w", f.last, ctx.Err())
		case <-tick.C:
		}
		if err := f.read(); err != nil {
			return err
		}
	}
}

// end returns when the rollout has ended.
func (f *follower) end(ctx context.Context) error {
	if isEnd(f.last) {
		return nil
	}
	return f.until(ctx, isEnd)
}

func isEnd(r rig.Record) bool { return r.Type == "rollout.ended" }

// read reads what has come, and passes nothing.
func (f *follower) read() error {
	more, err := f.journal.Next()
	f.waiting = append(f.waiting, more...)
	return err
}

// holds tells whether a record stands in the journal, passed just now or yet to be passed.
func (f *follower) holds(wanted func(rig.Record) bool) (bool, error) {
	err := f.read()
	return wanted(f.last) || slices.ContainsFunc(f.waiting, wanted), err
}
