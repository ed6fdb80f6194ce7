package steps

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// TestWhatAClearLeavesIsRecorded: the statistics are made anew, what may keep copies is recorded, and where either fails
// the clear has succeeded all the same and says so.
func TestWhatAClearLeavesIsRecorded(t *testing.T) {
	trigger, statistics := secret.Hazard{Kind: "trigger", Text: "trigger keep"}, secret.Hazard{Kind: secret.Statistics, Text: "statistics of x"}
	for name, test := range map[string]struct {
		analyze, survey error
		remains         []secret.Hazard
		notes           []string
	}{
		"all goes well":         {nil, nil, []secret.Hazard{trigger}, nil},
		"ANALYZE is forbidden":  {fault.New(fault.Refused, "it may not"), nil, []secret.Hazard{trigger, statistics}, []string{"ANALYZE did not succeed, so the database's statistics may still hold values: it may not"}},
		"nobody can look again": {nil, fault.New(fault.Unavailable, "it is gone"), []secret.Hazard{trigger}, []string{"what may keep copies was not looked at again: it is gone"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			s := r.proved(rollout.Deploy)
			s.Validated.Survey = &secret.Survey{Hazards: []secret.Hazard{trigger, statistics}}
			r.clears()
			r.database.analyze = func(context.Context, Legacy) error { return test.analyze }
			r.database.survey = func(context.Context, Legacy) (secret.Survey, error) {
				return secret.Survey{Hazards: []secret.Hazard{trigger, statistics}}, test.survey
			}
			if test.survey != nil {
				r.database.survey = func(context.Context, Legacy) (secret.Survey, error) { return secret.Survey{}, test.survey }
			}
			ev, err := r.do(t.Context(), s, rollout.DoClear, "")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.remains, ev.Cleared.Remains) + cmp.Diff(test.notes, ev.Cleared.Notes); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestTheClearedDatabaseIsTheValidatedOne: what validate saw is what clear is held to, and a state of an older version,
// which has seen nothing, holds it to nothing.
func TestTheClearedDatabaseIsTheValidatedOne(t *testing.T) {
	for name, survey := range map[string]*secret.Survey{"validated": {Identity: secret.Identity{System: "7", Table: "16390"}}, "of an older version": nil} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			s := r.proved(rollout.Deploy)
			s.Validated.Survey = survey
			r.database.clear = func(_ context.Context, l Legacy, _ map[string]secret.Value, _ func() error) ([]secret.Residue, error) {
				if (survey == nil) != (l.Identity == secret.Identity{}) || survey != nil && l.Identity != survey.Identity {
					t.Errorf("held to %+v", l.Identity)
				}
				return verdicts(secret.Empty, secret.Empty, secret.Empty), nil
			}
			if _, err := r.do(t.Context(), s, rollout.DoClear, ""); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestChangesWhileTheRowIsLocked: what happens after all was looked at, and before the write, stops it as well.
func TestChangesWhileTheRowIsLocked(t *testing.T) {
	for name, test := range map[string]struct {
		arrange func(r *rig)
		want    string
	}{
		"a stranger":               {func(r *rig) { r.others = []workload.Container{{ID: "x", Name: "shop-cron"}} }, "container shop-cron shares the image"},
		"a container of the app":   {func(r *rig) { r.run("web", "web-stray").Name = "stray" }, "container stray of this app is live but was not verified"},
		"another env file":         {func(r *rig) { r.write(strings.Replace(provisioned, smtp, smtp+"x", 1)) }, "changed while the clear waited"},
		"an env file with a fault": {func(r *rig) { r.write(provisioned + "not a line\n") }, "changed while the clear waited"},
		"one made again by hand":   {func(r *rig) { r.remove("web-new"); r.run("web", "web-by-hand") }, "web-new"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			s := r.proved(rollout.Deploy)
			wrote := r.clears()
			locked := r.database.clear
			r.database.clear = func(ctx context.Context, l Legacy, expected map[string]secret.Value, proceed func() error) ([]secret.Residue, error) {
				test.arrange(r)
				return locked(ctx, l, expected, proceed)
			}
			_, err := r.do(t.Context(), s, rollout.DoClear, "")
			if err == nil || *wrote {
				t.Fatal("cleared all the same")
			}
			expect(t, err, fault.KindOf(err), test.want)
		})
	}
}
