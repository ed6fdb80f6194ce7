package cli_test

import (
	"context"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/orchestrator"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/server/servertest"
	"github.com/capakraken/fairlead/internal/workload"
)

// scenario returns the daemon that a script asks for by name.
func scenario(t failer, name string) *servertest.Rollouts {
	switch name {
	case "succeeded":
		return calm(play(t, deployed()))
	case "succeeded-with-residue":
		return calm(play(t, residueLeft()))
	case "staging":
		return provisioned(t, "staging-1", "staging")
	case "production":
		return provisioned(t, "prod-1", "production", olderDigest)
	case "promoted":
		return provisioned(t, "prod-1", "production")
	case "drifted-production":
		return provisioned(t, "prod-1", "production", drifting)
	case "unverified":
		return provisioned(t, "staging-1", "staging", unproved)
	case "rolled-back":
		return calm(play(t, rolledBack()))
	case "halted":
		return play(t, halted())
	case "refused":
		return calm(play(t, refused()))
	case "unchanged":
		return calm(play(t, unchanged()))
	case "interrupted":
		return calm(play(t, interruptedByDaemon()))
	case "hooked":
		return calm(play(t, hooked()))
	case "hook-failed":
		return calm(play(t, hookFailed()))
	case "hook-unclear":
		return calm(play(t, hookUnclear()))
	case "cancelled":
		return calm(play(t, cancelled()))
	case "cleanup":
		return calm(play(t, cleanedUp(false)))
	case "cleanup-with-residue":
		return calm(play(t, cleanedUp(true)))
	case "cleanup-refused":
		return calm(play(t, clearFailed("container cron shares the image or the Compose project and may still read the legacy values; stop it, or name it under not_consumers if it does not")))
	case "cleanup-stale":
		return calm(play(t, clearFailed("the container of service web was not created with the present value of SMTP_PASSWORD")))
	case "refused-once":
		return calm(play(t, refusedOnce()))
	case "differs":
		return differing()
	case "rotate":
		return calm(play(t, rotated()))
	case "running":
		return active(play(t, toVerify(false)))
	case "standing":
		return standing(play(t, toVerify(false)))
	case "busy":
		return busy()
	case "locked":
		return locked()
	case "lost":
		return lost()
	case "adopted":
		return adopted()
	case "abandoned":
		return calm(play(t, abandoned()))
	case "queued":
		return queued(calm(play(t, deployed())))
	case "in-vain":
		return inVain()
	case "interruptible":
		return interruptible(nil)
	case "too-late":
		return interruptible(fault.Hide(&orchestrator.BusyError{App: "capakraken", Rollout: id}, fault.Conflict, "its turn has come already"))
	case "unsure":
		return interruptible(fault.New(fault.Unavailable, "the disk does not answer"))
	case "waited-for":
		return waitedFor()
	case "gone":
		return gone()
	case "drifted":
		return drifted()
	case "empty":
		return &servertest.Rollouts{RefusingFunc: func() string { return "the journal's disk is full" }}
	}
	t.Fatalf("there is no scenario %q", name)
	return nil
}

// clearFailed is a cleanup whose clear did not run.
func clearFailed(why string) []rollout.Event {
	f := rollout.Failure{Kind: fault.Refused, Message: why}
	warning := "the clear failed, so legacy values may be left (see 'fairlead residue capakraken'): " + why
	all := cleanedUp(false)
	return append(all[:6:6],
		failed(act(rollout.DoClear, rollout.Clear, ""), f),
		rollout.Event{Type: rollout.Ended, Outcome: rollout.Succeeded, Warnings: []string{warning}})
}

// refusedOnce is refused for one reason only.
func refusedOnce() []rollout.Event {
	all := refused()
	f := *all[2].Failure
	f.Problems = f.Problems[:1]
	return append(all[:2:2], failed(all[2].Action, f), rollout.Event{Type: rollout.Ended, Outcome: rollout.Refused, Failure: &f})
}

// differing is an app whose only legacy value is one that a cleanup leaves alone.
func differing() *servertest.Rollouts {
	return &servertest.Rollouts{ResidueFunc: func(context.Context, string) (rollout.ResidueReport, error) {
		return rollout.ResidueReport{App: "capakraken", Residue: []secret.Residue{{Secret: "smtp", Column: "smtpPassword", Verdict: secret.Differs}}}, nil
	}}
}

// gone accepts a rollout, and breaks off before anything can be told of it.
func gone() *servertest.Rollouts {
	f := &servertest.Rollouts{}
	f.TriggerFunc = func(context.Context, journal.Actor, orchestrator.Request) (rollout.State, error) {
		return rollout.Apply(rollout.State{}, requested(rollout.Deploy, true))
	}
	f.RolloutFunc = func(string) (rollout.State, error) {
		return rollout.State{}, fault.New(fault.Unavailable, "the daemon is stopping")
	}
	return f
}

