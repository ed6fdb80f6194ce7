package legacy

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/legacysql"
	"github.com/capakraken/fairlead/internal/secret"
)

// nonceSize is how many random bytes salt the hashes of one call, so that the same value has another hash each time.
const nonceSize = 32

// definition returns the table and the function as the administrator was told to make them.
func (s *session) definition() legacysql.Table {
	t := legacysql.Table{Schema: s.Schema, Name: s.Table, RowColumn: s.RowColumn, RowValue: s.RowValue, Function: s.Function}
	for _, c := range s.Columns {
		t.Columns = append(t.Columns, legacysql.Column{Name: c.Column, Differing: c.OnMismatch == secret.Clear})
	}
	return t
}

// function returns the function's full name, quoted.
func (s *session) function() string { return pgx.Identifier{s.Schema, s.Function}.Sanitize() }

// functionNamed finds the function by its name and what it takes.
const functionNamed = `SELECT p.prosrc, p.prosecdef AND l.lanname = 'plpgsql', coalesce(pg_catalog.array_to_string(p.proconfig, ' | '), ''),
	p.proowner = c.relowner, pg_catalog.has_function_privilege(p.oid, 'EXECUTE'), pg_catalog.has_schema_privilege(n.oid, 'USAGE'),
	EXISTS (SELECT FROM pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a WHERE a.grantee = 0),
	EXISTS (SELECT FROM pg_catalog.aclexplode(p.proacl) a
		WHERE a.grantee <> 0 AND a.grantee <> p.proowner AND a.grantee <> (SELECT u.oid FROM pg_catalog.pg_roles u WHERE u.rolname = session_user))
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace JOIN pg_catalog.pg_language l ON l.oid = p.prolang
	JOIN pg_catalog.pg_class c ON c.oid = $4::pg_catalog.text::pg_catalog.oid
WHERE n.nspname = $1::pg_catalog.text AND p.proname = $2::pg_catalog.text AND pg_catalog.pg_get_function_identity_arguments(p.oid) = $3::pg_catalog.text
	AND p.prokind = 'f' AND p.prorettype = 'pg_catalog.text[]'::pg_catalog.regtype`

// checkFunction refuses a function that is not, to the letter, the one for this table, row, columns and policy. Whoever could
// change it could have it say anything.
func (s *session) checkFunction(ctx context.Context, tx pgx.Tx, r relation) error {
	again := fmt.Sprintf("have the database's administrator run what 'fairlead legacy sql %s' prints", s.App)
	var source, path string
	var definer, owned, callable, usable, public, others bool
	err := tx.QueryRow(ctx, functionNamed, s.Schema, s.Function, legacysql.Signature, r.oid).Scan(&source, &definer, &path, &owned, &callable, &usable, &public, &others)
	what, fix := "", again
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		what = "does not exist"
	case err != nil:
		return s.explain(ctx, err)
	case source != s.definition().Body() || !definer || path != legacysql.SearchPath:
		what = "is not the one for this table, its columns and their on_mismatch"
	case !owned:
		what = "does not belong to the owner of table " + s.relation()
	case !usable || !callable:
		what = "may not be called by the user of the URL"
	case public:
		what, fix = "may be called by everybody, and whoever may call it can try values", again+", which takes that away"
	case others:
		what, fix = "may be called by others than the user of the URL, and whoever may call it can try values", again+", which takes that away"
	default:
		return nil
	}
	return fault.Many(fault.Refused, "the legacy table cannot be used", []fault.Problem{{Where: s.DSNOrigin + ": function " + s.function(), What: what, Fix: fix}})
}

// ask has the function compare.
func (s *session) ask(ctx context.Context, tx pgx.Tx, h hold, expected map[string]secret.Value) ([]finding, error) {
	action := legacysql.Inspect
	if h == lock {
		action = legacysql.Lock
	}
	verdicts, err := s.verdicts(ctx, tx, action, expected, nil)
	if err != nil {
		return nil, err
	}
	findings := make([]finding, len(s.Columns))
	for i, c := range s.Columns {
		findings[i] = finding{Column: c, verdict: verdicts[i], unset: expected[c.Secret].IsEmpty()}
	}
	return findings, nil
}

