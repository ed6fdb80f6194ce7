package steps

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// looks is what a service answers, one look after another; the last is repeated.
type looks []func() (workload.Answer, error)

func answer(a workload.Answer) func() (workload.Answer, error) {
	return func() (workload.Answer, error) { return a, nil }
}

func failure(kind fault.Kind, text string) func() (workload.Answer, error) {
	return func() (workload.Answer, error) { return workload.Answer{}, fault.New(kind, "%s", text) }
}

// from returns good but with another source for smtp.
func from(source secret.Source) workload.Answer {
	a := fromEnvironment("ai", "smtp")
	a.Secrets[1].Source = source
	return a
}

// verifying runs verify in a bubble. Web answers as told, and the worker is healthy at once. It returns when web was
// looked at, counted from the beginning.
func verifying(t *testing.T, web looks, arrange func(r *rig), check func(t *testing.T, ev *rollout.Evidence, err error, at []time.Duration)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "worker: {stay_up: 2s}", "worker: {successes: 1, stay_up: 0s}")
		s := r.replaced(rollout.Deploy)
		begun := time.Now()
		var at []time.Duration
		r.prober.look = func(_ context.Context, l workload.Look) (workload.Answer, error) {
			if l.Container.Service == "worker" {
				return workload.Answer{Healthy: true}, nil
			}
			at = append(at, time.Since(begun))
			return web[min(len(at), len(web))-1]()
		}
		if arrange != nil {
			arrange(r)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		ev, err := r.do(ctx, s, rollout.DoVerify, "")
		check(t, ev, err, at)
	})
}

func TestVerifyProves(t *testing.T) {
	good, starting := answer(fromEnvironment("ai", "smtp")), answer(workload.Answer{})
	wrong := answer(from(secret.Database))
	seconds := slices.Repeat(looks{failure(fault.Unavailable, "refused")}, 14) // more than a wrong source is given
	for name, test := range map[string]struct {
		web   looks
		looks int
	}{
		"at once":                   {looks{good}, 2},
		"after a while":             {looks{failure(fault.Unavailable, "refused"), starting, good}, 4},
		"flapping breaks the row":   {looks{good, starting, good, failure(fault.TimedOut, "slow"), good}, 6},
		"a wrong source twice":      {slices.Concat(looks{wrong, good}, seconds, looks{wrong, good}), 19},
		"a wrong source that turns": {looks{wrong, answer(from("file")), good}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			verifying(t, test.web, nil, func(t *testing.T, ev *rollout.Evidence, err error, at []time.Duration) {
				if err != nil {
					t.Fatal(err)
				}
				v := ev.Verified
				if len(at) != test.looks || v.Attempts != test.looks+1 {
					t.Errorf("%d looks at web and %d in all, want %d", len(at), v.Attempts, test.looks)
				}
				if len(v.Proofs) != 2 || v.Proofs[0].Container != "web-new" || v.Proofs[1].Container != "worker-new" || v.Proofs[0].StartedAt.IsZero() {
					t.Errorf("proofs %+v", v.Proofs)
				}
			})
		})
	}
}

func TestVerifyPace(t *testing.T) {
	verifying(t, looks{answer(workload.Answer{})}, nil, func(t *testing.T, _ *rollout.Evidence, err error, at []time.Duration) {
		expect(t, err, fault.TimedOut, "service web did not prove itself in time", "the last: not healthy yet")
		var last time.Duration
		for i := 1; i < len(at); i++ {
			pause := at[i] - at[i-1]
			if i == 1 && pause != 20*time.Millisecond || pause < last || pause > time.Second {
				t.Errorf("pause %d is %v, after %v", i, pause, last)
			}
			last = pause
		}
		if last != time.Second || len(at) < 60 || len(at) > 180 {
			t.Errorf("%d looks in a minute, the last after %v", len(at), last)
		}
	})
}

