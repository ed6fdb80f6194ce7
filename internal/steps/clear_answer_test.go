package steps

import (
	"context"
	"slices"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
)

// verdicts returns residue with these verdicts for ai, smtp and seed.
func verdicts(ai, smtp, seed secret.Verdict) []secret.Residue {
	return []secret.Residue{{Secret: "ai", Column: "azureOpenAiApiKey", Verdict: ai}, {Secret: "smtp", Column: "smtpPassword", Verdict: smtp}, {Secret: "seed", Column: "anonSeed", Verdict: seed}}
}

// TestALostAnswerIsLookedAfter holds what is recorded after a clear of which nobody knows whether it happened.
func TestALostAnswerIsLookedAfter(t *testing.T) {
	const empty, same, differs = secret.Empty, secret.Same, secret.Differs
	lost := fault.New(fault.Unavailable, "the connection was lost while it was committed")
	for name, test := range map[string]struct {
		edits         []string
		before, after []secret.Residue
		failed        error // of the clear
		blind         bool  // the second look fails as well
		cleared       []string
		kept          []string
		fault         fault.Kind
	}{
		"it happened":                     {before: verdicts(same, same, empty), after: verdicts(empty, empty, empty), failed: lost, cleared: []string{"ai", "smtp"}},
		"it did not happen":               {before: verdicts(same, same, empty), after: verdicts(same, same, empty), failed: lost, fault: fault.Unavailable},
		"nobody can look":                 {before: verdicts(same, same, empty), failed: lost, blind: true, fault: fault.Unavailable},
		"it happened, and one was kept":   {before: verdicts(same, differs, empty), after: verdicts(empty, differs, empty), failed: lost, cleared: []string{"ai"}, kept: []string{"smtp"}},
		"a differing one was to go":       {edits: []string{"{column: smtpPassword}}", "{column: smtpPassword}, on_mismatch: clear}"}, before: verdicts(empty, differs, empty), after: verdicts(empty, differs, empty), failed: lost, fault: fault.Unavailable},
		"one without a value is kept":     {before: verdicts(same, empty, differs), after: verdicts(empty, empty, differs), failed: lost, cleared: []string{"ai"}, kept: []string{"seed"}},
		"refused is refused":              {before: verdicts(same, empty, empty), after: verdicts(empty, empty, empty), failed: fault.New(fault.Refused, "on_mismatch is refuse"), fault: fault.Refused},
		"an error that nobody has made":   {before: verdicts(same, empty, empty), after: verdicts(empty, empty, empty), failed: context.DeadlineExceeded, cleared: []string{"ai"}},
		"its deadline passed, but it did": {before: verdicts(same, empty, empty), after: verdicts(empty, empty, empty), failed: fault.New(fault.TimedOut, "it took too long"), cleared: []string{"ai"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, test.edits...)
			r.residue = test.before
			s := r.proved(rollout.Deploy)
			r.database.clear = func(context.Context, Legacy, map[string]secret.Value, func() error) ([]secret.Residue, error) {
				return nil, test.failed
			}
			r.residue = test.after
			if test.blind {
				r.database.inspect = func(context.Context, Legacy, map[string]secret.Value) ([]secret.Residue, error) {
					return nil, fault.New(fault.Unavailable, "the database is gone")
				}
			}
			ev, err := r.do(t.Context(), s, rollout.DoClear, "")
			if test.fault != "" {
				expect(t, err, test.fault, fault.Text(test.failed))
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var cleared, kept []string
			for _, residue := range ev.Cleared.Residue {
				if residue.Cleared {
					cleared = append(cleared, residue.Secret)
				}
				if residue.Kept != "" {
					kept = append(kept, residue.Secret)
				}
			}
			if !slices.Equal(cleared, test.cleared) || !slices.Equal(kept, test.kept) {
				t.Errorf("cleared %v and kept %v, want %v and %v", cleared, kept, test.cleared, test.kept)
			}
			if left := rollout.Left(ev.Cleared.Residue); !slices.Equal(left, test.kept) {
				t.Errorf("left %v", left)
			}
		})
	}
}

func TestTheSecondLookOutlastsTheDeadlineOnly(t *testing.T) {
	for name, test := range map[string]struct {
		end   func(context.Context) (context.Context, context.CancelFunc)
		fault fault.Kind
	}{
		"the deadline passes": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, -1)
		}, ""},
		"the daemon stops": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx, cancel
		}, fault.TimedOut},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			s := r.proved(rollout.Deploy)
			ctx, cancel := test.end(t.Context())
			defer cancel()
			r.database.clear = func(context.Context, Legacy, map[string]secret.Value, func() error) ([]secret.Residue, error) {
				return nil, fault.New(fault.TimedOut, "the commit was not answered")
			}
			r.database.inspect = func(ctx context.Context, _ Legacy, _ map[string]secret.Value) ([]secret.Residue, error) {
				if _, bounded := ctx.Deadline(); ctx.Err() != nil || !bounded || test.fault != "" {
					t.Error("there is no second look, or it has ended, or it never would")
				}
				return verdicts(secret.Empty, secret.Empty, secret.Empty), nil
			}
			_, err := r.do(ctx, s, rollout.DoClear, "")
			if test.fault != "" {
				expect(t, err, test.fault)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAResumedClearIsCredited(t *testing.T) {
	for name, test := range map[string]struct {
		resumed bool
		cleared bool
	}{"resumed": {true, true}, "for the first time": {false, false}} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			s := r.proved(rollout.Deploy)
			s.Reclear = test.resumed
			r.residue = verdicts(secret.Empty, secret.Empty, secret.Empty) // the death came after the commit
			r.clears()
			ev, err := r.do(t.Context(), s, rollout.DoClear, "")
			if err != nil {
				t.Fatal(err)
			}
			want := secret.Residue{Secret: "ai", Column: "azureOpenAiApiKey", Verdict: secret.Empty}
			if test.cleared {
				want.Verdict, want.Cleared = secret.Same, true
			}
			if got := ev.Cleared.Residue; got[0] != want || got[1].Cleared || got[2].Cleared {
				t.Errorf("recorded %+v", got)
			}
		})
	}
}
