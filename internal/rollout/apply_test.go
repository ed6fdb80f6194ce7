package rollout

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// until returns a rollout of the scene that has come to just before the action so called.
func until(t *testing.T, sc scene, before string) *run {
	t.Helper()
	r := start(t, sc)
	for named(Next(r.state, r.now)) != before {
		if r.state.Phase == Over {
			t.Fatalf("it never comes to %s", before)
		}
		if !r.recordOnly() {
			r.done(r.begin())
		}
	}
	return r
}

// failing returns a rollout whose verify has failed, just before the action so called.
func failing(t *testing.T, sc scene, before string) *run {
	t.Helper()
	r := until(t, sc, "verify")
	r.fail(r.begin())
	for named(Next(r.state, r.now)) != before {
		r.done(r.begin())
	}
	return r
}

func TestIllegalEvents(t *testing.T) {
	full := scene{kind: Deploy, services: both, legacy: true, clears: true}
	rotation := scene{kind: Rotate, services: both}
	why := NewFailure(fault.New(fault.Refused, "no"))
	begun := func(v Verb, service string) Event {
		step, _ := v.place()
		return Event{Type: Begun, Action: &Action{Verb: v, Step: step, Service: service}}
	}
	result := func(typ EventType, v Verb, service string) Event {
		e := begun(v, service)
		if e.Type = typ; typ == Failed {
			e.Failure = why
		}
		return e
	}
	request := func(change func(*Request)) Event {
		r := full.request()
		change(&r)
		return Event{Type: Requested, Request: &r}
	}
	unasked := func(*testing.T) *run { return &run{} }
	at := func(sc scene, before string) func(*testing.T) *run {
		return func(t *testing.T) *run { return until(t, sc, before) }
	}
	turned := func(before string) func(*testing.T) *run {
		return func(t *testing.T) *run { return failing(t, full, before) }
	}
	under := func(sc scene, action string) func(*testing.T) *run {
		return func(t *testing.T) *run {
			r := until(t, sc, action)
			r.begin()
			return r
		}
	}
	for name, c := range map[string]struct {
		from  func(*testing.T) *run
		event Event
	}{
		"an event before the request": {unasked, Event{Type: Resumed}},
		"a request without content":   {unasked, Event{Type: Requested}},
		"a request of no kind":        {unasked, request(func(r *Request) { r.Kind = "redeploy" })},
		"a request without services":  {unasked, request(func(r *Request) { r.Services = nil })},
		"a service twice":             {unasked, request(func(r *Request) { r.Services = []string{"web", "worker", "web"} })},
		"a service without a name":    {unasked, request(func(r *Request) { r.Services = []string{"web", ""} })},
		"a second request":            {at(full, "pull"), request(func(*Request) {})},
		"an unknown type":             {at(full, "pull"), Event{Type: "rollout.paused"}},
		"an event after the end":      {over, Event{Type: Resumed}},
		"a second end":                {over, Event{Type: Ended, Outcome: Succeeded}},

		"nothing begins":                  {at(full, "pull"), Event{Type: Begun}},
		"an unknown action":               {at(full, "pull"), Event{Type: Begun, Action: &Action{Verb: "drop", Step: Pull}}},
		"an end that begins":              {at(full, "pull"), begun(DoEnd, "")},
		"an action of another step":       {at(full, "pull"), Event{Type: Begun, Action: &Action{Verb: DoPull, Step: Clear}}},
		"an unknown service":              {at(full, "replace web"), begun(DoReplace, "db")},
		"a service that is missing":       {at(full, "replace web"), begun(DoReplace, "")},
		"a service too many":              {at(full, "verify"), begun(DoVerify, "web")},
		"pull before validate":            {at(full, "validate"), begun(DoPull, "")},
		"validate twice":                  {at(full, "pull"), begun(DoValidate, "")},
		"replace before pull":             {at(full, "pull"), begun(DoReplace, "web")},
		"replace twice":                   {at(full, "replace worker"), begun(DoReplace, "web")},
		"verify in the middle of replace": {at(full, "replace worker"), begun(DoVerify, "")},
		"promote before verify":           {at(full, "verify"), begun(DoPromote, "web")},
		"replace after verify":            {at(full, "promote web"), begun(DoReplace, "web")},
		"retire before the last promote":  {at(full, "promote worker"), begun(DoRetire, "web")},
		"clear before verify":             {at(full, "verify"), begun(DoClear, "")},
		"clear before promote":            {at(full, "promote web"), begun(DoClear, "")},
		"clear in a rotation":             {at(rotation, "retire web"), begun(DoClear, "")},
		"pull in a rotation":              {at(rotation, "replace web"), begun(DoPull, "")},
		"restore on the way forward":      {at(full, "verify"), begun(DoRestore, "web")},
		"verify on the way back":          {turned("restore worker"), begun(DoVerify, "")},
		"clear on the way back":           {turned("hold"), begun(DoClear, "")},
		"hold before the last restore":    {turned("restore web"), begun(DoHold, "")},
		"restore twice":                   {turned("restore web"), begun(DoRestore, "worker")},

		"nothing is done":             {under(full, "pull"), Event{Type: Done}},
		"nothing fails":               {under(full, "pull"), Event{Type: Failed, Failure: why}},
		"a failure without a why":     {under(full, "pull"), Event{Type: Failed, Action: &Action{Verb: DoPull, Step: Pull}}},
		"done without being begun":    {at(full, "verify"), result(Done, DoVerify, "")},
		"failed without being begun":  {at(full, "verify"), result(Failed, DoVerify, "")},
		"another action is done":      {under(full, "pull"), result(Done, DoVerify, "")},
		"another service is done":     {under(full, "replace web"), result(Done, DoReplace, "worker")},
		"another service fails":       {under(full, "replace web"), result(Failed, DoReplace, "worker")},
		"done twice":                  {at(full, "replace worker"), result(Done, DoReplace, "web")},
		"validated without findings":  {under(full, "validate"), result(Done, DoValidate, "")},
		"pulled without an image":     {under(full, "pull"), result(Done, DoPull, "")},
		"replaced without containers": {under(full, "replace web"), result(Done, DoReplace, "web")},
		"verified without proof":      {under(full, "verify"), result(Done, DoVerify, "")},
		"cleared without residue":     {under(full, "clear"), result(Done, DoClear, "")},
		"a deadline on the way back":  {turned("restore web"), result(Failed, DoExpire, "")},

		"a cancel once something is gone": {under(full, "retire web"), Event{Type: Cancelled}},
		"a cancel in clear":               {under(full, "clear"), Event{Type: Cancelled}},
		"a cancel on the way back":        {turned("restore web"), Event{Type: Cancelled}},

		"success before the proof":     {at(full, "verify"), Event{Type: Ended, Outcome: Succeeded}},
		"success before promote":       {at(full, "promote web"), Event{Type: Ended, Outcome: Succeeded}},
		"a revert reported as success": {turned("end rolled_back"), Event{Type: Ended, Outcome: Succeeded}},
		"refused, but touched":         {turned("end rolled_back"), Event{Type: Ended, Outcome: Refused}},
		"refused, but stuck":           {stuck, Event{Type: Ended, Outcome: Refused}},
		"rolled back too early":        {turned("hold"), Event{Type: Ended, Outcome: RolledBack}},
		"halted without a reason":      {turned("hold"), Event{Type: Ended, Outcome: Halted}},
		"no outcome":                   {at(full, "end succeeded"), Event{Type: Ended}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := c.from(t)
			before := r.state.clone()
			c.event.Time = r.now
			after, err := Apply(r.state, c.event)
			if fault.KindOf(err) != fault.Internal || err == nil {
				t.Errorf("it is answered with %v", err)
			}
			if diff := cmp.Diff(r.state, after); diff != "" {
				t.Errorf("what is returned is not the state as it was:\n%s", diff)
			}
			if diff := cmp.Diff(before, r.state.clone()); diff != "" {
				t.Errorf("the state was changed:\n%s", diff)
			}
		})
	}
}