func TestVerifyFails(t *testing.T) {
	good := answer(fromEnvironment("ai", "smtp"))
	starting := answer(workload.Answer{})
	absent := fromEnvironment("ai", "smtp")
	absent.Secrets[0].Present = false
	for name, test := range map[string]struct {
		web     looks
		arrange func(r *rig)
		after   time.Duration // the longest that it may take
		kind    fault.Kind
		want    string
	}{
		"a wrong source that stays": {looks{answer(from(secret.Database))}, nil, 4 * time.Second, fault.Refused,
			`service web is healthy, but web takes smtp from "database", not from the environment`},
		"another word for the environment": {looks{answer(from("env"))}, nil, 4 * time.Second, fault.Refused, `takes smtp from "env"`},
		"a source without a value":         {looks{answer(absent)}, nil, 4 * time.Second, fault.Refused, "says that ai comes from the environment, but is not there"},
		"a secret that nobody names":       {looks{answer(fromEnvironment("ai"))}, nil, time.Second, fault.Refused, "no service names the source of smtp"},
		"a leak":                           {looks{failure(fault.Refused, "the answer contains the value of SMTP_PASSWORD")}, nil, 0, fault.Refused, "contains the value of"},
		"it never answers":                 {looks{failure(fault.Unavailable, "the connection is refused")}, nil, time.Minute, fault.TimedOut, "the last: the connection is refused"},
		"it answers in words of others":    {looks{func() (workload.Answer, error) { return workload.Answer{}, context.DeadlineExceeded }}, nil, time.Minute, fault.TimedOut, "its text is withheld"},
		"it has ended": {looks{starting}, func(r *rig) {
			c := r.container("web-new")
			c.Status, c.ExitCode = workload.Exited, 3
		}, 0, fault.Refused, "its container has ended with exit code 3 (exited)"},
		"it keeps restarting": {looks{starting}, func(r *rig) {
			c := r.container("web-new")
			c.Status, c.ExitCode, c.Restarts = workload.Restarting, 1, 4
		}, 0, fault.Refused, "its container keeps restarting (exit code 1)"},
		"it had no memory left": {looks{starting}, func(r *rig) {
			c := r.container("web-new")
			c.Status, c.OOMKilled, c.ExitCode = workload.Exited, true, 137
		}, 0, fault.Refused, "killed for want of memory (exit code 137)"},
		"it is gone": {looks{starting}, func(r *rig) { r.remove("web-new") }, 0, fault.Refused, "its container is gone: somebody removed it"},
		"the other service has ended": {looks{starting}, func(r *rig) { r.container("worker-new").Status = workload.Exited }, time.Second,
			fault.Refused, "service worker: its container has ended"},
		"it restarts between two good looks": {looks{good}, func(r *rig) {
			look := r.prober.look
			r.prober.look = func(ctx context.Context, l workload.Look) (workload.Answer, error) {
				if l.Container.Service == "web" {
					c := r.container("web-new")
					c.StartedAt = c.StartedAt.Add(time.Millisecond)
				}
				return look(ctx, l)
			}
		}, time.Second, fault.Refused, "service web: its container was restarted while it was being verified"},
		"it is restarted after its proof": {looks{good}, func(r *rig) {
			inspect, seen := r.containers.inspect, 0
			r.containers.inspect = func(id string) (workload.Container, error) {
				if id == "worker-new" {
					seen++
				}
				c, err := inspect(id)
				if seen == 2 && id == "worker-new" {
					c.StartedAt = c.StartedAt.Add(time.Minute)
				}
				return c, err
			}
		}, time.Second, fault.Refused, "service worker: its container was restarted after it had proved itself"},
		"it dies after its proof": {looks{good}, func(r *rig) {
			inspect, seen := r.containers.inspect, 0
			r.containers.inspect = func(id string) (workload.Container, error) {
				c, err := inspect(id)
				if id == "worker-new" {
					if seen++; seen == 2 {
						c.Status, c.ExitCode = workload.Exited, 9
					}
				}
				return c, err
			}
		}, time.Second, fault.Refused, "service worker: its container has ended with exit code 9"},
		"the Engine does not answer": {looks{good}, func(r *rig) {
			r.containers.inspect = func(string) (workload.Container, error) {
				return workload.Container{}, fault.New(fault.Unavailable, "the Engine does not answer")
			}
			r.containers.exit = func(context.Context, string) error { return fault.New(fault.Unavailable, "the Engine does not answer") }
		}, time.Minute, fault.TimedOut, "the last: the Engine does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			var begun time.Time
			arrange := func(r *rig) {
				begun = time.Now()
				if test.arrange != nil {
					test.arrange(r)
				}
			}
			verifying(t, test.web, arrange, func(t *testing.T, ev *rollout.Evidence, err error, _ []time.Duration) {
				expect(t, err, test.kind, test.want)
				if took := time.Since(begun); took > test.after {
					t.Errorf("it took %v, want %v at most", took, test.after)
				}
				if ev != nil {
					t.Errorf("there is a proof: %+v", ev)
				}
			})
		})
	}
}

