package stepstest

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/steps"
)

// DB is the database as one daemon reaches it. It decides what is cleared as package legacy does.
type DB struct{ *Life }

// Inspect compares what the row holds with what is expected.
func (d DB) Inspect(ctx context.Context, l steps.Legacy, expected map[string]secret.Value) ([]secret.Residue, error) {
	if err := d.call(ctx, "Database.Inspect"); err != nil {
		return nil, err
	}
	defer d.give()
	return d.compare(l, expected)
}

func (d DB) compare(l steps.Legacy, expected map[string]secret.Value) ([]secret.Residue, error) {
	if d.Row == nil {
		return nil, fault.New(fault.NotFound, "%s: the table has no row", l.Origin)
	}
	var out []secret.Residue
	for _, s := range l.Secrets {
		r := secret.Residue{Secret: s.Name, Column: s.LegacyColumn, Verdict: secret.Differs}
		switch stored, want := d.Row[s.LegacyColumn], expected[s.Name]; {
		case stored.IsEmpty():
			r.Verdict = secret.Empty
		case !want.IsEmpty() && stored.Equal(want):
			r.Verdict = secret.Same
		}
		out = append(out, r)
	}
	return out, nil
}

// Survey finds the same database each time, and nothing that keeps copies.
func (d DB) Survey(ctx context.Context, _ steps.Legacy) (secret.Survey, error) {
	if err := d.call(ctx, "Database.Survey"); err != nil {
		return secret.Survey{}, err
	}
	defer d.give()
	return secret.Survey{Identity: secret.Identity{System: "1", Timeline: "00000001", Database: "2", Table: "3"}}, nil
}

// Analyze changes nothing that is looked at.
func (d DB) Analyze(ctx context.Context, _ steps.Legacy) error {
	if err := d.call(ctx, "Database.Analyze"); err != nil {
		return err
	}
	d.give()
	return nil
}

// Stored returns what the row holds.
func (d DB) Stored(ctx context.Context, l steps.Legacy) (secret.Env, error) {
	if err := d.call(ctx, "Database.Stored"); err != nil {
		return nil, err
	}
	defer d.give()
	if d.Row == nil {
		return nil, fault.New(fault.NotFound, "%s: the table has no row", l.Origin)
	}
	var out secret.Env
	for _, s := range l.Secrets {
		if v := d.Row[s.LegacyColumn]; !v.IsEmpty() {
			out = out.With(secret.Var{Name: s.Env, Value: v})
		}
	}
	return out, nil
}

// Clear clears in one transaction, and looks again after it.
func (d DB) Clear(ctx context.Context, l steps.Legacy, expected map[string]secret.Value, proceed func() error) ([]secret.Residue, error) {
	if err := d.call(ctx, "Database.Clear"); err != nil {
		return nil, err
	}
	defer d.give()
	if err := d.move(ctx, Move{Verb: "lock"}, func() {}); err != nil {
		return nil, err
	}
	residue, err := d.compare(l, expected)
	if err != nil {
		return nil, err
	}
	columns, err := decide(l, expected, residue)
	if err != nil || len(columns) == 0 {
		return residue, err
	}
	if err := d.aside(proceed); err != nil {
		return nil, err
	}
	if err := d.move(ctx, Move{Verb: "update"}, func() {}); err != nil {
		return nil, err
	}
	proved := true
	if d.Proved != nil {
		if err := d.aside(func() error { proved = d.Proved(); return nil }); err != nil {
			return nil, err
		}
	}
	if err := d.move(ctx, Move{Verb: "commit"}, func() { d.commit(columns, proved) }); err != nil {
		return nil, err
	}
	for i, r := range residue {
		residue[i].Cleared = slices.Contains(columns, r.Column) && d.Row[r.Column].IsEmpty()
	}
	return residue, nil
}

// commit empties the columns, and holds the clear against the promise that nothing irreversible comes before the proof.
func (d DB) commit(columns []string, proved bool) {
	d.clears = append(d.clears, Clearing{At: time.Now(), Columns: columns, Proved: proved})
	if !proved {
		d.Errorf("life %d clears %s, and no proof is on the disk", d.number, strings.Join(columns, ", "))
	}
	for _, c := range columns {
		d.Row[c] = secret.Value{}
	}
}

// decide returns the columns that are cleared, and says in residue why one is kept.
func decide(l steps.Legacy, expected map[string]secret.Value, residue []secret.Residue) ([]string, error) {
	var columns []string
	for i, s := range l.Secrets {
		switch r := &residue[i]; {
		case r.Verdict == secret.Empty:
		case r.Verdict == secret.Same, s.OnMismatch == secret.Clear && !expected[s.Name].IsEmpty():
			columns = append(columns, r.Column)
		case expected[s.Name].IsEmpty():
			r.Kept = "the environment has no value for it, so the database holds the only one"
		case s.OnMismatch == secret.Refuse:
			return nil, fault.New(fault.Refused, "the legacy values must not be cleared: column %q holds another value than the environment", r.Column)
		default:
			r.Kept = "it is not the environment's value (on_mismatch: keep)"
		}
	}
	return columns, nil
}
