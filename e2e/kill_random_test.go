//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
)

// The daemon is killed at moments that nobody chose.
func TestKillAtRandom(t *testing.T) {
	t.Parallel()
	killAtRandom(t, 2, 16)
}

// killAtRandom carries out drills of all kinds, with kills at random, on several stages side by side, the last of which has
// an app of one service. It ends when there were enough kills.
func killAtRandom(t *testing.T, stages, kills int) {
	t.Helper()
	seed := uint64(number(t, "FAIRLEAD_E2E_SEED", int(time.Now().UnixNano()&0xffffffff)))
	t.Logf("the seed is %d; FAIRLEAD_E2E_SEED=%[1]d repeats the drills", seed)
	score := newScore(t)
	for stage := range stages {
		t.Run(fmt.Sprintf("stage %d", stage+1), func(t *testing.T) {
			o := rig.Options{}
			if stage == stages-1 {
				o.Services = []string{"web"}
			}
			k := settled(t, score, o)
			lot := rand.New(rand.NewPCG(seed, uint64(stage)))
			for i, done := 1, 0; done*stages < kills; i++ {
				r := k.random(lot)
				k.sub(t, fmt.Sprintf("%d %s", i, r), func(k *killing) { done += k.randomly(r) })
			}
		})
	}
}

// random is a drill with kills at random.
type random struct {
	drill
	name    string
	longest time.Duration  // that the rollout usually takes
	cancel  time.Duration  // when it is cancelled; never where 0
	between func(*killing) // done after the first kill
}

func (r random) String() string {
	text := r.name
	if r.cancel > 0 {
		text += " after " + r.cancel.String()
	}
	return fmt.Sprintf("%s %v", text, r.kills)
}

// randoms are all that is drawn from by lot.
func (k *killing) randoms() []random {
	const long, middle, short = 2500 * time.Millisecond, 2 * time.Second, 300 * time.Millisecond
	all := []random{
		{name: "deploy", drill: goodDeploy, longest: long},
		{name: "deploy", drill: goodDeploy, longest: long},
		{name: "broken deploy", drill: drill{kind: "deploy", misbehave: "web:crash", outcome: "rolled_back"}, longest: long},
		{name: "leaking deploy", drill: drill{kind: "deploy", misbehave: "leak", outcome: "rolled_back"}, longest: long},
		{name: "cancelled deploy", drill: drill{kind: "deploy", misbehave: "slow-start=400ms", outcome: "rolled_back", or: []string{"refused", "succeeded"}}, longest: long, cancel: middle},
		{name: "deploy of nothing", drill: drill{kind: "deploy", misbehave: absent, outcome: "refused"}, longest: short},
		{name: "deploy without a secret", drill: secretless(), longest: short},
		{name: "rotate", drill: drill{kind: "rotate", outcome: "succeeded"}, longest: middle},
		{name: "rotate", drill: drill{kind: "rotate", outcome: "succeeded"}, longest: middle},
		{name: "cleanup", drill: drill{kind: "cleanup", outcome: "succeeded"}, longest: short},
	}
	if k.Has("worker") {
		all = append(all,
			random{name: "half-broken deploy", drill: badDeploy, longest: long},
			random{name: "hopeless deploy", drill: hopeless(), longest: short, between: (*killing).loseHope})
	}
	return all
}

// random draws a drill and its kills by lot. A kill comes some time after the one before, in the rollout or while the
// daemon is still starting.
func (k *killing) random(lot *rand.Rand) random {
	all := k.randoms()
	r := all[lot.IntN(len(all))]
	within := func(d time.Duration) time.Duration {
		return time.Duration(lot.Int64N(int64(d))).Truncate(time.Millisecond)
	}
	if r.cancel > 0 {
		r.cancel = time.Millisecond + within(r.cancel)
	}
	if r.kills == nil {
		r.kills = []moment{{record: "requested", after: within(r.longest)}}
	}
	for range lot.IntN(4) {
		if lot.IntN(2) == 0 {
			r.kills = append(r.kills, moment{record: launched, after: within(starting)})
		} else {
			r.kills = append(r.kills, moment{after: within(r.longest / 2)})
		}
	}
	return r
}

// launched, where a record is named, is when the daemon was started just now, and starting is how long that takes.
const (
	launched = "launched"
	starting = 120 * time.Millisecond
)

// randomly carries out a drill that was drawn, and returns how often the daemon was killed before the rollout had ended.
func (k *killing) randomly(r random) (kills int) {
	k.t.Helper()
	var cancelled <-chan rig.Result
	k.meanwhile(r.drill, func(ctx context.Context, f *follower) {
		for i, m := range r.kills {
			switch {
			case m.record == launched:
				k.must(k.Launch())
			case i > 0:
				k.must(k.Start(ctx))
			default:
				k.must(f.until(ctx, m.is))
				cancelled = k.cancelled(ctx, f.last.Rollout, r.cancel)
			}
			k.must(elapsed(ctx, m.after))
			if over, err := f.holds(isEnd); over || err != nil {
				k.must(err)
				break
			}
			k.must(k.Kill())
			k.score.add(&k.score.kills, 1)
			if kills++; kills == 1 && r.between != nil {
				r.between(k)
			}
		}
		k.must(k.Kill()) // one that may still be starting
		k.must(k.Start(ctx))
	})
	if cancelled != nil {
		k.obeyed(<-cancelled)
	}
	return kills
}

// cancelled has a rollout cancelled some time from now, and returns what is told of that; nothing where it is not to be.
func (k *killing) cancelled(ctx context.Context, id string, after time.Duration) <-chan rig.Result {
	if after == 0 {
		return nil
	}
	told := make(chan rig.Result, 1)
	go func() { // ends with ctx at the latest
		_ = elapsed(ctx, after) // the command then says so itself
		told <- <-k.begun(ctx, []string{"cancel", id})
	}()
	return told
}

// obeyed expects a rollout that was cancelled, and for which that was confirmed, to have been turned back.
func (k *killing) obeyed(told rig.Result) {
	k.t.Helper()
	all, err := k.Rollouts(k.t.Context())
	k.must(err)
	if outcome := fmt.Sprint(all[0]["outcome"]); told.Code == 0 && outcome == "succeeded" {
		k.score.add(&k.score.lost, 1)
		k.t.Errorf("the rollout ended as %s, though it was cancelled: %s", outcome, told)
	}
}

// number returns the number that a variable of the environment is set to.
func number(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	text, ok := os.LookupEnv(variable)
	if !ok {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s is no number: %v", variable, err)
	}
	return n
}