// call has the function clear the columns. It reads all of them again itself, and its last word is held against what it was
// told to do.
func (s *session) call(ctx context.Context, tx pgx.Tx, before []finding, expected map[string]secret.Value, columns []string) error {
	verdicts, err := s.verdicts(ctx, tx, legacysql.Clear, expected, columns)
	if err != nil {
		return err
	}
	for i, c := range s.Columns {
		cleared := slices.Contains(columns, c.Column)
		if cleared && verdicts[i] != secret.Empty || !cleared && verdicts[i] != before[i].verdict {
			return fault.New(fault.Refused, "%s: function %s: column %s is not what was asked for after the clearing", s.DSNOrigin, s.function(), quote(c.Column))
		}
	}
	return nil
}

// verdicts calls the function. What it is told of each value is a hash with a fresh salt.
func (s *session) verdicts(ctx context.Context, tx pgx.Tx, action string, expected map[string]secret.Value, chosen []string) ([]secret.Verdict, error) {
	nonce := make([]byte, nonceSize)
	if _, err := rand.Read(nonce); err != nil {
		return nil, fault.Hide(err, fault.Internal, "there are no random bytes")
	}
	digests := make([][]byte, len(s.Columns))
	for i, c := range s.Columns {
		if v := expected[c.Secret]; !v.IsEmpty() {
			sum := sha256.Sum256(append(slices.Clone(nonce), v.Reveal()...))
			digests[i] = sum[:]
		}
	}
	if chosen == nil {
		chosen = []string{}
	}
	var words []string
	err := tx.QueryRow(ctx, "SELECT "+s.function()+"($1::pg_catalog.text, $2::pg_catalog.bytea, $3::pg_catalog.bytea[], $4::pg_catalog.text[])",
		action, nonce, digests, chosen).Scan(&words)
	if err != nil {
		return nil, s.explain(ctx, err)
	}
	if action == legacysql.Analyze {
		return nil, nil
	}
	out := make([]secret.Verdict, len(words))
	for i, w := range words {
		out[i] = secret.Verdict(w)
		if !slices.Contains([]secret.Verdict{secret.Empty, secret.Same, secret.Differs}, out[i]) {
			return nil, s.strange()
		}
	}
	if len(out) != len(s.Columns) {
		return nil, s.strange()
	}
	return out, nil
}

func (s *session) strange() error {
	return fault.New(fault.Refused, "%s: function %s answers with what it should not", s.DSNOrigin, s.function())
}

// refusal says what the function's own codes mean.
func (s *session) refusal(code string) error {
	if s.Function == "" {
		return nil
	}
	switch code {
	case legacysql.NoRow:
		return s.rowFault(fault.NotFound, "matches no row")
	case legacysql.ManyRows:
		return s.rowFault(fault.Refused, "matches more than one row, so it is not clear which one holds the legacy values")
	case legacysql.RowsHidden:
		return fault.New(fault.Refused, "%s: table %s has row-level security that applies to its owner, so the row may be hidden", s.DSNOrigin, s.relation())
	case legacysql.NotOneRow:
		return s.rowFault(fault.Refused, "was one row when it was locked, but the update changed another number (a trigger may have prevented it)")
	case legacysql.NotEmpty:
		return fault.New(fault.Refused, "%s: table %s: a column is not empty after it was cleared (a trigger may have put a value back)", s.DSNOrigin, s.relation())
	case legacysql.Others:
		return fault.New(fault.Refused, "%s: table %s: a column was to be left alone, but it is another value after the others were cleared (a trigger may have changed it)", s.DSNOrigin, s.relation())
	case legacysql.Forbidden, legacysql.Misused:
		return s.strange()
	}
	return nil
}
