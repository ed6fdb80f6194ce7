//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/capakraken/fairlead/e2e/rig"
)

// keeper looks at a stage's legacy values again and again, over a connection of its own, and holds every one that goes
// against the journal as it stands at that moment.
type keeper struct {
	*rig.Rig
	mu     sync.Mutex
	conn   *pgx.Conn
	since  map[string]time.Time // when each value that is stored was last seen missing
	looked time.Time            // last
	faults []string
}

// kept sets a keeper on a stage, from now until the test ends.
func kept(t *testing.T, s *stage) *keeper {
	t.Helper()
	conn, err := s.Postgres.Connect(t.Context())
	s.must(err)
	t.Cleanup(func() {
		if err := conn.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	k := &keeper{Rig: s.Rig, conn: conn, since: map[string]time.Time{}}
	repeatedly(t, glance, k.look)
	return k
}

func (k *keeper) look(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	const stored = `SELECT jsonb_strip_nulls(to_jsonb(s)) FROM "SystemSettings" s`
	var row map[string]any
	now := time.Now()
	if err := k.conn.QueryRow(ctx, stored).Scan(&row); err != nil {
		return err
	}
	for _, column := range slices.Sorted(maps.Keys(cleared())) {
		value, _ := row[column].(string)
		since, was := k.since[column]
		switch {
		case value != "" && !was:
			k.since[column] = k.looked
		case value == "" && was:
			delete(k.since, column)
			records, err := k.Journal()
			if err != nil {
				return err
			}
			if !provedSince(records, since) {
				k.faults = append(k.faults, fmt.Sprintf("%s was stored after %s and is gone, and no rollout since was proved and about to clear", column, since.UTC().Format(time.RFC3339Nano)))
			}
		}
	}
	k.looked = now
	return nil
}

// provedSince tells whether a rollout that was asked for since then has proved its containers and recorded that it will
// clear.
func provedSince(records []rig.Record, since time.Time) bool {
	asked, proved := map[string]bool{}, map[string]bool{}
	for _, r := range records {
		switch {
		case r.Type == "rollout.requested":
			asked[r.Rollout] = r.Time.After(since)
		case moment{record: "done", verb: "verify"}.is(r):
			proved[r.Rollout] = asked[r.Rollout]
		case moment{record: "begun", verb: "clear"}.is(r) && proved[r.Rollout]:
			return true
		}
	}
	return false
}

// report looks once more, and returns the values that went wrongly since the last report.
func (k *keeper) report(ctx context.Context) ([]string, error) {
	err := k.look(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	out := k.faults
	k.faults = nil
	return out, err
}
