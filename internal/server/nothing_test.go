package server

import (
	"context"
	"iter"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/orchestrator"
	"github.com/capakraken/fairlead/internal/parity"
	"github.com/capakraken/fairlead/internal/rollout"
)

// nothing knows no app and no rollout.
type nothing struct{}

func (nothing) Trigger(context.Context, journal.Actor, orchestrator.Request) (rollout.State, error) {
	return rollout.State{}, unknown()
}
func (nothing) TriggerInTurn(context.Context, journal.Actor, orchestrator.Request, orchestrator.Wait) (rollout.State, error) {
	return rollout.State{}, unknown()
}
func (nothing) Withdraw(context.Context, string, string) error { return unknown() }
func (nothing) Cancel(context.Context, journal.Actor, string, string) (rollout.State, error) {
	return rollout.State{}, unknown()
}
func (nothing) Lock(context.Context, journal.Actor, string, string) error { return unknown() }
func (nothing) Unlock(context.Context, journal.Actor, string, string) (rollout.Unlocked, error) {
	return rollout.Unlocked{}, unknown()
}
func (nothing) Rollout(string) (rollout.State, error)            { return rollout.State{}, unknown() }
func (nothing) Rollouts(string, int) []rollout.State             { return nil }
func (nothing) Apps(context.Context) []rollout.App               { return nil }
func (nothing) App(context.Context, string) (rollout.App, error) { return rollout.App{}, unknown() }
func (nothing) Refusing() string                                 { return "" }
func (nothing) Secrets(context.Context, string) (rollout.SecretReport, error) {
	return rollout.SecretReport{}, unknown()
}
func (nothing) Provisioning(context.Context, string) (parity.Report, error) {
	return parity.Report{}, nil
}

func (nothing) Residue(context.Context, string) (rollout.ResidueReport, error) {
	return rollout.ResidueReport{}, unknown()
}
func (nothing) Watch(context.Context, string, uint64) iter.Seq2[orchestrator.Event, error] {
	return func(func(orchestrator.Event, error) bool) {}
}
func (nothing) Audit(uint64) iter.Seq2[journal.Record, error] {
	return func(func(journal.Record, error) bool) {}
}

func unknown() error { return fault.New(fault.NotFound, "nothing is known of that") }
