package orchestrator

import (
	"fmt"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/workload"
)

// past returns a release of an image, by their names.
func past(release, image string, change ...func(*rollout.Past)) rollout.Past {
	p := rollout.Past{Release: workload.Release{ID: release, Image: workload.Image{Repository: "r", Digest: image}}, Verified: true, Proved: []string{"smtp"}}
	for _, c := range change {
		c(&p)
	}
	return p
}

func neverProved(p *rollout.Past) { p.Verified, p.Proved = false, nil }
func preStarts(p *rollout.Past)   { p.PreStart = true }

// A rollback goes to the newest release with another image, or to the one that is named, and is refused where it would
// lack a value, or where somebody must think first.
func TestAim(t *testing.T) {
	t.Parallel()
	having := func(history ...rollout.Past) *app { // the oldest first
		a := &app{}
		for _, p := range history {
			a.remember(p)
			a.Current = &p.Release
		}
		return a
	}
	three := having(past("aa1", "A", neverProved), past("ab2", "B"), past("ac3", "C"), past("ad4", "C"))
	cleared := having(past("aa1", "A", neverProved), past("ab2", "B"), past("ac3", "C"))
	cleared.Cleared = []string{"smtp"}
	later := having(past("aa1", "A"), past("ab2", "B"))
	later.Cleared = []string{"seed"} // it came into the catalog when both were gone
	changed := having(past("aa1", "A"), past("ab2", "B", preStarts), past("ac3", "C"))
	for name, c := range map[string]struct {
		app   *app
		asked Request
		want  string
		kind  fault.Kind
		says  string
	}{
		"nothing was rolled out":  {app: having(), kind: fault.Refused, says: "no earlier release"},
		"nothing but what runs":   {app: having(past("aa1", "A"), past("ab2", "A")), kind: fault.Refused, says: "no earlier release"},
		"the one before":          {app: three, want: "ab2"},
		"by its beginning":        {app: three, asked: Request{Release: "aa"}, want: "aa1"},
		"of several":              {app: three, asked: Request{Release: "a"}, kind: fault.Usage, says: "ab2 (r@B), aa1 (r@A)"},
		"of none":                 {app: three, asked: Request{Release: "f"}, kind: fault.Refused, says: "ab2 (r@B), aa1 (r@A)"},
		"the current one":         {app: three, asked: Request{Release: "ad4"}, kind: fault.Refused, says: "is the current one"},
		"a proved one":            {app: cleared, want: "ab2"},
		"one that lacks a value":  {app: cleared, asked: Request{Release: "aa1"}, kind: fault.Refused, says: "never took smtp"},
		"one that never knew it":  {app: later, kind: fault.Refused, says: "never took seed"},
		"behind a change":         {app: changed, want: "ab2", asked: Request{}},
		"past a change":           {app: changed, asked: Request{Release: "aa1"}, kind: fault.Usage, says: "--yes"},
		"past a change, knowing":  {app: changed, asked: Request{Release: "aa1", Confirmed: true}, want: "aa1"},
		"back to the first again": {app: having(past("aa1", "A"), past("ab2", "B"), past("aa1", "A")), want: "ab2"},
	} {
		t.Run(name, func(t *testing.T) {
			var r rollout.Request
			err := c.app.aim(&r, c.asked)
			if r.To != c.want || (err != nil) != (c.kind != "") || err != nil && (fault.KindOf(err) != c.kind || !strings.Contains(fault.Text(err), c.says)) {
				t.Errorf("it goes to %q: %v", r.To, err)
			}
		})
	}
}

// Rotations do not push an image out of the history, and what is known of an image is known of its later releases.
func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	a := &app{}
	a.spare(rollout.PastImage{Image: workload.Image{Digest: "A"}, Fetched: true})
	a.remember(past("first", "A"))
	for i := range 3 * longest {
		a.remember(past(fmt.Sprintf("b%d", i), "B", neverProved))
	}
	a.remember(past("last", "A", neverProved))
	if len(a.History) > longest || len(a.Spare) != 0 {
		t.Errorf("there are %d releases, and %d images to spare", len(a.History), len(a.Spare))
	}
	if p := a.History[0]; p.Release.ID != "last" || !p.Fetched || !p.Verified || len(p.Proved) != 1 {
		t.Errorf("the newest is %+v", p)
	}
	for i := range 2 * longest {
		a.remember(past(fmt.Sprint(i), fmt.Sprint(i)))
	}
	if len(a.History) != longest || a.History[longest-1].Release.ID != fmt.Sprint(longest) {
		t.Errorf("there are %d releases, the oldest is %+v", len(a.History), a.History[len(a.History)-1])
	}
}
