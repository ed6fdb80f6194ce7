package steps

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

type fakeHooks struct {
	t     testing.TB
	check func(program string) []fault.Problem
	run   func(ctx context.Context, call string, command, variables []string) (string, error)
}

func (f *fakeHooks) Check(program string) []fault.Problem {
	if f.check == nil {
		return nil
	}
	return f.check(program)
}

func (f *fakeHooks) Run(ctx context.Context, call string, command, variables []string) (string, error) {
	if f.run == nil {
		return "", uncalled(f.t, "Run of a hook")
	}
	return f.run(ctx, call, command, variables)
}

// withHooks is an edit of the configuration.
func withHooks(lines ...string) []string {
	return []string{"    clear: with_deploy\n", "    clear: with_deploy\n    hooks:\n      - " + strings.Join(lines, "\n      - ") + "\n"}
}

var drain = "{before: restart, command: [/usr/local/bin/drain, web, $HOME], timeout: 10s}"

// hookIn has the only hook of a rollout called.
func (r *rig) hookIn(s rollout.State) (*rollout.Hooked, error) {
	r.t.Helper()
	ev, err := r.Do(r.t.Context(), s, rollout.Action{Verb: rollout.DoHook, Step: s.Request.Hooks[0].Step, Hook: 1}, r.say)
	if ev == nil || ev.Hooked == nil {
		r.t.Fatalf("no evidence, %v", err)
	}
	return ev.Hooked, err
}

func TestHooksOfARequest(t *testing.T) {
	r := newRig(t, withHooks(drain, "{after: verify, command: [/bin/tell], name: tell-all}", "{before: pull, command: [/bin/scan]}", "{after: clear, command: [/bin/tell]}")...)
	for kind, want := range map[rollout.Kind][]string{
		rollout.Deploy:   {"the hook before restart (drain)", "the hook after verify (tell-all)", "the hook before pull (scan)", "the hook after clear (tell)"},
		rollout.Rotate:   {"the hook before restart (drain)", "the hook after verify (tell-all)"},
		rollout.Rollback: {"the hook before restart (drain)", "the hook after verify (tell-all)", "the hook before pull (scan)"},
		rollout.Cleanup:  {"the hook after verify (tell-all)", "the hook after clear (tell)"},
	} {
		image := map[rollout.Kind]string{rollout.Deploy: "2.0.0"}[kind]
		request, err := r.Begin("shop", kind, image)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, h := range request.Hooks {
			got = append(got, h.String())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q", kind, got)
		}
		if kind != rollout.Cleanup && (!slices.Equal(request.Hooks[0].Command, []string{"/usr/local/bin/drain", "web", "$HOME"}) || request.Hooks[0].Timeout != 10*time.Second) {
			t.Errorf("%s: %+v", kind, request.Hooks[0])
		}
	}
}

// hooked returns the state of a deploy that has passed validate and has one hook.
func (r *rig) hooked(h rollout.Hook) rollout.State {
	s := r.validated(rollout.Deploy)
	if len(h.Command) == 0 {
		h.Command = []string{"/usr/local/bin/drain", "web"}
	}
	h.Name = "drain"
	s.Request.Hooks = []rollout.Hook{h}
	s.Request.Requester, s.Request.UID, s.Request.Reason = "anna", new(int64(1000)), "for\nthe better"
	return s
}

