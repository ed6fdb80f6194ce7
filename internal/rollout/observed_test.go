package rollout

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// shop is an app of two services whose containers are configured to come back with the Engine.
func shop() App {
	policy := workload.RestartPolicy{Name: "unless-stopped"}
	return App{Name: "shop", Services: both, Restarts: map[string]workload.RestartPolicy{"web": policy, "worker": policy}}
}

// standing returns the containers that a finished rollout of the app leaves.
func standing() []workload.Container {
	var out []workload.Container
	for i, service := range both {
		out = append(out, workload.Container{ID: "id-" + service, Name: "shop-" + service, Service: service, Ours: true, Rollout: "01R2", Release: "r2",
			Image: workload.Image{Repository: "example.com/shop", Digest: "sha256:22"}, Definitions: "d", Env: "e", Status: workload.Running,
			RestartPolicy: workload.RestartPolicy{Name: "unless-stopped"}, CreatedAt: dawn.Add(time.Duration(i) * time.Second)})
	}
	return out
}

// What a finished rollout leaves is told from everything that it does not leave.
func TestObserve(t *testing.T) {
	more := func(change func(c *workload.Container)) func([]workload.Container) []workload.Container {
		return func(all []workload.Container) []workload.Container {
			extra := all[0]
			extra.ID, extra.Name = "id-more", "shop-web-more"
			change(&extra)
			return append(all, extra)
		}
	}
	first := func(change func(c *workload.Container)) func([]workload.Container) []workload.Container {
		return func(all []workload.Container) []workload.Container {
			change(&all[0])
			return all
		}
	}
	for name, c := range map[string]struct {
		host    func([]workload.Container) []workload.Container
		current string
		doubt   string // the only one, and none where it is settled
	}{
		"it is as a rollout leaves it": {first(func(*workload.Container) {}), "r2", ""},
		"under a name of somebody's":   {first(func(c *workload.Container) { c.Name = "shop.new-web" }), "r2", ""},
		"a health check fails":         {first(func(c *workload.Container) { c.Health = workload.Unhealthy }), "r2", ""},
		"not promoted":                 {first(func(c *workload.Container) { c.Name = "shop-web.new-12345678" }), "r2", "container shop-web.new-12345678 of service web has no final name"},
		"set aside":                    {first(func(c *workload.Container) { c.Name = "shop-web.old-12345678" }), "r2", "has no final name"},
		"half promoted":                {first(func(c *workload.Container) { c.RestartPolicy.Name = "no" }), "r2", "would not come back with the Engine: its restart policy is no, where unless-stopped is configured"},
		"another policy":               {first(func(c *workload.Container) { c.RestartPolicy.Name = "always" }), "r2", ""},
		"paused":                       {first(func(c *workload.Container) { c.Status = workload.Paused }), "r2", "is paused"},
		"restarting":                   {first(func(c *workload.Container) { c.Status = workload.Restarting }), "r2", "is restarting"},
		"something is left over":       {more(func(c *workload.Container) { c.Status = workload.Exited }), "r2", "container shop-web-more of service web is left over (exited)"},
		"something was made":           {more(func(c *workload.Container) { c.Status = workload.Created }), "r2", "is left over (created)"},
		"two live":                     {more(func(*workload.Container) {}), "", "service web has 2 live containers: shop-web (of rollout 01R2), shop-web-more (of rollout 01R2)"},
		"one is absent":                {func(all []workload.Container) []workload.Container { return all[1:] }, "", "service web does not run"},
		"two releases":                 {first(func(c *workload.Container) { c.Release = "r1" }), "", "the services run several releases: web r1, worker r2"},
		"no release":                   {first(func(c *workload.Container) { c.Release = "" }), "", "the services run several releases: web an unnamed one, worker r2"},
		"somebody else's":              {first(func(c *workload.Container) { c.Ours = false }), "", "container shop-web of service web was not made by Fairlead"},
		"a service of before":          {more(func(c *workload.Container) { c.Service = "cron" }), "r2", "container shop-web-more is of service cron, which is not configured"},
	} {
		t.Run(name, func(t *testing.T) {
			o := Observe(shop(), c.host(standing()))
			current := ""
			if o.Current != nil {
				current = o.Current.ID
			}
			if current != c.current || o.Settled() != (c.doubt == "" && current != "") {
				t.Errorf("current is %q, and settled %t: %q", current, o.Settled(), o.Doubts)
			}
			if c.doubt == "" && len(o.Doubts) > 0 || c.doubt != "" && (len(o.Doubts) != 1 || !strings.Contains(o.Doubts[0], c.doubt)) {
				t.Errorf("the doubts are %q, and not %q", o.Doubts, c.doubt)
			}
			if len(o.Containers) != len(c.host(standing())) {
				t.Errorf("%d containers are told", len(o.Containers))
			}
		})
	}
	stopped := standing()
	stopped[0].Status = workload.Exited
	if o := Observe(shop(), stopped); o.Current != nil || len(o.Doubts) != 2 {
		t.Errorf("a service that is stopped: %+v", o)
	}
}

