package fault

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// The exit codes are promised to scripts: each is fixed here once more.
func TestEveryKindIsMapped(t *testing.T) {
	for kind, want := range map[Kind]struct{ exit, status int }{
		Internal: {1, http.StatusInternalServerError}, Usage: {2, http.StatusBadRequest}, Refused: {3, http.StatusUnprocessableEntity},
		RolledBack: {4, http.StatusConflict}, Halted: {5, http.StatusConflict}, Busy: {6, http.StatusConflict},
		Difference: {7, http.StatusConflict}, Unreachable: {8, http.StatusBadGateway}, NotFound: {1, http.StatusNotFound},
		Forbidden: {1, http.StatusForbidden}, Conflict: {1, http.StatusConflict}, Unavailable: {1, http.StatusServiceUnavailable},
		TimedOut: {1, http.StatusGatewayTimeout}, Kind("unknown"): {1, http.StatusInternalServerError},
	} {
		if kind.ExitCode() != want.exit || kind.HTTPStatus() != want.status {
			t.Errorf("%s: exit %d and status %d, want %d and %d", kind, kind.ExitCode(), kind.HTTPStatus(), want.exit, want.status)
		}
	}
}

func TestTheCauseIsReachableAndNeverPrinted(t *testing.T) {
	err := Hide(fmt.Errorf("driver says hunter2: %w", context.DeadlineExceeded), TimedOut, "the database did not answer")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error("the cause is out of reach")
	}
	for _, text := range []string{err.Error(), Text(err), Summary(err), fmt.Sprintf("%v %+v", err, fmt.Errorf("wrapped: %w", err))} {
		if strings.Contains(text, "hunter2") {
			t.Errorf("the cause is printed: %s", text)
		}
	}
	if text := Text(errors.New("hunter2")); strings.Contains(text, "hunter2") {
		t.Errorf("a foreign error is shown: %s", text)
	}
}

func TestProblems(t *testing.T) {
	if err := Many(Refused, "refused", nil); err != nil {
		t.Errorf("no problems give %v", err)
	}
	one := Problem{Where: ".env:3", What: "KEY is empty", Fix: "set it"}
	if got := Many(Refused, "refused", []Problem{one}).Error(); got != "refused: .env:3: KEY is empty; set it" {
		t.Errorf("got %q", got)
	}
	err := fmt.Errorf("wrapped: %w", Many(Refused, "refused", []Problem{one, {What: "also this"}}))
	want := "refused: 2 problems\n  .env:3: KEY is empty; set it\n  also this"
	if KindOf(err) != Refused || len(ProblemsOf(err)) != 2 || Text(err) != want || Summary(err) != "refused" {
		t.Errorf("got %q of kind %s", Text(err), KindOf(err))
	}
	if KindOf(errors.New("x")) != Internal || ProblemsOf(errors.New("x")) != nil {
		t.Error("a foreign error is not internal")
	}
}