func TestHookIsTold(t *testing.T) {
	r := newRig(t)
	var got []string
	r.hooks.run = func(_ context.Context, call string, command, variables []string) (string, error) {
		got = slices.Concat([]string{call}, command, variables)
		return "", nil
	}
	s := r.hooked(rollout.Hook{Step: rollout.Restart, When: rollout.Before})
	s.Request.Image = workload.Image{Repository: "registry.example.com/shop/app", Tag: "2.0.0"}
	if _, err := r.hookIn(s); err != nil {
		t.Fatal(err)
	}
	want := []string{"r1-1", "/usr/local/bin/drain", "web",
		"FAIRLEAD_INSTANCE=test-1", "FAIRLEAD_ENVIRONMENT=production", "FAIRLEAD_APP=shop", "FAIRLEAD_SERVICES=web worker", "FAIRLEAD_ROLLOUT=r1",
		"FAIRLEAD_KIND=deploy", "FAIRLEAD_STEP=restart", "FAIRLEAD_WHEN=before", "FAIRLEAD_HOOK=drain",
		"FAIRLEAD_IMAGE=registry.example.com/shop/app:2.0.0", "FAIRLEAD_DIGEST=", "FAIRLEAD_RELEASE=",
		"FAIRLEAD_TRIGGER=manual", "FAIRLEAD_ACTOR=anna", "FAIRLEAD_REASON=for the better"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	s.Target = workload.Release{ID: "0f1e", Image: workload.Image{Repository: "registry.example.com/shop/app", Digest: "sha256:2222"}}
	s.Request.UID = nil
	if _, err := r.hookIn(s); err != nil {
		t.Fatal(err)
	}
	for _, v := range []string{"FAIRLEAD_IMAGE=registry.example.com/shop/app@sha256:2222", "FAIRLEAD_DIGEST=sha256:2222", "FAIRLEAD_RELEASE=0f1e", "FAIRLEAD_TRIGGER=fairlead"} {
		if !slices.Contains(got, v) {
			t.Errorf("%s is missing in %q", v, got)
		}
	}
}

// Whatever a hook has found out is kept without the values: those of today, of the containers, and of the database.
func TestHookIsRedacted(t *testing.T) {
	const older, legacy = "canary-older-e1b2c3d4", "pass"
	said := "azure " + azure + "\nurl " + dsn + "\nolder " + older + "\nlegacy " + legacy + "\n" + strings.Repeat("x", 390) + smtp + strings.Repeat("y", 500) + "\r\n\x1b[2Jbye"
	want := "azure [AZURE_OPENAI_API_KEY]\nurl [DATABASE_URL]\nolder [SMTP_PASSWORD]\nlegacy [smtpPassword]\n" + strings.Repeat("x", 390) + "[SMTP_PASS…\r\n\x1b[2Jbye"
	for _, h := range []rollout.Hook{{Step: rollout.Restart, When: rollout.Before}, {Step: rollout.Validate, When: rollout.Before}} {
		r := newRig(t)
		r.hooks.run = func(context.Context, string, []string, []string) (string, error) { return said, nil }
		r.database.stored = func(context.Context, Legacy) (secret.Env, error) {
			return secret.NewEnv(secret.Var{Name: "smtpPassword", Value: secret.NewValue(legacy)}), nil
		}
		s := r.hooked(h)
		if h.Step == rollout.Validate {
			s.Validated = nil // it comes first
		}
		r.envs["web-old"] = r.envs["web-old"].With(secret.Var{Name: "SMTP_PASSWORD", Value: secret.NewValue(older)})
		got, err := r.hookIn(s)
		if err != nil || got.Log != want {
			t.Errorf("before %s: %v\n%s", h.Step, err, cmp.Diff(want, got.Log))
		}
	}
}

// Where nobody knows which values may stand in it, nothing is kept.
func TestHookIsNotKept(t *testing.T) {
	silence := map[string]func(r *rig){
		"cannot be read as a whole": func(r *rig) { r.write("AZURE_OPENAI_API_KEY=\"" + azure) },
		"the legacy values": func(r *rig) {
			r.database.stored = func(context.Context, Legacy) (secret.Env, error) {
				return nil, fault.New(fault.Unavailable, "the database does not answer")
			}
		},
		"the environments of the app's containers": func(r *rig) {
			r.containers.environment = func(string) (secret.Env, error) {
				return nil, fault.New(fault.Unavailable, "the Engine does not answer")
			}
		},
		"containers may stand in it, and cannot be looked at: no Engine": func(r *rig) {
			r.runtime.observe = func([]workload.Service) ([]workload.Container, error) {
				return nil, fault.New(fault.Unavailable, "no Engine")
			}
		},
	}
	for why, arrange := range silence {
		r := newRig(t)
		r.hooks.run = func(context.Context, string, []string, []string) (string, error) { return "key " + azure, nil }
		s := r.hooked(rollout.Hook{Step: rollout.Restart, When: rollout.Before})
		arrange(r)
		got, err := r.hookIn(s)
		if err != nil || !strings.HasPrefix(got.Log, "(not kept, since ") || !strings.Contains(got.Log, why) {
			t.Errorf("%s: %v, %q", why, err, got.Log)
		}
	}
}

func TestHookFails(t *testing.T) {
	for name, tt := range map[string]struct {
		hook    rollout.Hook
		touched bool
		err     error
		want    string
	}{
		"before restart": {rollout.Hook{Step: rollout.Restart, When: rollout.Before}, false, fault.New(fault.Refused, "its exit code is 3"),
			"the hook before restart (drain) has failed: its exit code is 3; no container was touched"},
		"after verify": {rollout.Hook{Step: rollout.Verify, When: rollout.After}, true, fault.New(fault.TimedOut, "it did not end before its deadline, and was ended"),
			"the hook after verify (drain) has failed: it did not end before its deadline, and was ended; what ran before is put back"},
		"before clear": {rollout.Hook{Step: rollout.Clear, When: rollout.Before}, true, fault.New(fault.Refused, "its exit code is 1"),
			"the hook before clear (drain) has failed: its exit code is 1; the legacy values are left where they are"},
		"after clear": {rollout.Hook{Step: rollout.Clear, When: rollout.After}, true, fault.New(fault.Refused, "its exit code is 1"),
			"the hook after clear (drain) has failed: its exit code is 1; what was cleared stays cleared"},
		"no such program": {rollout.Hook{Step: rollout.Restart, When: rollout.Before}, false,
			fault.Many(fault.Refused, "its program may not be run", []fault.Problem{{Where: "/usr/local/bin/drain", What: "does not exist"}}),
			"the hook before restart (drain) has failed, no container was touched: its program may not be run: /usr/local/bin/drain: does not exist"},
	} {
		r := newRig(t)
		r.hooks.run = func(context.Context, string, []string, []string) (string, error) {
			return "last words of " + azure, tt.err
		}
		s := r.hooked(tt.hook)
		if tt.touched {
			s.Services[0].Replace = rollout.Complete
		}
		got, err := r.hookIn(s)
		if err == nil || err.Error() != tt.want || fault.KindOf(err) != fault.KindOf(tt.err) || got.Log != "last words of [AZURE_OPENAI_API_KEY]" {
			t.Errorf("%s: %v, %q", name, err, got.Log)
		}
		if text, _ := json.Marshal(rollout.NewFailure(err)); strings.Contains(string(text), azure) {
			t.Errorf("%s: the failure holds a secret", name)
		}
	}
}

// A program that may not be run is found by validate, with all else that is wrong.
func TestValidateLooksAtHooks(t *testing.T) {
	r := newRig(t)
	r.hooks.check = func(program string) []fault.Problem {
		return []fault.Problem{{Where: program, What: "may be written by more than its owner (mode 0775)", Fix: "mend it"}}
	}
	s := r.requested(rollout.Deploy)
	s.Request.Hooks = []rollout.Hook{{Step: rollout.Verify, When: rollout.After, Name: "tell", Command: []string{"/bin/tell"}}}
	_, err := r.do(t.Context(), s, rollout.DoValidate, "")
	expect(t, err, fault.Refused, "the hook after verify (tell): /bin/tell: may be written by more than its owner (mode 0775); mend it")

	r = newRig(t, withHooks(drain)...)
	r.hooks.check = func(program string) []fault.Problem { return []fault.Problem{{Where: program, What: "does not exist"}} }
	found, err := r.Examine(t.Context(), "shop")
	if err != nil || len(found.Problems) != 1 || found.Problems[0].String() != "the hook before restart (drain): /usr/local/bin/drain: does not exist" {
		t.Errorf("examined: %v, %v", found.Problems, err)
	}
}