// stuck returns a rollout whose revert has failed.
func stuck(t *testing.T) *run {
	r := failing(t, scene{kind: Deploy, services: both}, "restore web")
	r.fail(r.begin())
	return r
}

// over returns a rollout that has ended.
func over(t *testing.T) *run {
	r := until(t, scene{kind: Rotate, services: both}, "end succeeded")
	r.recordOnly()
	return r
}

// Apply and Next change nothing that somebody else may hold.
func TestStatesAreValues(t *testing.T) {
	r := until(t, scene{kind: Deploy, services: both, legacy: true, clears: true}, "replace worker")
	r.state.Warnings = append(make([]string, 0, 8), "one")
	old, copied := r.state, r.state.clone()
	r.done(r.begin())
	r.fail(r.begin())
	r.play(nil)
	if diff := cmp.Diff(copied, old); diff != "" {
		t.Errorf("an older state was changed by newer events:\n%s", diff)
	}
	fork := until(t, scene{kind: Deploy, services: both}, "retire web")
	fork.state.Warnings = append(make([]string, 0, 8), "one")
	a := fork.begin()
	one, another := *fork, *fork
	one.apply(Event{Type: Failed, Action: &a, Failure: &Failure{Message: "one"}})
	another.apply(Event{Type: Failed, Action: &a, Failure: &Failure{Message: "another"}})
	if !strings.HasSuffix(one.state.Warnings[1], ": one") {
		t.Errorf("two states share their warnings: %v", one.state.Warnings)
	}
}

