package legacy

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/capakraken/fairlead/internal/fault"
)

func TestServerErrors(t *testing.T) {
	s := &session{Target: Target{DSNOrigin: origin}, dsn: dsn{host: "db", port: 5432}}
	for code, c := range map[string]struct {
		kind fault.Kind
		text string
	}{
		"28P01":    {fault.Refused, "rejects the user or the password (SQLSTATE 28P01)"},
		"3D000":    {fault.Refused, "does not exist"},
		"42501":    {fault.Refused, "lacks a privilege"},
		"55P03":    {fault.Unavailable, "locked by another session for longer than 2s"},
		"57014":    {fault.TimedOut, "took longer than 5s"},
		"57P01":    {fault.Unavailable, "has closed the connection"},
		"08006":    {fault.Unavailable, "has closed the connection"},
		"08P01":    {fault.Unavailable, "not by statement (SQLSTATE 08P01)"},
		"53100":    {fault.Unavailable, "is in trouble itself"},
		"23514":    {fault.Refused, "does not allow the empty value"},
		"P0001":    {fault.Refused, "forbids the change"},
		"22P02":    {fault.Unavailable, "does not carry out a statement (SQLSTATE 22P02)"},
		"":         {fault.Unavailable, "(SQLSTATE unknown)"},
		"c4n4ry\n": {fault.Unavailable, "(SQLSTATE unknown)"},
	} {
		server := &pgconn.PgError{Code: code, Severity: "c4n4ry", Message: "c4n4ry", Detail: "c4n4ry", Hint: "c4n4ry", Where: "c4n4ry"}
		err := s.explain(t.Context(), fmt.Errorf("c4n4ry: %w", server))
		wantFault(t, err, c.kind, origin+": ")
		wantFault(t, err, c.kind, c.text)
	}
	err := s.explain(t.Context(), fmt.Errorf("c4n4ry: %w", io.ErrUnexpectedEOF))
	wantFault(t, err, fault.Unavailable, "the database server at db:5432 has closed the connection")
}

func TestWhetherACommitHappened(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"deferred constraint": {&pgconn.PgError{SeverityUnlocalized: "ERROR", Severity: "FEHLER", Code: "23503"}, true},
		"completion unknown":  {&pgconn.PgError{SeverityUnlocalized: "ERROR", Code: "40003"}, false},
		"shutdown":            {&pgconn.PgError{SeverityUnlocalized: "FATAL", Code: "57P01"}, false},
		"connection lost":     {io.ErrUnexpectedEOF, false},
	} {
		if got := certain(c.err); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestUntouched(t *testing.T) {
	many := fault.Many(fault.Refused, "the legacy table cannot be used", []fault.Problem{{What: "a"}, {What: "b"}})
	err := untouched(many)
	if len(fault.ProblemsOf(err)) != 2 || fault.Summary(err) != "the legacy table cannot be used; no legacy value was cleared" {
		t.Errorf("%v", err)
	}
	unknown := fault.Hide(errors.Join(ErrUnknown, pgx.ErrTxClosed), fault.Unavailable, "who knows")
	if err := untouched(unknown); strings.Contains(err.Error(), "cleared") || !errors.Is(err, ErrUnknown) {
		t.Errorf("%v", err)
	}
	if untouched(nil) != nil {
		t.Error("an error out of nothing")
	}
}