// The current release is all that its containers tell of it, and as old as the newest of them.
func TestObserveRelease(t *testing.T) {
	all := standing()
	want := workload.Release{ID: "r2", Image: all[0].Image, Definitions: "d", Env: "e", Since: all[1].CreatedAt}
	if o := Observe(shop(), all); *o.Current != want || o.Containers[0] != (Shown{"web", "shop-web", "id-web", "01R2", "r2", "sha256:22", workload.Running}) {
		t.Errorf("%+v, %+v", o.Current, o.Containers[0])
	}
	if twins := Twins(shop(), append(all, all[1])); len(twins) != 2 || twins[0].Service != "worker" {
		t.Errorf("the twins are %+v", twins)
	}
	many := slices.Repeat(all, 6)
	if text := Names(many); !strings.Contains(text, "4 more") || strings.Count(text, ",") != 8 {
		t.Errorf("too many names: %s", text)
	}
}

// What the host shows of a rollout is held against what is recorded of it.
func TestOutrun(t *testing.T) {
	s := State{Request: Request{ID: "01R2"}, Services: []Service{{Name: "web"}, {Name: "worker", Replace: Complete}}}
	all := standing()
	all[1].Name = "shop-worker.new-12345678"
	if out := s.Outrun(all); len(out) != 1 || out[0].Service != "web" {
		t.Errorf("of a service that was not touched: %+v", out)
	}
	all[0].Name = "shop-web.new-12345678"
	if out := s.Outrun(all); len(out) != 1 || out[0].Service != "web" {
		t.Errorf("of a service that was not touched, and not promoted: %+v", out)
	}
	all[0].Name = "shop-web"
	s.Services[0].Replace = Begin
	if out := s.Outrun(all); len(out) != 1 || out[0].Service != "web" {
		t.Errorf("of one that has its final name: %+v", out)
	}
	s.Services[0].Promote = Begin
	if out := s.Outrun(all); len(out) != 0 {
		t.Errorf("of what can be as it is: %+v", out)
	}
	s.Request.ID = "01R1"
	s.Services[0] = Service{Name: "web"}
	if out := s.Outrun(all); len(out) != 0 {
		t.Errorf("of another's: %+v", out)
	}
}

// A rollout can be abandoned in every state in which it would act, and ends at once: refused where nothing was touched,
// and halted anywhere. Nothing is done for it any more.
func TestAbandon(t *testing.T) {
	abandoned := 0
	watch := func(_ *trial, s State, _ Event) {
		for _, outcome := range []Outcome{Refused, Halted, RolledBack, Succeeded} {
			f := &Failure{Kind: fault.Conflict, Message: "the host has gone on"}
			after, err := Apply(s, Event{Type: Abandoned, Outcome: outcome, Failure: f, Time: dawn})
			acts := s.Phase == Forward || s.Phase == Reverting
			if allowed := acts && (outcome == Halted || outcome == Refused && !s.Touched()); allowed != (err == nil) {
				t.Fatalf("in phase %q, touched %t, an end as %s is answered with %v", s.Phase, s.Touched(), outcome, err)
			}
			if err != nil {
				continue
			}
			abandoned++
			a := Next(after, dawn.Add(time.Hour))
			end := after.End(a.Outcome, dawn)
			over, err := Apply(after, end)
			if a.Verb != DoEnd || err != nil || over.Outcome != outcome || end.Failure != f {
				t.Fatalf("it goes on with %+v, and ends %s: %v", a, over.Outcome, err)
			}
			if d := s.Doing; d != nil { // what was under way comes to its end
				if late, err := Apply(after, Event{Type: Failed, Action: d, Failure: &Failure{Message: "interrupted"}, Time: dawn}); err != nil || Next(late, dawn) != a {
					t.Fatalf("a late result leads to %+v: %v", Next(late, dawn), err)
				}
			}
		}
	}
	for _, sc := range scenes() {
		h := newHost(sc)
		h.residue = true // where there is no legacy, nothing is ever cleared
		tr := &trial{run: &run{TB: t, scene: sc, now: dawn}, host: h, before: h.clone(), outcomes: map[Outcome]int{}}
		tr.watch = watch
		tr.watched()
		request := sc.request()
		tr.apply(Event{Type: Requested, Request: &request})
		tr.walk()
	}
	if _, err := Apply(State{}, Event{Type: Abandoned, Outcome: Halted, Failure: &Failure{}}); err == nil {
		t.Error("what was not requested is abandoned")
	}
	if abandoned < 1000 {
		t.Errorf("only %d were abandoned", abandoned)
	}
}
