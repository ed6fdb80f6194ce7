package probe_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/probe"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// good is an answer that has the form of the contract without a query.
const good = `{"healthy":true,"version":"2.0.1","secrets":[{"name":"smtp","source":"environment","present":true}]}`

// container returns a running container at 127.0.0.1.
func container() workload.Container {
	return workload.Container{ID: "c1", Name: "app-production-web", Service: "web", Status: workload.Running,
		Health: workload.NoHealth, Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")}}
}

// env returns an environment of name and value pairs.
func env(pairs ...string) secret.Env {
	var e secret.Env
	for i := 0; i < len(pairs); i += 2 {
		e = e.With(secret.Var{Name: pairs[i], Value: secret.NewValue(pairs[i+1])})
	}
	return e
}

// wantFault fails the test unless err is a fault of kind k that says text and nothing of forbidden.
func wantFault(t *testing.T, err error, k fault.Kind, text string, forbidden ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if fault.KindOf(err) != k {
		t.Errorf("kind %s, want %s: %v", fault.KindOf(err), k, err)
	}
	if !strings.Contains(err.Error(), text) {
		t.Errorf("error %q does not say %q", err, text)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q is longer than a line", err)
	}
	for _, f := range forbidden {
		if strings.Contains(err.Error(), f) {
			t.Errorf("error %q says %q", err, f)
		}
	}
}

func TestLookAtHealth(t *testing.T) {
	for _, c := range []struct {
		health  workload.Health
		healthy bool
		kind    fault.Kind
		text    string
	}{
		{health: workload.Healthy, healthy: true},
		{health: workload.Starting},
		{health: workload.Unhealthy, kind: fault.Unavailable, text: "says unhealthy"},
		{health: workload.NoHealth, kind: fault.Refused, text: "has no health check"},
	} {
		t.Run(string(c.health), func(t *testing.T) {
			l := workload.Look{Check: workload.Check{Health: true}, Container: container()}
			l.Container.Health = c.health
			answer, err := probe.New(probe.Options{}).Look(t.Context(), l)
			if c.kind != "" {
				wantFault(t, err, c.kind, c.text)
				return
			}
			if err != nil || answer.Healthy != c.healthy {
				t.Fatalf("%+v, %v", answer, err)
			}
		})
	}
}

func TestLookWithoutCheck(t *testing.T) {
	for status, healthy := range map[workload.Status]bool{workload.Running: true, workload.Restarting: false, workload.Exited: false} {
		l := workload.Look{Container: container()}
		l.Container.Status = status
		answer, err := probe.New(probe.Options{}).Look(t.Context(), l)
		if err != nil || answer.Healthy != healthy {
			t.Errorf("%s: %+v, %v", status, answer, err)
		}
	}
}

func TestLookByCommand(t *testing.T) {
	const canary = "s3cr3t-c4n4ry-value"
	type output = func(ctx context.Context, id string, argv []string, limit int64) ([]byte, error)
	say := func(text string, err error) output {
		return func(context.Context, string, []string, int64) ([]byte, error) { return []byte(text), err }
	}
	for name, c := range map[string]struct {
		exec output
		kind fault.Kind
		text string
	}{
		"good": {exec: func(_ context.Context, id string, argv []string, limit int64) ([]byte, error) {
			if id != "c1" || strings.Join(argv, " ") != "/app status --json" || limit != 65 {
				return nil, errors.New("called with something else")
			}
			return []byte(`{"healthy":true}`), nil
		}},
		"too large":         {say(strings.Repeat(" ", 65), nil), fault.Unavailable, "command /app: answers more than 64 bytes"},
		"empty":             {say("\n", nil), fault.Unavailable, "the answer is empty"},
		"not JSON":          {say("starting", nil), fault.Unavailable, "is not JSON"},
		"a fault":           {say("", fault.New(fault.Unavailable, "exits with 1")), fault.Unavailable, "command /app: exits with 1"},
		"a refusal":         {say("", fault.New(fault.Refused, "no such program")), fault.Refused, "no such program"},
		"a foreign error":   {say("", errors.New(canary)), fault.Unavailable, "withheld"},
		"leak":              {say(canary, nil), fault.Refused, "the value of TOKEN"},
		"leak and an error": {say(canary, errors.New("x")), fault.Refused, "the value of TOKEN"},
		"hang": {func(ctx context.Context, _ string, _ []string, _ int64) ([]byte, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, fault.TimedOut, "does not answer in time"},
		"nothing to run it with": {nil, fault.Internal, "nothing to run it with"},
	} {
		t.Run(name, func(t *testing.T) {
			l := workload.Look{Container: container(), Check: workload.Check{Exec: []string{"/app", "status", "--json"}, Attempt: 50 * time.Millisecond},
				Forbidden: secret.NewRedactor(env("TOKEN", canary))}
			answer, err := probe.New(probe.Options{Exec: c.exec, MaxBody: 64}).Look(t.Context(), l)
			if c.kind == "" {
				if err != nil || !answer.Healthy {
					t.Fatalf("%+v, %v", answer, err)
				}
				return
			}
			wantFault(t, err, c.kind, c.text, canary, "--json")
		})
	}
}
