package steps

import (
	"context"
	"fmt"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
)

// lookForResidue asks the database what it still holds. A rotation or a rollback never depends on the database.
func (j job) lookForResidue(ctx context.Context, p provision, v *rollout.Validated) error {
	if kind := j.state.Request.Kind; !v.HasLegacy || kind == rollout.Rotate || kind == rollout.Rollback {
		return nil
	}
	l, err := j.legacy(p)
	if err != nil {
		return err
	}
	values := expected(j.app, p.base)
	v.Residue, err = j.Database.Inspect(ctx, l, values)
	if fault.KindOf(err) == fault.NotFound && j.state.Request.Kind == rollout.Deploy {
		// A new installation: the app makes its table and its row when it first starts.
		v.HasLegacy = false
		v.Warnings = append(v.Warnings, "nothing was looked for and nothing is cleared: "+fault.Text(err))
		return nil
	}
	if err != nil {
		return err
	}
	survey, err := j.Database.Survey(ctx, l)
	if err != nil {
		return err
	}
	v.Database, v.Survey = j.Key.OfText("database", l.DSN.Reveal()), &survey
	for _, r := range v.Residue {
		switch {
		case r.Verdict != secret.Differs:
		case values[r.Secret].IsEmpty():
			v.Warnings = append(v.Warnings, fmt.Sprintf("%s: column %q holds a legacy value, and the environment has none", r.Secret, r.Column))
		default:
			v.Warnings = append(v.Warnings, fmt.Sprintf("%s: the legacy value in column %q is not the environment's value", r.Secret, r.Column))
		}
	}
	return nil
}