// residueLeft is a deploy of an app whose clear is manual.
func residueLeft() []rollout.Event {
	return append(toVerify(false),
		done(act(rollout.DoVerify, rollout.Verify, ""), proof(newID)),
		begun(act(rollout.DoPromote, rollout.Verify, "web")), done(act(rollout.DoPromote, rollout.Verify, "web"), nil),
		begun(act(rollout.DoRetire, rollout.Verify, "web")), done(act(rollout.DoRetire, rollout.Verify, "web"), nil),
		rollout.Event{Type: rollout.Ended, Outcome: rollout.Succeeded, Warnings: []string{
			"legacy values remain in the database (primary-ai), since this app's clear is manual: run 'fairlead cleanup capakraken'"}})
}

// unchanged is a deploy of the release that runs already.
func unchanged() []rollout.Event {
	same := oldContainer()
	same.Release = workload.ReleaseID(digest, "d", "e")
	ev := found()
	ev.Validated.Baseline[0].Container = same
	ev.Validated.HasLegacy, ev.Validated.Database = false, ""
	return []rollout.Event{
		requested(rollout.Deploy, true),
		begun(act(rollout.DoValidate, rollout.Validate, "")), done(act(rollout.DoValidate, rollout.Validate, ""), ev),
		begun(act(rollout.DoPull, rollout.Pull, "")),
		done(act(rollout.DoPull, rollout.Pull, ""), &rollout.Evidence{Pulled: &rollout.Pulled{Cached: true, Image: fetched().Pulled.Image}}),
		begun(act(rollout.DoVerify, rollout.Verify, "")), done(act(rollout.DoVerify, rollout.Verify, ""), proof(oldID)),
		{Type: rollout.Ended, Outcome: rollout.Succeeded},
	}
}

// interruptedByDaemon is a deploy in whose middle the daemon was started anew.
func interruptedByDaemon() []rollout.Event {
	all := deployed()
	restart := []rollout.Event{{Type: rollout.Suspended, Reason: "the daemon stops"}, {Type: rollout.Resumed}}
	return append(append(append([]rollout.Event{}, all[:8]...), restart...), all[7:]...)
}

func cancelled() []rollout.Event {
	why := rollout.Failure{Kind: fault.Conflict, Message: "cancelled by alice: wrong release"}
	return append(toVerify(true),
		rollout.Event{Type: rollout.Cancelled, Reason: why.Message},
		failed(act(rollout.DoVerify, rollout.Verify, ""), why),
		begun(act(rollout.DoRestore, rollout.Revert, "web")),
		done(act(rollout.DoRestore, rollout.Revert, "web"), &rollout.Evidence{Restored: &rollout.Restored{Service: "web", Removed: newID, Baseline: "running"}}),
		begun(act(rollout.DoHold, rollout.Revert, "")), done(act(rollout.DoHold, rollout.Revert, ""), nil),
		rollout.Event{Type: rollout.Ended, Outcome: rollout.RolledBack, Failure: &why})
}

func rotated() []rollout.Event {
	return []rollout.Event{
		requested(rollout.Rotate, false),
		begun(act(rollout.DoValidate, rollout.Validate, "")), done(act(rollout.DoValidate, rollout.Validate, ""), found()),
		begun(act(rollout.DoReplace, rollout.Restart, "web")), done(act(rollout.DoReplace, rollout.Restart, "web"), swapped()),
		begun(act(rollout.DoVerify, rollout.Verify, "")), done(act(rollout.DoVerify, rollout.Verify, ""), proof(newID)),
		begun(act(rollout.DoPromote, rollout.Verify, "web")), done(act(rollout.DoPromote, rollout.Verify, "web"), nil),
		begun(act(rollout.DoRetire, rollout.Verify, "web")),
		failed(act(rollout.DoRetire, rollout.Verify, "web"), rollout.Failure{Kind: fault.Unavailable, Message: "the Engine does not answer"}),
		{Type: rollout.Ended, Outcome: rollout.Succeeded, Warnings: []string{"web: the old container is still there, with its old secrets: the Engine does not answer"}},
	}
}

// app is the app of most scenarios.
func app() rollout.App {
	return rollout.App{
		Name: "capakraken", Environment: "production", Repository: "registry.example.com/app", Services: []string{"web", "worker"},
		Current:    &workload.Release{ID: "5f2c1a9b77de", Image: fetched().Pulled.Image, Since: servertest.At(-7200)},
		Containers: []workload.Container{*oldContainer(), {ID: newID, Name: "capakraken-worker", Service: "worker", Status: workload.Exited, ExitCode: 137, OOMKilled: true}},
	}
}

