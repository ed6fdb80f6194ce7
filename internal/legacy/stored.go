package legacy

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

// Stored returns the legacy values that are not empty, each under its column's name, for who has to keep them out of a
// text. It changes nothing. A table or a row that is not there is a NotFound fault.
func (d *Database) Stored(ctx context.Context, t Target) (secret.Env, error) {
	if t.Function != "" {
		return nil, fault.New(fault.Refused, "%s: the function %s tells no values", t.DSNOrigin, quote(t.Function))
	}
	s, err := d.open(ctx, t)
	if err != nil {
		return nil, err
	}
	defer s.close()
	tx, err := s.begin(ctx, pgx.ReadOnly)
	if err != nil {
		return nil, err
	}
	if _, err := s.survey(ctx, tx); err != nil {
		return nil, err
	}
	values, err := s.read(ctx, tx, justLook)
	if err != nil {
		return nil, err
	}
	var env secret.Env
	for i, c := range t.Columns {
		if !values[i].IsEmpty() {
			env = env.With(secret.Var{Name: c.Column, Value: values[i], Origin: secret.Origin{Source: "the database"}})
		}
	}
	return env, nil
}
