// Package fault holds the kinds of failure that Fairlead tells apart. A kind is set once, where the failure is
// first understood (usually in an adapter), and mapped once: to the exit code of a command and to the status of an
// HTTP answer.
//
// An Error's text is written for the operator and is safe to show and to store. The error that caused it stays
// reachable for errors.Is and errors.As but is never printed, because the messages of parsers and drivers may quote
// secret values.
package fault

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Kind says what sort of failure an Error is.
type Kind string

// The kinds of failure.
const (
	Internal    Kind = "internal"    // a bug or an unforeseen condition
	Usage       Kind = "usage"       // the request itself is malformed
	Refused     Kind = "refused"     // the request is understood, and nothing was changed
	RolledBack  Kind = "rolled_back" // something was changed, and the baseline is restored
	Halted      Kind = "halted"      // the baseline could not be restored: a person is needed
	Busy        Kind = "busy"        // another rollout, or a lock, holds the app
	Difference  Kind = "difference"  // what was compared is not the same
	Unreachable Kind = "unreachable" // the daemon does not answer
	NotFound    Kind = "not_found"   // no such app, rollout or record
	Forbidden   Kind = "forbidden"   // the caller's role does not allow it
	Conflict    Kind = "conflict"    // the request came too late, or contradicts an earlier one
	Unavailable Kind = "unavailable" // something that is needed (Engine, registry, database, journal) does not work now
	TimedOut    Kind = "timed_out"   // a deadline passed
)

// mapping is a kind's place on the two outer surfaces.
type mapping struct{ exit, status int }

// mapped returns the one mapping of k. An unknown kind is treated as Internal.
func (k Kind) mapped() mapping {
	switch k {
	case Usage:
		return mapping{2, http.StatusBadRequest}
	case Refused:
		return mapping{3, http.StatusUnprocessableEntity}
	case RolledBack:
		return mapping{4, http.StatusConflict}
	case Halted:
		return mapping{5, http.StatusConflict}
	case Busy:
		return mapping{6, http.StatusConflict}
	case Difference:
		return mapping{7, http.StatusConflict}
	case Unreachable:
		return mapping{8, http.StatusBadGateway}
	case NotFound:
		return mapping{1, http.StatusNotFound}
	case Forbidden:
		return mapping{1, http.StatusForbidden}
	case Conflict:
		return mapping{1, http.StatusConflict}
	case Unavailable:
		return mapping{1, http.StatusServiceUnavailable}
	case TimedOut:
		return mapping{1, http.StatusGatewayTimeout}
	case Internal:
	}
	return mapping{1, http.StatusInternalServerError}
}

// ExitCode returns the exit code of a command that ended with this kind of failure.
func (k Kind) ExitCode() int { return k.mapped().exit }

// HTTPStatus returns the status of an HTTP answer that reports this kind of failure.
func (k Kind) HTTPStatus() int { return k.mapped().status }

// A Problem is one thing that is wrong, for the operator to mend. It never holds a secret value.
type Problem struct {
	Where string `json:"where,omitempty"` // file:line, field path, container or step
	What  string `json:"what"`            // what is wrong
	Fix   string `json:"fix,omitempty"`   // what to do about it
}

// String returns the problem in one line.
func (p Problem) String() string {
	var b strings.Builder
	if p.Where != "" {
		b.WriteString(p.Where + ": ")
	}
	b.WriteString(p.What)
	if p.Fix != "" {
		b.WriteString("; " + p.Fix)
	}
	return b.String()
}

// Error is a failure with its kind. Its text is safe to show.
type Error struct {
	Kind     Kind
	Message  string
	Problems []Problem // every fault that was found, when there may be several
	cause    error
}

// New returns an Error of kind k with a formatted message. The arguments are shown: they must not hold secrets, nor
// the text of a parser or driver.
func New(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Message: fmt.Sprintf(format, args...)}
}

// Hide is New with a cause that errors.Is and errors.As can reach but that is never printed.
func Hide(cause error, k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Message: fmt.Sprintf(format, args...), cause: cause}
}

// Many returns one Error for all problems, or nil when there are none.
func Many(k Kind, message string, problems []Problem) error {
	if len(problems) == 0 {
		return nil
	}
	return &Error{Kind: k, Message: message, Problems: problems}
}

// Error returns the message, and the problems each on a line of its own; a single problem stands behind the message.
func (e *Error) Error() string {
	switch len(e.Problems) {
	case 0:
		return e.Message
	case 1:
		return e.Message + ": " + e.Problems[0].String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d problems", e.Message, len(e.Problems))
	for _, p := range e.Problems {
		b.WriteString("\n  " + p.String())
	}
	return b.String()
}

// Unwrap returns the hidden cause.
func (e *Error) Unwrap() error { return e.cause }

// KindOf returns the kind of the first Error in err's chain, and Internal when there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// ProblemsOf returns the problems of the first Error in err's chain.
func ProblemsOf(err error) []Problem {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Problems
	}
	return nil
}

// Summary returns the message of the first Error in err's chain without its problems.
func Summary(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Message
	}
	return Text(err)
}

// Text returns what may be shown of err: the text of an Error, or a fixed sentence for any other, whose own text was
// not written by us and may carry a secret.
func Text(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Error()
	}
	return "internal error (its text is withheld, since it could carry a secret)"
}
