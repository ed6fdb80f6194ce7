// Package servertest serves made-up rollouts, for the tests of whoever talks to the server.
package servertest

import (
	"context"
	"encoding/json"
	"iter"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/orchestrator"
	"github.com/capakraken/fairlead/internal/parity"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/server"
)

// Rollouts answers with its functions; where one is nil, with nothing or with an error of kind NotFound.
type Rollouts struct {
	TriggerFunc  func(ctx context.Context, by journal.Actor, r orchestrator.Request) (rollout.State, error)
	InTurnFunc   func(ctx context.Context, by journal.Actor, r orchestrator.Request, w orchestrator.Wait) (rollout.State, error)
	WithdrawFunc func(ctx context.Context, app, key string) error
	CancelFunc   func(ctx context.Context, by journal.Actor, id, reason string) (rollout.State, error)
	LockFunc     func(ctx context.Context, by journal.Actor, app, reason string) error
	UnlockFunc   func(ctx context.Context, by journal.Actor, app, reason string) (rollout.Unlocked, error)
	RolloutFunc  func(id string) (rollout.State, error)
	RolloutsFunc func(app string, limit int) []rollout.State
	WatchFunc    func(ctx context.Context, id string, after uint64) iter.Seq2[orchestrator.Event, error]
	AuditFunc    func(from uint64) iter.Seq2[journal.Record, error]
	AppsFunc     func(ctx context.Context) []rollout.App
	AppFunc      func(ctx context.Context, name string) (rollout.App, error)
	SecretsFunc  func(ctx context.Context, app string) (rollout.SecretReport, error)
	ResidueFunc  func(ctx context.Context, app string) (rollout.ResidueReport, error)
	RefusingFunc func() string

	ProvisioningFunc func(ctx context.Context, app string) (parity.Report, error)
}

var _ server.Rollouts = (*Rollouts)(nil)

// Trigger calls TriggerFunc.
func (f *Rollouts) Trigger(ctx context.Context, by journal.Actor, r orchestrator.Request) (rollout.State, error) {
	if f.TriggerFunc == nil {
		return rollout.State{}, missing(r.App)
	}
	return f.TriggerFunc(ctx, by, r)
}

// TriggerInTurn calls InTurnFunc.
func (f *Rollouts) TriggerInTurn(ctx context.Context, by journal.Actor, r orchestrator.Request, w orchestrator.Wait) (rollout.State, error) {
	if f.InTurnFunc == nil {
		return rollout.State{}, missing(r.App)
	}
	return f.InTurnFunc(ctx, by, r, w)
}

// Withdraw calls WithdrawFunc.
func (f *Rollouts) Withdraw(ctx context.Context, app, key string) error {
	if f.WithdrawFunc == nil {
		return missing(app)
	}
	return f.WithdrawFunc(ctx, app, key)
}

// Cancel calls CancelFunc.
func (f *Rollouts) Cancel(ctx context.Context, by journal.Actor, id, reason string) (rollout.State, error) {
	if f.CancelFunc == nil {
		return rollout.State{}, missing(id)
	}
	return f.CancelFunc(ctx, by, id, reason)
}

// Lock calls LockFunc.
func (f *Rollouts) Lock(ctx context.Context, by journal.Actor, app, reason string) error {
	if f.LockFunc == nil {
		return missing(app)
	}
	return f.LockFunc(ctx, by, app, reason)
}

// Unlock calls UnlockFunc.
func (f *Rollouts) Unlock(ctx context.Context, by journal.Actor, app, reason string) (rollout.Unlocked, error) {
	if f.UnlockFunc == nil {
		return rollout.Unlocked{}, missing(app)
	}
	return f.UnlockFunc(ctx, by, app, reason)
}

// Rollout calls RolloutFunc.
func (f *Rollouts) Rollout(id string) (rollout.State, error) {
	if f.RolloutFunc == nil {
		return rollout.State{}, missing(id)
	}
	return f.RolloutFunc(id)
}

