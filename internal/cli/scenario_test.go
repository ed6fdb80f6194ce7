package cli_test

import (
	"context"
	"iter"
	"net/netip"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/orchestrator"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/server/servertest"
	"github.com/capakraken/fairlead/internal/workload"
)

const (
	id     = "01K0ROLLOUT000000000000000"
	oldID  = "9c1b00000000aaaaaaaaaaaa"
	newID  = "3f2a00000000bbbbbbbbbbbb"
	digest = "sha256:d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1"
)

var alice = func() journal.Actor {
	return journal.Actor{UID: 1000, GID: 1000, PID: 4711, User: "alice", Role: "operator"}
}

// act is an action of a scenario.
func act(verb rollout.Verb, step rollout.Step, service string) *rollout.Action {
	return &rollout.Action{Verb: verb, Step: step, Service: service, Deadline: servertest.At(59)}
}

func begun(a *rollout.Action) rollout.Event { return rollout.Event{Type: rollout.Begun, Action: a} }

func done(a *rollout.Action, ev *rollout.Evidence) rollout.Event {
	return rollout.Event{Type: rollout.Done, Action: a, Evidence: ev}
}

func failed(a *rollout.Action, f rollout.Failure) rollout.Event {
	return rollout.Event{Type: rollout.Failed, Action: a, Failure: &f}
}

func requested(kind rollout.Kind, clears bool) rollout.Event {
	r := rollout.Request{ID: id, App: "capakraken", Kind: kind, Services: []string{"web"}, Clears: clears, Requester: "alice", Reason: "ADR 0001"}
	if kind == rollout.Deploy {
		r.Image = workload.Image{Repository: "registry.example.com/app", Tag: "2.0.0"}
	}
	return rollout.Event{Type: rollout.Requested, Request: &r}
}

func oldContainer() *workload.Container {
	return &workload.Container{ID: oldID, Name: "capakraken-web", Service: "web", Ours: true, Release: "r1", Status: workload.Running, Health: workload.Healthy,
		Image: workload.Image{Repository: "registry.example.com/app", Tag: "1.0.0"}, StartedAt: servertest.At(-3600), Addresses: []netip.Addr{}}
}

func found() *rollout.Evidence {
	return &rollout.Evidence{Validated: &rollout.Validated{
		Sources:     []string{"/etc/capakraken/.env.production"},
		Secrets:     []rollout.SecretFact{{Name: "primary-ai", Env: "AZURE_OPENAI_API_KEY", Provisioned: true, Gated: true, Fingerprint: "3fa90b1c77aa5500", Origin: "/etc/capakraken/.env.production:7"}, {Name: "smtp", Env: "SMTP_PASSWORD"}},
		Definitions: "d", Env: "e", HasLegacy: true, Database: "d0",
		Image:    workload.Image{Repository: "registry.example.com/app", Tag: "1.0.0"},
		Residue:  []secret.Residue{{Secret: "primary-ai", Column: "azureOpenAiApiKey", Verdict: secret.Same}, {Secret: "smtp", Column: "smtpPassword", Verdict: secret.Empty}},
		Baseline: []rollout.Baseline{{Service: "web", Container: oldContainer(), Answered: true, Answer: workload.Answer{Healthy: true, Version: "1.0.0"}}},
	}}
}

func fetched() *rollout.Evidence {
	return &rollout.Evidence{Pulled: &rollout.Pulled{Bytes: 6_200_000, Image: workload.Image{Repository: "registry.example.com/app", Tag: "2.0.0", Digest: digest}}}
}

func swapped() *rollout.Evidence {
	return &rollout.Evidence{Replaced: &workload.Replaced{Service: "web", NewID: newID, NewName: "capakraken-web-new", OldID: oldID, OldName: "capakraken-web-old"}}
}

func proof(container string) *rollout.Evidence {
	return &rollout.Evidence{Verified: &rollout.Verified{Attempts: 12, Proofs: []rollout.Proof{{Service: "web", Container: container,
		Answer: workload.Answer{Healthy: true, Version: "2.0.0", Secrets: []workload.Report{{Name: "gemini", Source: secret.Database, Present: true}, {Name: "primary-ai", Source: secret.Environment, Present: true}, {Name: "smtp", Source: secret.None}}}}}}}
}

// toVerify is a deploy up to the begin of verify.
func toVerify(clears bool) []rollout.Event {
	return []rollout.Event{
		requested(rollout.Deploy, clears),
		begun(act(rollout.DoValidate, rollout.Validate, "")), done(act(rollout.DoValidate, rollout.Validate, ""), found()),
		begun(act(rollout.DoPull, rollout.Pull, "")), done(act(rollout.DoPull, rollout.Pull, ""), fetched()),
		begun(act(rollout.DoReplace, rollout.Restart, "web")), done(act(rollout.DoReplace, rollout.Restart, "web"), swapped()),
		begun(act(rollout.DoVerify, rollout.Verify, "")),
	}
}