// calm lets f also answer for an app in which nothing is the matter.
func calm(f *servertest.Rollouts) *servertest.Rollouts {
	a := app()
	a.Last = id
	f.AppFunc = func(context.Context, string) (rollout.App, error) { return a, nil }
	f.AppsFunc = func(context.Context) []rollout.App { return []rollout.App{a} }
	f.CancelFunc = func(context.Context, journal.Actor, string, string) (rollout.State, error) {
		return rollout.State{}, fault.New(fault.Conflict, "rollout %s has already ended: succeeded", id)
	}
	f.LockFunc = func(context.Context, journal.Actor, string, string) error { return nil }
	f.UnlockFunc = func(_ context.Context, _ journal.Actor, app, _ string) (rollout.Unlocked, error) {
		return rollout.Unlocked{App: app}, nil
	}
	f.SecretsFunc = func(context.Context, string) (rollout.SecretReport, error) { return secretReport(), nil }
	f.ResidueFunc = func(context.Context, string) (rollout.ResidueReport, error) {
		return rollout.ResidueReport{App: "capakraken", Hazards: []secret.Hazard{{Kind: "archive", Text: "the write-ahead log is archived"}}, Residue: []secret.Residue{
			{Secret: "primary-ai", Column: "azureOpenAiApiKey", Verdict: secret.Same},
			{Secret: "smtp", Column: "smtpPassword", Verdict: secret.Differs, Kept: "it differs from the environment's value"},
			{Secret: "gemini", Column: "geminiApiKey", Verdict: secret.Empty}}}, nil
	}
	return f
}

func secretReport() rollout.SecretReport {
	return rollout.SecretReport{App: "capakraken", Notes: []string{"the database was not asked: it does not answer"}, Secrets: []rollout.SecretStatus{
		{Name: "primary-ai", Env: "AZURE_OPENAI_API_KEY", Description: "Primary AI API credential", Required: true, Provisioned: true,
			Sources: map[string]secret.Source{"web": secret.Environment, "worker": secret.Environment}, Residue: secret.Same, Changed: servertest.At(-86400)},
		{Name: "smtp", Env: "SMTP_PASSWORD", Required: true, Provisioned: true, Pending: true,
			Sources: map[string]secret.Source{"web": secret.Database, "worker": secret.None}, Residue: secret.Differs},
		{Name: "seed", Env: "ANONYMIZATION_SEED", Provisioned: true, Origin: "/etc/capakraken/.env.production:9", Faults: []string{"is shorter than 32 bytes"}},
		{Name: "gemini", Env: "GEMINI_API_KEY"},
	}}
}

// active lets f answer for an app that is being rolled out.
func active(f *servertest.Rollouts) *servertest.Rollouts {
	calm(f)
	a := app()
	a.Active, a.Unobserved = id, "the Engine does not answer"
	f.AppFunc = func(context.Context, string) (rollout.App, error) { return a, nil }
	f.AppsFunc = func(context.Context) []rollout.App { return []rollout.App{a} }
	f.CancelFunc = func(context.Context, journal.Actor, string, string) (rollout.State, error) { return f.RolloutFunc(id) }
	live := f.WatchFunc
	f.WatchFunc = endless(live)
	return f
}

// standing lets f answer for an app whose rollout cannot be recorded any more.
func standing(f *servertest.Rollouts) *servertest.Rollouts {
	calm(f)
	a := app()
	a.Active, a.Stands = id, "the journal's disk is full"
	f.AppFunc = func(context.Context, string) (rollout.App, error) { return a, nil }
	f.AppsFunc = func(context.Context) []rollout.App { return []rollout.App{a} }
	return f
}

func busy() *servertest.Rollouts {
	return &servertest.Rollouts{TriggerFunc: func(context.Context, journal.Actor, orchestrator.Request) (rollout.State, error) {
		return rollout.State{}, fault.Hide(&orchestrator.BusyError{App: "capakraken", Rollout: id}, fault.Busy,
			"capakraken is held by rollout %s: deploy by alice since 2026-03-30T12:00:00Z, now in verify", id)
	}}
}

func locked() *servertest.Rollouts {
	a := app()
	a.Lock = &rollout.Lock{Holder: "fairlead", Since: servertest.At(0), Reason: "rollout " + id + " halted: the Engine does not answer", Rollout: id}
	return &servertest.Rollouts{
		AppFunc:  func(context.Context, string) (rollout.App, error) { return a, nil },
		AppsFunc: func(context.Context) []rollout.App { return []rollout.App{a} },
	}
}

func drifted() *servertest.Rollouts {
	a := app()
	a.Drift = []string{"service worker has no running container"}
	return &servertest.Rollouts{
		AppFunc:  func(context.Context, string) (rollout.App, error) { return a, nil },
		AppsFunc: func(context.Context) []rollout.App { return []rollout.App{a} },
		ResidueFunc: func(context.Context, string) (rollout.ResidueReport, error) {
			return rollout.ResidueReport{App: "capakraken", Residue: []secret.Residue{{Secret: "gemini", Column: "geminiApiKey", Verdict: secret.Empty}}}, nil
		},
	}
}
