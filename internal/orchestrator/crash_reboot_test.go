package orchestrator_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/steps/stepstest"
	"github.com/capakraken/fairlead/internal/workload"
)

// TestPowerCutAtEveryAppend takes the power from the whole host: with the daemon every container ends, and the Engine
// starts again what its restart policy says. The rollout may end otherwise than it would have, and must end true.
func TestPowerCutAtEveryAppend(t *testing.T) {
	eachScene(t, func(t *testing.T, c scene, app *stepstest.App, n *tally) {
		base := undisturbed(t, c, app)
		for k := 1 + len(c.name)%stride; k <= base.appends; k += stride {
			base.withoutPower(t, n, &death{append: k, when: []when{torn, synced}[k/stride%2], reboots: true})
		}
	})
}

// withoutPower plays the scene with a power cut.
func (c course) withoutPower(t *testing.T, n *tally, d *death) {
	t.Helper()
	v, s := play(t, c.scene, c.app, d)
	n.lives.Add(int64(s.lives))
	n.deaths.Add(int64(s.lives - 1))
	runs := map[string]string{}
	for _, b := range s.host.Containers() {
		if b.Live() {
			runs[b.Service], _, _ = strings.Cut(b.ID, "-")
		}
	}
	for _, service := range c.app.Names() {
		if want := c.runsAfter(v.Outcome, service); want != "any" && runs[service] != want {
			t.Errorf("%v: it ends %s, and of %s the %q container runs, not the %q one:\n%s", d, v.Outcome, service, runs[service], want, v.Host)
		}
	}
	allowed := []rollout.Outcome{"", c.want, c.plain.Outcome}
	switch {
	case c.plain.Outcome == rollout.Succeeded:
		allowed = append(allowed, rollout.RolledBack, rollout.Refused) // the proof was cut short
	case c.want == rollout.Halted:
		allowed = append(allowed, rollout.RolledBack, rollout.Refused) // what was there before was already broken
	}
	if !slices.Contains(allowed, v.Outcome) {
		t.Errorf("%v: it ends %s (%s %s)", d, v.Outcome, v.Failure, v.Stuck)
	}
}

// runsAfter returns which container of a service must run after an outcome: the old one, the new one, none, or any.
func (c course) runsAfter(o rollout.Outcome, service string) string {
	was := "old"
	switch {
	case c.release == "none", c.was(service) == workload.Exited:
		was = ""
	case c.was(service) == workload.Paused:
		was = "any" // the Engine does not pause it again, unless the rollout does
	}
	switch {
	case o == rollout.Halted:
		return "any"
	case o != rollout.Succeeded, c.kind == rollout.Cleanup, c.release == "current" && !c.force:
		return was
	}
	return "new"
}