func deployed() []rollout.Event {
	return append(toVerify(true),
		done(act(rollout.DoVerify, rollout.Verify, ""), proof(newID)),
		begun(act(rollout.DoPromote, rollout.Verify, "web")), done(act(rollout.DoPromote, rollout.Verify, "web"), nil),
		begun(act(rollout.DoRetire, rollout.Verify, "web")), done(act(rollout.DoRetire, rollout.Verify, "web"), nil),
		begun(act(rollout.DoClear, rollout.Clear, "")),
		done(act(rollout.DoClear, rollout.Clear, ""), &rollout.Evidence{Cleared: &rollout.Cleared{Residue: []secret.Residue{
			{Secret: "primary-ai", Column: "azureOpenAiApiKey", Verdict: secret.Same, Cleared: true}, {Secret: "smtp", Column: "smtpPassword", Verdict: secret.Empty}}}}),
		rollout.Event{Type: rollout.Ended, Outcome: rollout.Succeeded},
	)
}

// exited is the failure of a container that does not stay up; its message tries to play with the terminal.
func exited() rollout.Failure {
	return rollout.Failure{Kind: fault.Refused, Message: "service web: its container has ended with exit code 1 (exited)"}
}

func rolledBack() []rollout.Event {
	f := exited()
	return append(toVerify(true),
		failed(act(rollout.DoVerify, rollout.Verify, ""), f),
		begun(act(rollout.DoRestore, rollout.Revert, "web")),
		done(act(rollout.DoRestore, rollout.Revert, "web"), &rollout.Evidence{Restored: &rollout.Restored{
			Service: "web", Removed: newID, ExitCode: 1, Baseline: "running", Log: "listening\n\x1b[2Jpanic: no [AZURE_OPENAI_API_KEY]\n"}}),
		begun(act(rollout.DoHold, rollout.Revert, "")), done(act(rollout.DoHold, rollout.Revert, ""), nil),
		rollout.Event{Type: rollout.Ended, Outcome: rollout.RolledBack, Failure: &f},
	)
}

func halted() []rollout.Event {
	f := exited()
	stuck := rollout.Failure{Kind: fault.Unavailable, Message: "the Engine does not answer"}
	return append(toVerify(true),
		failed(act(rollout.DoVerify, rollout.Verify, ""), f),
		begun(act(rollout.DoRestore, rollout.Revert, "web")), failed(act(rollout.DoRestore, rollout.Revert, "web"), stuck),
		rollout.Event{Type: rollout.Ended, Outcome: rollout.Halted, Failure: &stuck},
	)
}

func refused() []rollout.Event {
	f := rollout.Failure{Kind: fault.Refused, Message: "the environment cannot be used", Problems: []fault.Problem{
		{Where: "/etc/capakraken/.env.production:7", What: "AZURE_OPENAI_API_KEY is required and empty", Fix: "write it there"},
		{Where: "/etc/capakraken/.env.production:9", What: "SMTP_PASSWORD still holds a placeholder"}}}
	return []rollout.Event{
		requested(rollout.Deploy, true),
		begun(act(rollout.DoValidate, rollout.Validate, "")), failed(act(rollout.DoValidate, rollout.Validate, ""), f),
		{Type: rollout.Ended, Outcome: rollout.Refused, Failure: &f},
	}
}

func cleanedUp(left bool) []rollout.Event {
	r := secret.Residue{Secret: "primary-ai", Column: "azureOpenAiApiKey", Verdict: secret.Same, Cleared: true}
	if left {
		r = secret.Residue{Secret: "primary-ai", Column: "azureOpenAiApiKey", Verdict: secret.Differs, Kept: "it differs from the environment's value"}
	}
	return []rollout.Event{
		requested(rollout.Cleanup, true),
		begun(act(rollout.DoValidate, rollout.Validate, "")), done(act(rollout.DoValidate, rollout.Validate, ""), found()),
		begun(act(rollout.DoVerify, rollout.Verify, "")), done(act(rollout.DoVerify, rollout.Verify, ""), proof(oldID)),
		begun(act(rollout.DoClear, rollout.Clear, "")),
		done(act(rollout.DoClear, rollout.Clear, ""), &rollout.Evidence{Cleared: &rollout.Cleared{Residue: []secret.Residue{r}}}),
		{Type: rollout.Ended, Outcome: rollout.Succeeded},
	}
}

// failer is what a scenario says its own faults to.
type failer interface {
	Fatalf(format string, args ...any)
}

// play serves a rollout with these events, one a second from noon on.
func play(t failer, events []rollout.Event) *servertest.Rollouts {
	var state rollout.State
	var records []journal.Record
	for i, e := range events {
		e.Time = servertest.At(i)
		var err error
		if state, err = rollout.Apply(state, e); err != nil {
			t.Fatalf("event %d of the scenario: %v", i, err)
		}
		records = append(records, servertest.Record(uint64(i+1), alice(), e, "capakraken", id))
	}
	return &servertest.Rollouts{
		TriggerFunc:  func(context.Context, journal.Actor, orchestrator.Request) (rollout.State, error) { return state, nil },
		RolloutFunc:  func(string) (rollout.State, error) { return state, nil },
		RolloutsFunc: func(string, int) []rollout.State { return []rollout.State{state} },
		WatchFunc: func(_ context.Context, _ string, after uint64) iter.Seq2[orchestrator.Event, error] {
			return func(yield func(orchestrator.Event, error) bool) {
				for _, r := range records[after:] {
					if !yield(orchestrator.Event{Record: r}, nil) {
						return
					}
				}
			}
		},
		AuditFunc: func(from uint64) iter.Seq2[journal.Record, error] {
			return func(yield func(journal.Record, error) bool) {
				for _, r := range records[from-1:] {
					if !yield(r, nil) {
						return
					}
				}
			}
		},
	}
}
