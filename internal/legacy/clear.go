package legacy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/capakraken/fairlead/internal/failpoint"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

// confirmTimeout bounds the look after the commit, which ctx does not cut off either.
const confirmTimeout = 10 * time.Second

// Clear clears, in one transaction, every value that is the same as the expected one, and a differing one whose secret
// says Clear. A differing one that says Refuse refuses the whole; one for which the environment has no value is always
// kept, since it is then the only one. With the row locked and before the first write, proceed is asked with what was
// found; its error ends the transaction. When there is nothing to clear, proceed is not asked and nothing is written, so
// Clear may be called again after any death.
//
// The result has a verdict from before the clearing, what was cleared and seen empty on a second connection, and why
// anything was kept. An error that is ErrUnknown means that the caller must inspect; after every other one nothing was
// cleared.
func (d *Database) Clear(ctx context.Context, t Target, expected map[string]secret.Value, proceed func([]secret.Residue) error) ([]secret.Residue, error) {
	residue, cleared, err := d.clear(ctx, t, expected, proceed)
	if err != nil || len(cleared) == 0 {
		return residue, err
	}
	if err := d.confirm(ctx, t, expected, residue, cleared); err != nil {
		return nil, err
	}
	failpoint.Hit(failpoint.ClearConfirmed)
	return residue, nil
}

// clear is Clear up to the commit. It returns the columns that it cleared.
func (d *Database) clear(ctx context.Context, t Target, expected map[string]secret.Value, proceed func([]secret.Residue) error) ([]secret.Residue, []string, error) {
	s, err := d.open(ctx, t)
	if err != nil {
		return nil, nil, untouched(err)
	}
	defer s.close()
	failpoint.Hit(failpoint.ClearConnected)
	tx, err := s.begin(ctx, "")
	if err != nil {
		return nil, nil, untouched(err)
	}
	table, findings, err := s.examine(ctx, tx, lock, expected)
	if err != nil {
		return nil, nil, untouched(err)
	}
	failpoint.Hit(failpoint.ClearLocked)
	residue, columns, err := decide(findings)
	if err != nil || len(columns) == 0 {
		return residue, nil, untouched(err)
	}
	if err := proceed(slices.Clone(residue)); err != nil {
		return nil, nil, err // the caller's own words
	}
	failpoint.Hit(failpoint.ClearAsked)
	write := s.write
	if s.Function != "" {
		write = func(ctx context.Context, tx pgx.Tx, _ relation, before []finding, columns []string) error {
			return s.call(ctx, tx, before, expected, columns)
		}
	}
	if err := write(ctx, tx, table, findings, columns); err != nil {
		return nil, nil, untouched(err)
	}
	failpoint.Hit(failpoint.ClearUpdated)
	if err := s.commit(ctx, tx); err != nil {
		return nil, nil, untouched(err)
	}
	failpoint.Hit(failpoint.ClearCommitted)
	return residue, columns, nil
}

// untouched adds to err that nothing was cleared, unless that is not known.
func untouched(err error) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || errors.Is(err, ErrUnknown) {
		return err
	}
	out := fault.Hide(err, f.Kind, "%s; no legacy value was cleared", f.Message)
	out.Problems = f.Problems
	return out
}

// decide says of every finding whether it is cleared or why it is kept.
func decide(findings []finding) (residue []secret.Residue, columns []string, err error) {
	var refusing []fault.Problem
	for _, f := range findings {
		r := f.residue()
		switch {
		case f.verdict == secret.Empty:
		case f.verdict == secret.Same, f.OnMismatch == secret.Clear && !f.unset:
			columns = append(columns, r.Column)
		case f.unset:
			r.Kept = "the environment has no value for it, so the database holds the only one"
		case f.OnMismatch == secret.Refuse:
			refusing = append(refusing, fault.Problem{Where: "secret " + f.Secret, What: fmt.Sprintf("column %s holds another value than the environment, and on_mismatch is refuse", quote(r.Column)),
				Fix: "find out which one is right"})
		default:
			r.Kept = "it is not the environment's value (on_mismatch: keep)"
		}
		residue = append(residue, r)
	}
	if err := fault.Many(fault.Refused, "the legacy values must not be cleared", refusing); err != nil {
		return nil, nil, err
	}
	return residue, columns, nil
}

// write clears the columns and reads all of them again, since a trigger may have done something else, also one that
// would otherwise wait for the commit.
func (s *session) write(ctx context.Context, tx pgx.Tx, table relation, before []finding, columns []string) error {
	tag, err := tx.Exec(ctx, "UPDATE "+s.relation()+" SET "+emptying(table, columns)+s.where(), s.RowValue)
	if err != nil {
		return s.explain(ctx, err)
	}
	if n := tag.RowsAffected(); n != 1 {
		return s.rowFault(fault.Refused, fmt.Sprintf("was one row when it was locked, but the update changed %d (a trigger may have prevented it)", n))
	}
	if _, err := tx.Exec(ctx, "SET CONSTRAINTS ALL IMMEDIATE"); err != nil {
		return s.explain(ctx, err)
	}
	stored, err := s.read(ctx, tx, justLook)
	if err != nil {
		return err
	}
	for i, c := range s.Columns {
		what := ""
		switch cleared := slices.Contains(columns, c.Column); {
		case cleared && !stored[i].IsEmpty():
			what = "is not empty after it was cleared (a trigger may have put a value back)"
		case !cleared && !stored[i].Equal(before[i].stored):
			what = "was to be left alone, but it is another value after the others were cleared (a trigger may have changed it)"
		default:
			continue
		}
		return fault.New(fault.Refused, "%s: table %s: column %s %s", s.DSNOrigin, s.relation(), quote(c.Column), what)
	}
	return nil
}

// confirm looks again on a second connection and marks in residue what it finds cleared.
func (d *Database) confirm(ctx context.Context, t Target, expected map[string]secret.Value, residue []secret.Residue, cleared []string) error {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), confirmTimeout)
	defer cancel()
	now, err := d.Inspect(bounded, t, expected)
	if err != nil {
		return fault.Hide(errors.Join(ErrUnknown, err), fault.Unavailable,
			"the clearing of the legacy values was committed, but the look after it failed: %s; look again with 'fairlead residue %s'",
			strings.TrimSpace(fault.Text(err)), t.App)
	}
	for i := range residue {
		switch r := &residue[i]; {
		case !slices.Contains(cleared, r.Column):
		case now[i].Verdict == secret.Empty:
			r.Cleared = true
		default:
			r.Verdict, r.Kept = now[i].Verdict, "it was cleared, but somebody has written a value again since"
		}
	}
	return nil
}
