package legacy

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/capakraken/fairlead/internal/fault"
)

// explain says in our own words what failed. The driver's words may hold the URL, and the server's the row's values.
func (s *session) explain(ctx context.Context, err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok { // of the lookup
		return fault.Hide(err, f.Kind, "%s: host %s: %s", s.DSNOrigin, s.dsn.host, f.Error())
	}
	if server, ok := errors.AsType[*pgconn.PgError](err); ok {
		if ours := s.refusal(server.Code); ours != nil {
			return ours
		}
		kind, words := meaning(server.Code)
		if strings.HasPrefix(server.Code, "42") && server.Code != "42501" && server.Where != "" { // inside a function
			kind, words = fault.Refused, "a trigger of the legacy table fails"
		}
		return fault.Hide(err, kind, "%s: %s (SQLSTATE %s)", s.DSNOrigin, words, state(server.Code))
	}
	kind, why := fault.Unavailable, reason(err)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		why = "was asked, but the look was interrupted"
	case ctx.Err() != nil:
		kind, why = fault.TimedOut, "does not answer in time"
	}
	return fault.Hide(err, kind, "%s: the database server at %s %s", s.DSNOrigin, s.dsn.address(), why)
}

// reason names the failure of a connection; its subject is the database server.
func reason(err error) string {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "cannot be found: the host name is known neither on the app's networks nor on this host"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "shows a certificate that is not valid for it"
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refuses the connection"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "cannot be reached"
	case errors.Is(err, os.ErrNotExist):
		return "has no socket there"
	case errors.Is(err, os.ErrPermission):
		return "has a socket that the daemon may not use"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "has closed the connection"
	case strings.HasSuffix(err.Error(), "server refused TLS connection"): // the driver has no other sign for it
		return "does not speak TLS, which the sslmode of the URL demands"
	case pgconn.Timeout(err), timeout(err):
		return "does not answer in time"
	case pgconn.SafeToRetry(err): // the driver's sign of a connection that it found closed
		return "has closed the connection"
	}
	return "does not speak as a PostgreSQL server should"
}

func timeout(err error) bool {
	slow, ok := errors.AsType[net.Error](err)
	return ok && slow.Timeout()
}

// meaning says what a SQLSTATE means to the operator.
func meaning(code string) (fault.Kind, string) {
	switch code {
	case "28P01", "28000":
		return fault.Refused, "the database rejects the user or the password"
	case "3D000":
		return fault.Refused, "the database that the URL names does not exist"
	case "42501":
		return fault.Refused, "the user of the URL lacks a privilege for the legacy table"
	case "25006":
		return fault.Refused, "the database takes no writes now (read-only)"
	case "23502", "23503", "23505", "23514":
		return fault.Refused, "a constraint of the legacy table does not allow the empty value"
	case "P0001":
		return fault.Refused, "a trigger or rule of the legacy table forbids the change"
	case "42P01", "42703", "42704":
		return fault.Refused, "the legacy table or a column of it has just gone"
	case "55P03":
		return fault.Unavailable, "the row is locked by another session for longer than " + lockTimeout
	case "40001", "40P01":
		return fault.Unavailable, "another session got in the way"
	case "57014":
		return fault.TimedOut, "a statement was cancelled, or took longer than " + statementTimeout
	case "25P03":
		return fault.TimedOut, "the transaction was idle for longer than " + idleTimeout
	case "53300", "53400":
		return fault.Unavailable, "the database has no connection left"
	case "08P01": // what PgBouncer answers to BEGIN where it gives every statement another connection
		return fault.Unavailable, "the database refuses to be spoken to like this; a pooler before it must work by session or by transaction, not by statement"
	case "57P03":
		return fault.Unavailable, "the database is starting up or shutting down"
	}
	switch code[:min(2, len(code))] {
	case "08", "57":
		return fault.Unavailable, "the database has closed the connection"
	case "53", "58", "XX":
		return fault.Unavailable, "the database is in trouble itself"
	}
	return fault.Unavailable, "the database does not carry out a statement"
}

var sqlstate = regexp.MustCompile(`^[0-9A-Z]{5}$`)

// state returns the code if it is one: a server could send anything.
func state(code string) string {
	if sqlstate.MatchString(code) {
		return code
	}
	return "unknown"
}
