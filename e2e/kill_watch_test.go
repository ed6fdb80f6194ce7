//go:build e2e

package e2e

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/e2e/world"
)

// What watches over the kills must see what it is there to see.
func TestWatchersSee(t *testing.T) {
	k := settled(t, &score{}, rig.Options{})
	t.Run("two containers of one service", func(t *testing.T) {
		s := k.in(t)
		c := s.container(world.ContainerSpec{Name: s.Container("twin"), Cmd: []string{"worker"},
			Labels: map[string]string{"fairlead.instance": s.Instance, "fairlead.service": "worker"}, Env: []string{"DATABASE_URL=" + s.Postgres.URL()}})
		var seen []string
		s.eventually("the sentry has seen them, by event and by looking, and so has the prober", func() error {
			seen = append(append(seen, k.sentry.report()...), k.prober.report()...)
			event := func(text string) bool { return strings.Contains(text, "was started at") }
			look := func(text string) bool { return strings.Contains(text, "side by side") }
			outside := func(text string) bool { return strings.Contains(text, "of its processes were alive") }
			if !slices.ContainsFunc(seen, event) || !slices.ContainsFunc(seen, look) || !slices.ContainsFunc(seen, outside) {
				return context.DeadlineExceeded
			}
			return nil
		})
		if k.prober.serves(t.Context()) == nil {
			t.Error("the prober takes two for one")
		}
		s.must(c.Remove(t.Context()))
		k.sentry.report()
	})
	t.Run("a clear without proof", func(t *testing.T) {
		s := k.in(t)
		s.must(s.Store(t.Context(), residue()))
		s.must(s.Postgres.Exec(t.Context(), `DELETE FROM "Cleared"`))
		if faults, err := k.keeper.report(t.Context()); err != nil || len(faults) > 0 {
			t.Errorf("the keeper saw %v: %v", faults, err)
		}
		s.must(s.Store(t.Context(), map[string]string{"smtpPassword": ""}))
		at, err := s.Postgres.Text(t.Context(), `SELECT max(at) FROM "Cleared"`)
		s.must(err)
		records, err := s.Journal()
		s.must(err)
		if at == "" {
			t.Error("the database took no note")
		}
		if faults, err := k.keeper.report(t.Context()); err != nil || len(faults) != 1 || !strings.Contains(faults[0], "smtpPassword was stored") {
			t.Errorf("the keeper saw %v: %v", faults, err)
		}
		if len(records) == 0 || confirmed(records, time.Now()) {
			t.Errorf("%d records confirm it", len(records))
		}
	})
}
