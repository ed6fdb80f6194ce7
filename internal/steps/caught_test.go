package steps

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/workload"
)

// A panic in one of the goroutines of a verify comes back to the verify, with where it was and without what it said.
func TestPanicInAGoroutine(t *testing.T) {
	for name, c := range map[string]struct {
		breaks func(*rig)
		where  string
	}{
		"while a container is looked at": {func(r *rig) {
			r.prober.look = func(context.Context, workload.Look) (workload.Answer, error) { panic(azure) }
		}, "steps.(*prover).attempt"},
		"while its end is waited for": {func(r *rig) {
			r.containers.exit = func(context.Context, string) error { panic(azure) }
			r.answers["web"] = workload.Answer{} // so that it is waited for
		}, "steps.job.prove"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				s := r.replaced(rollout.Deploy)
				c.breaks(r)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				_, err := r.do(ctx, s, rollout.DoVerify, "")
				bug, ok := errors.AsType[*fault.Panic](err)
				if !ok || fault.KindOf(err) != fault.Internal {
					t.Fatalf("it comes back as %v", err)
				}
				if silent(t, string(bug.Stack)); !strings.Contains(string(bug.Stack), c.where) {
					t.Errorf("the stack does not say where:\n%s", bug.Stack)
				}
			})
		})
	}
}