// Rollouts calls RolloutsFunc.
func (f *Rollouts) Rollouts(app string, limit int) []rollout.State {
	if f.RolloutsFunc == nil {
		return nil
	}
	return f.RolloutsFunc(app, limit)
}

// Watch calls WatchFunc.
func (f *Rollouts) Watch(ctx context.Context, id string, after uint64) iter.Seq2[orchestrator.Event, error] {
	if f.WatchFunc == nil {
		return func(func(orchestrator.Event, error) bool) {}
	}
	return f.WatchFunc(ctx, id, after)
}

// Audit calls AuditFunc.
func (f *Rollouts) Audit(from uint64) iter.Seq2[journal.Record, error] {
	if f.AuditFunc == nil {
		return func(func(journal.Record, error) bool) {}
	}
	return f.AuditFunc(from)
}

// Apps calls AppsFunc.
func (f *Rollouts) Apps(ctx context.Context) []rollout.App {
	if f.AppsFunc == nil {
		return nil
	}
	return f.AppsFunc(ctx)
}

// App calls AppFunc.
func (f *Rollouts) App(ctx context.Context, name string) (rollout.App, error) {
	if f.AppFunc == nil {
		return rollout.App{}, missing(name)
	}
	return f.AppFunc(ctx, name)
}

// Secrets calls SecretsFunc.
func (f *Rollouts) Secrets(ctx context.Context, app string) (rollout.SecretReport, error) {
	if f.SecretsFunc == nil {
		return rollout.SecretReport{}, missing(app)
	}
	return f.SecretsFunc(ctx, app)
}

// Residue calls ResidueFunc.
func (f *Rollouts) Residue(ctx context.Context, app string) (rollout.ResidueReport, error) {
	if f.ResidueFunc == nil {
		return rollout.ResidueReport{}, missing(app)
	}
	return f.ResidueFunc(ctx, app)
}

// Provisioning calls ProvisioningFunc.
func (f *Rollouts) Provisioning(ctx context.Context, app string) (parity.Report, error) {
	if f.ProvisioningFunc == nil {
		return parity.Report{}, missing(app)
	}
	return f.ProvisioningFunc(ctx, app)
}

// Refusing calls RefusingFunc.
func (f *Rollouts) Refusing() string {
	if f.RefusingFunc == nil {
		return ""
	}
	return f.RefusingFunc()
}

func missing(name string) error { return fault.New(fault.NotFound, "nothing is known of %q", name) }

// Daemon serves on a socket until the test ends, or until Stop.
type Daemon struct {
	Socket string
	Stop   func() // waits until nothing is served any more; it may be called twice
}

// Start serves o on a socket of its own. It fills in what is missing but the rollouts.
func Start(t testing.TB, o server.Options) *Daemon {
	t.Helper()
	return StartOn(t, filepath.Join(t.TempDir(), "s"), o)
}

// StartOn serves o on the socket at path.
func StartOn(t testing.TB, path string, o server.Options) *Daemon {
	t.Helper()
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	s, err := server.New(o)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	ln, err := server.Listen(path)
	if err != nil {
		t.Fatalf("Listen: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, ln) }() // ends with cancel
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	t.Cleanup(stop)
	return &Daemon{Socket: path, Stop: stop}
}

// Record returns a journal's record of an event.
func Record(seq uint64, by journal.Actor, e rollout.Event, app, id string) journal.Record {
	data, err := json.Marshal(e)
	if err != nil {
		panic(err) // events can be encoded
	}
	r := journal.Record{V: journal.Version, Seq: seq, Time: e.Time, Actor: by, Type: string(e.Type), App: app, Rollout: id,
		Data: data, Prev: "0000000000000000000000000000000000000000000000000000000000000000"}
	if e.Action != nil {
		r.Step = string(e.Action.Step)
	}
	return r
}

// At is a moment for tests, n seconds after noon.
func At(n int) time.Time { return time.Date(2026, 3, 30, 12, 0, n, 0, time.UTC) }
