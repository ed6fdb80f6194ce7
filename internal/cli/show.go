package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
)

func (t *tool) show() *cobra.Command {
	return &cobra.Command{
		Use:   "show ROLLOUT",
		Short: "Show all that is known of one rollout",
		Args:  exactly("ROLLOUT"),
		RunE: func(c *cobra.Command, args []string) error {
			client := t.client()
			defer client.Close()
			r, err := client.Rollout(c.Context(), args[0])
			if err != nil {
				return err
			}
			if t.json() {
				return t.encode(r)
			}
			t.showRollout(r)
			return nil
		},
	}
}

func (t *tool) showRollout(r api.Rollout) {
	key := r.Request.IdempotencyKey
	t.pairs([][2]string{
		{"rollout", r.ID}, {"app", r.App}, {"kind", r.Kind}, {"image", image(r)}, {"release", r.Target.ID},
		{"asked for by", r.Request.Requester}, {"reason", r.Request.Reason}, {"from", from(r.Request)}, {"idempotency key", key},
		{"begun", t.moment(r.Begun)}, {"ended", t.moment(r.Ended)}, {"state", outcome(r)}, {"cancelled", r.Cancel},
	})
	t.say("")
	for _, l := range steps(r.State) {
		t.say("%s", l)
	}
	if r.Validated != nil && len(r.Validated.Secrets) > 0 {
		t.say("")
		t.fingerprints(r.Validated.Secrets)
		t.say("")
	}
	if r.Phase != rollout.Over {
		for _, w := range prefixed("warning: ", r.Warnings) {
			t.say("%s", w)
		}
		t.say("next: follow it with: fairlead watch %s", r.ID)
		return
	}
	t.conclude(r, allLines)
}

// fingerprints shows what tells two values of a secret apart without telling the values.
func (t *tool) fingerprints(facts []rollout.SecretFact) {
	rows := [][]string{{"SECRET", "VARIABLE", "FINGERPRINT", "READ IN", "MUST COME FROM"}}
	for _, f := range facts {
		gate := "" // an optional secret that is empty
		if f.Gated {
			gate = string(secret.Environment)
		}
		rows = append(rows, []string{f.Name, f.Env, f.Fingerprint.Short(), f.Origin, gate})
	}
	t.table(rows)
}

// steps tells what each step found and did, in the words of the story, as far as the state has it.
func steps(s rollout.State) []string {
	out := forwards(s)
	if s.Cancel != "" {
		out = append(out, tell("cancel", "ok", s.Cancel)...)
	} else if s.Failure != nil {
		out = append(out, tell(string(turnedBackIn(s)), "failed", failure(s.Failure)...)...)
	}
	out = append(out, lastHook(s)...)
	return append(out, backwards(s)...)
}

// forwards tells what was done until the rollout ended or turned.
func forwards(s rollout.State) []string {
	var out []string
	for _, step := range s.Request.Kind.Steps() {
		out = append(out, besides(s, step, rollout.Before)...)
		out = append(out, within(s, step)...)
		out = append(out, besides(s, step, rollout.After)...)
		if step == rollout.Verify {
			out = append(out, settled(s)...)
		}
	}
	return out
}

// within tells what a step found and did.
func within(s rollout.State, step rollout.Step) []string {
	var out []string
	add := func(facts ...string) { out = append(out, tell(string(step), "ok", facts...)...) }
	switch {
	case step == rollout.Validate && s.Validated != nil:
		add(validated(*s.Validated)...)
	case step == rollout.Pull && s.Pulled != nil:
		add(pulled(*s.Pulled))
	case step == rollout.Restart:
		if s.Request.Kind == rollout.Deploy && s.Verify != rollout.Pending && !s.Restarts() {
			out = append(out, notReplaced()...)
		}
		if s.PreStarted != nil {
			add(preStarted(*s.PreStarted))
		}
		for _, v := range s.Services {
			if v.Replaced != nil {
				add(replaced(*v.Replaced))
			}
		}
	case step == rollout.Verify && s.Verified != nil:
		add(verified(*s.Verified)...)
	case step == rollout.Clear && s.Cleared != nil:
		add(cleared(*s.Cleared)...)
	}
	return out
}

// settled tells what became of the containers that were proved, and of the old ones.
func settled(s rollout.State) []string {
	var out []string
	for _, v := range s.Services {
		if v.Promote == rollout.Complete {
			out = append(out, tell(string(rollout.Verify), "ok", promoted(v.Name))...)
		}
	}
	for _, v := range s.Services {
		if v.Retire == rollout.Complete {
			out = append(out, tell(string(rollout.Verify), "ok", retired(v.Name))...)
		}
	}
	return out
}

// backwards tells how a revert went: the service that was replaced last comes first.
func backwards(s rollout.State) []string {
	var out []string
	for _, v := range slices.Backward(s.Services) {
		if v.Restored != nil {
			out = append(out, tell(string(rollout.Revert), "ok", restored(*v.Restored))...)
		}
	}
	if s.Discarded != nil {
		out = append(out, tell(string(rollout.Revert), "ok", discarded(*s.Discarded)...)...)
	}
	if s.Held {
		out = append(out, tell(string(rollout.Revert), "ok", held)...)
	}
	if s.Stuck != nil {
		out = append(out, tell(string(rollout.Revert), "failed", failure(s.Stuck)...)...)
	}
	return out
}

// turnedBackIn returns the step in which a rollout turned back: the last one that was begun before the revert, if only
// by its hooks or its one-off container.
func turnedBackIn(s rollout.State) rollout.Step {
	if s.Step != rollout.Revert {
		return s.Step
	}
	var last rollout.Step
	for _, step := range s.Request.Kind.Steps() {
		if s.Entered(step) {
			last = step
		}
	}
	return last
}
