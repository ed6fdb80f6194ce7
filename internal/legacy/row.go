package legacy

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

// hold says what a read of the row does to it.
type hold string

const (
	justLook hold = ""
	lock     hold = " FOR UPDATE"
)

// finding is one column of the row, compared.
type finding struct {
	Column
	stored  secret.Value
	verdict secret.Verdict
	unset   bool // the environment has no value for it
}

func (f finding) residue() secret.Residue {
	return secret.Residue{Secret: f.Secret, Column: f.Column.Column, Verdict: f.verdict}
}

// examine surveys the table, reads the row, and compares its columns with the expected values. With the row locked it
// surveys the table once more: nobody can alter it from then on, but somebody may have just before.
func (s *session) examine(ctx context.Context, tx pgx.Tx, h hold, expected map[string]secret.Value) (relation, []finding, error) {
	table, err := s.survey(ctx, tx)
	if err != nil {
		return relation{}, nil, err
	}
	findings, err := s.look(ctx, tx, h, expected)
	if err != nil {
		return relation{}, nil, err
	}
	if h == lock {
		if table, err = s.survey(ctx, tx); err != nil {
			return relation{}, nil, err
		}
	}
	return table, findings, nil
}

// look compares the columns of the row with the expected values.
func (s *session) look(ctx context.Context, tx pgx.Tx, h hold, expected map[string]secret.Value) ([]finding, error) {
	if s.Function != "" {
		return s.ask(ctx, tx, h, expected)
	}
	stored, err := s.read(ctx, tx, h)
	return s.compare(stored, expected), err
}

// read returns the columns' values of the one row, in the target's order. NULL and the empty string are both empty.
func (s *session) read(ctx context.Context, tx pgx.Tx, h hold) ([]secret.Value, error) {
	// Two rows are enough to know that one is not the only one.
	rows, err := tx.Query(ctx, "SELECT "+s.columns()+" FROM "+s.relation()+s.where()+" LIMIT 2"+string(h), s.RowValue)
	if err != nil {
		return nil, s.explain(ctx, err)
	}
	texts := make([]*string, len(s.Columns))
	into := make([]any, len(texts))
	for i := range texts {
		into[i] = &texts[i]
	}
	var stored []secret.Value
	count := 0
	_, err = pgx.ForEachRow(rows, into, func() error {
		count++
		stored = values(texts)
		return nil
	})
	switch {
	case err != nil:
		return nil, s.explain(ctx, err)
	case count == 0:
		return nil, s.rowFault(fault.NotFound, "matches no row")
	case count > 1:
		return nil, s.rowFault(fault.Refused, "matches more than one row, so it is not clear which one holds the legacy values")
	}
	return stored, nil
}

func values(texts []*string) []secret.Value {
	out := make([]secret.Value, len(texts))
	for i, t := range texts {
		if t != nil {
			out[i] = secret.NewValue(*t)
		}
	}
	return out
}

func (s *session) rowFault(k fault.Kind, what string) error {
	return fault.New(k, "%s: table %s: %s = %q %s", s.DSNOrigin, s.relation(), quote(s.RowColumn), s.RowValue, what)
}

// where picks the row. The column is cast, and not the value, so that every type works and a value that is none of the
// column's type is no error. It is compared byte by byte, whatever the column's collation takes for equal, and with
// PostgreSQL's own operator, whatever stands in the search path.
func (s *session) where() string {
	return fmt.Sprintf(` WHERE %s::pg_catalog.text COLLATE pg_catalog."C" OPERATOR(pg_catalog.=) $1`, quote(s.RowColumn))
}

// compare returns the verdict on every column. It happens here and not in the database, so that no secret is sent.
func (s *session) compare(stored []secret.Value, expected map[string]secret.Value) []finding {
	findings := make([]finding, len(s.Columns))
	if stored == nil { // it could not be read
		return nil
	}
	for i, c := range s.Columns {
		want := expected[c.Secret]
		f := finding{Column: c, stored: stored[i], verdict: secret.Differs, unset: want.IsEmpty()}
		switch {
		case stored[i].IsEmpty():
			f.verdict = secret.Empty
		case !want.IsEmpty() && stored[i].Equal(want):
			f.verdict = secret.Same
		}
		findings[i] = f
	}
	return findings
}