// A deploy leaves the containers alone only if every one of them is ours, runs, and is of the very same release.
func TestRestarts(t *testing.T) {
	running := func(change func(*workload.Container)) State {
		sc := scene{kind: Deploy, services: both, same: true}
		r := until(t, sc, "pull")
		change(r.state.Services[1].Baseline.Container)
		r.done(r.begin())
		return r.state
	}
	for name, c := range map[string]struct {
		change func(*workload.Container)
		want   bool
	}{
		"the same":          {func(*workload.Container) {}, false},
		"another release":   {func(c *workload.Container) { c.Release = "elder" }, true},
		"somebody else's":   {func(c *workload.Container) { c.Ours = false }, true},
		"it is stopped":     {func(c *workload.Container) { c.Status = workload.Exited }, true},
		"it keeps crashing": {func(c *workload.Container) { c.Status = workload.Restarting }, true},
	} {
		if got := running(c.change).Restarts(); got != c.want {
			t.Errorf("%s: restarts is %t", name, got)
		}
	}
}

func TestWhatIsKnownAlongTheWay(t *testing.T) {
	r := start(t, scene{kind: Deploy, services: both, legacy: true, clears: true})
	if r.state.Begun != dawn.Add(time.Second) || r.state.Restarts() != true || r.state.Touched() {
		t.Errorf("after the request: %+v", r.state)
	}
	r.done(r.begin())
	if diff := cmp.Diff(residue(), r.state.Residue()); diff != "" {
		t.Errorf("after validate the residue is not what was found:\n%s", diff)
	}
	r.done(r.begin())
	target := workload.Release{ID: workload.ReleaseID(image.Digest, "de", "ee"), Image: image, Definitions: "de", Env: "ee"}
	if diff := cmp.Diff(target, r.state.Target); diff != "" {
		t.Errorf("after pull it aims at something else:\n%s", diff)
	}
	a := r.begin()
	if r.state.Doing == nil || *r.state.Doing != a || r.state.Step != Restart || r.state.StepSince != r.now || !r.state.Touched() {
		t.Errorf("in replace: %+v", r.state)
	}
	if got := r.state.Subject("web"); got != "" {
		t.Errorf("in the middle of replace, the rollout answers for %q", got)
	}
	r.done(a)
	if got := r.state.Subject("web"); got != "new-web" || r.state.Doing != nil {
		t.Errorf("after replace, the rollout answers for %q", got)
	}
	if got := r.state.Subject("db"); got != "" {
		t.Errorf("it answers for %q, which it does not know", got)
	}
	for r.state.Cleared == nil {
		r.done(r.begin())
	}
	if got := Left(r.state.Residue()); got != nil {
		t.Errorf("after clear is left: %v", got)
	}
	kept := until(t, scene{kind: Cleanup, services: both, legacy: true}, "verify")
	if got := kept.state.Subject("worker"); got != "old-worker" || kept.state.Target.Image != image {
		t.Errorf("a cleanup answers for %q of %v", got, kept.state.Target.Image)
	}
	if got := Left([]secret.Residue{{Secret: "a", Verdict: secret.Empty}, {Secret: "b", Verdict: secret.Differs}, {Secret: "c", Verdict: secret.Same, Cleared: true}}); !cmp.Equal(got, []string{"b"}) {
		t.Errorf("left is %v", got)
	}
}
