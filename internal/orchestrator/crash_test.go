package orchestrator_test

import (
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/journal/journaltest"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/steps/stepstest"
	"github.com/capakraken/fairlead/internal/workload"
)

// tally counts what a test has lived through.
type tally struct{ scenes, lives, deaths atomic.Int64 }

// TestDeathAtEveryAppend lets the daemon die at every record that it writes, in every way in which it can, whatever the
// rollout is and however it ends. The next daemon must bring it to the same end.
func TestDeathAtEveryAppend(t *testing.T) {
	eachScene(t, func(t *testing.T, c scene, app *stepstest.App, n *tally) {
		base := undisturbed(t, c, app)
		for k := 1; k <= base.appends; k++ {
			for _, w := range ways(k, len(c.name)+len(app.Services)) {
				base.again(t, n, &death{append: k, when: w})
			}
		}
	})
}

// TestDeathBetweenMoves lets the daemon die before every single call of the Engine and every statement in the database.
func TestDeathBetweenMoves(t *testing.T) {
	eachScene(t, func(t *testing.T, c scene, app *stepstest.App, n *tally) {
		base := undisturbed(t, c, app)
		for k := 1; k <= base.tried; k++ {
			base.again(t, n, &death{move: k})
		}
	})
}

// TestTwoDeaths lets the next daemon die as well: at a few of all the records of both, which the scene picks.
func TestTwoDeaths(t *testing.T) {
	eachScene(t, func(t *testing.T, c scene, app *stepstest.App, n *tally) {
		base := undisturbed(t, c, app)
		chance := rand.New(rand.NewPCG(uint64(len(c.name)), uint64(c.name[len(c.name)-1])))
		for range pairs {
			first := 2 + chance.IntN(base.appends-1)
			second := first + 1 + chance.IntN(base.appends)
			base.again(t, n, &death{append: first, when: whens[chance.IntN(len(whens))]}, &death{append: second, when: whens[chance.IntN(len(whens))]})
			base.again(t, n, &death{move: 1 + chance.IntN(max(1, base.tried))}, &death{append: second, when: whens[chance.IntN(len(whens))]})
		}
	})
}

// pairs is how often each scene is played with two deaths, of either sort.
const pairs = 3

// eachScene plays every scene, or those of these names, with one service and with two, side by side, and says how much
// was lived through.
func eachScene(t *testing.T, test func(*testing.T, scene, *stepstest.App, *tally), names ...string) {
	t.Helper()
	n := &tally{}
	percent := debug.SetGCPercent(400) // there is much to throw away, and little to keep
	t.Cleanup(func() {
		debug.SetGCPercent(percent)
		t.Logf("%d scenes, %d lives, %d deaths", n.scenes.Load(), n.lives.Load(), n.deaths.Load())
		t.Attr("scenes", strconv.FormatInt(n.scenes.Load(), 10))
		t.Attr("lives", strconv.FormatInt(n.lives.Load(), 10))
		t.Attr("deaths", strconv.FormatInt(n.deaths.Load(), 10))
	})
	shared := newApps(t)
	for _, c := range scenes {
		if len(names) > 0 && !slices.Contains(names, c.name) {
			continue
		}
		for _, services := range c.counts() {
			t.Run(fmt.Sprintf("%s/%d", c.name, services), func(t *testing.T) {
				t.Parallel()
				n.scenes.Add(1)
				test(t, c, shared[services], n)
			})
		}
	}
}

// course is a scene as it goes when nobody dies.
type course struct {
	scene
	app     *stepstest.App
	whole   verdict
	plain   verdict // without the cancel
	appends int
	names   []string           // of the records
	tried   int                // moves
	ops     []journaltest.Verb // of the disk: those from opened to closed are the rollout's
	opened  int
	closed  int
	points  []int  // the calls of the host that are worth a try
	start   string // the legacy values in the beginning
	found   map[string]workload.Status
}

// was returns how a service was found, and nothing where it was not there.
func (c course) was(service string) workload.Status { return c.found[service] }

// requested returns which record is the request.
func (c course) requested() int {
	return 1 + slices.IndexFunc(c.names, func(name string) bool { return strings.HasPrefix(name, string(rollout.Requested)) })
}

func undisturbed(t *testing.T, c scene, app *stepstest.App) course {
	t.Helper()
	v, s := play(t, c, app)
	if v.Outcome != c.want {
		t.Fatalf("it ends %q and not %q: %s %s", v.Outcome, c.want, v.Failure, v.Stuck)
	}
	out := course{scene: c, app: app, whole: v, plain: v, appends: s.appends, tried: s.tried, points: s.points, ops: s.ops, opened: s.opened, closed: s.closed, start: s.rowAtFirst, found: s.found}
	for _, e := range s.records() {
		out.names = append(out.names, e.String())
	}
	if c.cancel != "" {
		without := c
		without.cancel = ""
		out.plain, _ = play(t, without, app)
	}
	return out
}

// again plays the scene with deaths, and holds its end against that of the undisturbed one, as far as the records tell
// that it was begun, and cancelled.
func (c course) again(t *testing.T, n *tally, deaths ...*death) {
	t.Helper()
	got, s := play(t, c.scene, c.app, deaths...)
	n.lives.Add(int64(s.lives))
	n.deaths.Add(int64(s.lives - 1))
	want := c.whole
	heard := slices.ContainsFunc(s.records(), func(e entry) bool { return e.Type == string(rollout.Cancelled) })
	switch {
	case s.id() == "":
		want = verdict{Host: got.Host, Row: got.Row, Kept: got.Kept} // that the host is untouched was seen
	case c.cancel != "" && !heard:
		want = c.plain
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%v: it does not end the same (-want +got):\n%s", deaths, diff)
	}
}
