package legacy

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

func TestDecide(t *testing.T) {
	const (
		isUnset = true
		isSet   = false
	)
	for name, c := range map[string]struct {
		verdict secret.Verdict
		policy  secret.OnMismatch
		unset   bool
		cleared bool
		kept    string
		refused bool
	}{
		"empty":                     {verdict: secret.Empty, policy: secret.Refuse, unset: isSet},
		"same":                      {verdict: secret.Same, policy: secret.Keep, unset: isSet, cleared: true},
		"same, refuse":              {verdict: secret.Same, policy: secret.Refuse, unset: isSet, cleared: true},
		"differs, no policy":        {verdict: secret.Differs, unset: isSet, kept: "it is not the environment's value (on_mismatch: keep)"},
		"differs, keep":             {verdict: secret.Differs, policy: secret.Keep, unset: isSet, kept: "it is not the environment's value (on_mismatch: keep)"},
		"differs, clear":            {verdict: secret.Differs, policy: secret.Clear, unset: isSet, cleared: true},
		"differs, refuse":           {verdict: secret.Differs, policy: secret.Refuse, unset: isSet, refused: true},
		"no value, keep":            {verdict: secret.Differs, policy: secret.Keep, unset: isUnset, kept: "the environment has no value for it, so the database holds the only one"},
		"no value, clear":           {verdict: secret.Differs, policy: secret.Clear, unset: isUnset, kept: "the environment has no value for it, so the database holds the only one"},
		"no value, refuse":          {verdict: secret.Differs, policy: secret.Refuse, unset: isUnset, kept: "the environment has no value for it, so the database holds the only one"},
		"no value, nothing to keep": {verdict: secret.Empty, policy: secret.Clear, unset: isUnset},
	} {
		t.Run(name, func(t *testing.T) {
			residue, columns, err := decide([]finding{{Column: Column{"smtp", "smtpPassword", c.policy}, verdict: c.verdict, unset: c.unset}})
			if c.refused {
				wantFault(t, err, fault.Refused, `secret smtp: column "smtpPassword" holds another value than the environment`)
				return
			}
			want := []secret.Residue{{Secret: "smtp", Column: "smtpPassword", Verdict: c.verdict, Kept: c.kept}}
			if diff := cmp.Diff(want, residue); err != nil || diff != "" || (len(columns) == 1) != c.cleared {
				t.Errorf("%s%v, %v", diff, columns, err)
			}
		})
	}
}

func TestOneRefusalRefusesAll(t *testing.T) {
	_, columns, err := decide([]finding{
		{Column: Column{"a", "x", secret.Keep}, verdict: secret.Same},
		{Column: Column{"b", "y", secret.Refuse}, verdict: secret.Differs},
	})
	if err == nil || columns != nil {
		t.Errorf("%v, %v", columns, err)
	}
}

func TestStatementsQuoteNames(t *testing.T) {
	s := &session{Target: Target{Schema: `te"nant`, Table: `Sys"; DROP TABLE x; --`, RowColumn: `i"d`, Columns: []Column{{Column: `a"b`}, {Column: "c"}}}}
	for got, want := range map[string]string{
		s.relation(): `"te""nant"."Sys""; DROP TABLE x; --"`,
		s.columns():  `"a""b"::pg_catalog.text, "c"::pg_catalog.text`,
		s.where():    ` WHERE "i""d"::pg_catalog.text COLLATE pg_catalog."C" OPERATOR(pg_catalog.=) $1`,
		emptying(relation{attributes: map[string]attribute{"c": {notNull: true}}}, []string{`a"b`, "c"}): `"a""b" = NULL, "c" = ''`,
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