func TestVerifyLooksAtOnceWhenTheContainerEnds(t *testing.T) {
	var ended time.Time
	verifying(t, looks{answer(workload.Answer{})}, func(r *rig) {
		r.containers.exit = func(ctx context.Context, id string) error {
			if id != "web-new" {
				<-ctx.Done()
				return ctx.Err()
			}
			pause(ctx, 10*time.Second)
			r.turn.Lock()
			defer r.turn.Unlock()
			ended = time.Now()
			r.container(id).Status = workload.Exited
			return nil
		}
	}, func(t *testing.T, _ *rollout.Evidence, err error, _ []time.Duration) {
		expect(t, err, fault.Refused, "has ended")
		if late := time.Since(ended); late > 50*time.Millisecond {
			t.Errorf("noticed after %v", late)
		}
	})
}

// TestVerifyIsPacedWithoutAWatch holds that an Engine which refuses the watch is not asked all the faster for it.
func TestVerifyIsPacedWithoutAWatch(t *testing.T) {
	verifying(t, looks{answer(workload.Answer{})}, func(r *rig) {
		r.containers.exit = func(context.Context, string) error { return fault.New(fault.Unavailable, "the Engine does not answer") }
	}, func(t *testing.T, _ *rollout.Evidence, err error, at []time.Duration) {
		if expect(t, err, fault.TimedOut); len(at) > 180 {
			t.Errorf("%d looks in a minute", len(at))
		}
	})
}

func TestVerifyAsksTheEngineAgain(t *testing.T) {
	failures := 3
	verifying(t, looks{answer(fromEnvironment("ai", "smtp"))}, func(r *rig) {
		environment := r.containers.environment
		r.containers.environment = func(id string) (secret.Env, error) {
			if failures--; failures >= 0 {
				return nil, fault.New(fault.Unavailable, "the Engine does not answer")
			}
			return environment(id)
		}
	}, func(t *testing.T, ev *rollout.Evidence, err error, _ []time.Duration) {
		if err != nil || len(ev.Verified.Proofs) != 2 {
			t.Errorf("%+v, %v", ev, err)
		}
	})
}

func TestVerifyIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		s := r.replaced(rollout.Deploy)
		r.answers["web"] = workload.Answer{}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := r.do(ctx, s, rollout.DoVerify, "")
		expect(t, err, fault.Conflict, "was interrupted")
	})
}

func TestVerifyHandsTheLookWhatItNeeds(t *testing.T) {
	verifying(t, nil, func(r *rig) {
		r.prober.look = func(ctx context.Context, l workload.Look) (workload.Answer, error) {
			if _, bounded := ctx.Deadline(); !bounded || !l.Env.Value("AZURE_OPENAI_API_KEY").Equal(secret.NewValue(azure)) {
				t.Error("the look has no deadline, or not the container's environment")
			}
			if found := l.Forbidden.Found(azure + smtp + password); !slices.Equal(found, []string{"AZURE_OPENAI_API_KEY", "SMTP_PASSWORD"}) {
				t.Errorf("an answer must not contain %v", found)
			}
			return r.answers[l.Container.Service], nil
		}
	}, func(t *testing.T, _ *rollout.Evidence, err error, _ []time.Duration) {
		if err != nil {
			t.Error(err)
		}
	})
}

func TestProgressTellsTheLastLook(t *testing.T) {
	var r *rig
	verifying(t, looks{failure(fault.Unavailable, "the connection is refused"), answer(fromEnvironment("ai", "smtp"))}, func(x *rig) { r = x },
		func(t *testing.T, _ *rollout.Evidence, _ error, _ []time.Duration) {
			if said := strings.Join(r.said, "\n"); !strings.Contains(said, "look 1: the connection is refused") || !strings.Contains(said, "look 2: healthy") {
				t.Errorf("said %q", r.said)
			}
		})
}
