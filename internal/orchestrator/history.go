package orchestrator

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/workload"
)

// longest is how many releases, and how many images that came to nothing, are remembered of an app.
const longest = 20

// lived takes in what a rollout that has ended tells of the app's releases.
func (a *app) lived(s rollout.State) {
	fetched := s.Pulled != nil && !s.Pulled.Cached
	if s.Outcome != rollout.Succeeded {
		if i := (rollout.PastImage{Image: pulledImage(s), Fetched: fetched}); fetched && !a.knows(i.Image) {
			a.spare(i)
		}
		return
	}
	for _, r := range s.Cleared.Names() {
		if !slices.Contains(a.Cleared, r) {
			a.Cleared = append(a.Cleared, r)
		}
	}
	if s.Request.Kind == rollout.Cleanup {
		return
	}
	a.found(s)
	a.remember(rollout.Past{Release: s.Target, Rollout: s.Request.ID, Since: s.Ended, Verified: true, Proved: s.Validated.Gated(),
		Fetched: fetched, PreStart: ranPreStart(s)})
}

// ranPreStart tells whether a rollout ran a command of the new image before it started it.
func ranPreStart(s rollout.State) bool { return s.PreStart == rollout.Complete }

func pulledImage(s rollout.State) workload.Image {
	if s.Pulled == nil {
		return workload.Image{}
	}
	return s.Pulled.Image
}

// found takes in what ran before a rollout, where the history does not know its image: before the first one, or when
// somebody else has put a container in the place of ours. It ran, but nothing has proved it.
func (a *app) found(s rollout.State) {
	var image workload.Image
	for _, v := range s.Services {
		c := v.Baseline.Container
		if c == nil || c.Image.Identity() == "" || image.Identity() != "" && image.Identity() != c.Image.Identity() {
			return // there was no one image
		}
		image = c.Image
	}
	if c := s.Services[0].Baseline.Container; !a.knows(image) {
		a.remember(rollout.Past{Since: c.CreatedAt, Release: workload.Release{ID: cmp.Or(c.Release, workload.ReleaseID(image.Identity(), c.Definitions, c.Env)),
			Image: image, Definitions: c.Definitions, Env: c.Env, Since: c.CreatedAt}})
	}
}

// remember puts a release at the head of the history. What was known of its image holds for it as well. Where there are
// too many, one goes whose image a newer one has too, or else the oldest.
func (a *app) remember(p rollout.Past) {
	for _, old := range a.History {
		if old.Release.Image.Identity() != p.Release.Image.Identity() {
			continue
		}
		p.Verified, p.Fetched, p.PreStart = p.Verified || old.Verified, p.Fetched || old.Fetched, p.PreStart || old.PreStart
		p.Proved = slices.Compact(slices.Sorted(slices.Values(slices.Concat(p.Proved, old.Proved))))
	}
	for _, i := range a.Spare {
		p.Fetched = p.Fetched || i.Fetched && i.Identity() == p.Release.Image.Identity()
	}
	a.Spare = slices.DeleteFunc(a.Spare, func(i rollout.PastImage) bool { return i.Identity() == p.Release.Image.Identity() })
	a.History = slices.DeleteFunc(a.History, func(old rollout.Past) bool { return old.Release.ID == p.Release.ID })
	a.History = slices.Insert(a.History, 0, p)
	if len(a.History) > longest {
		a.History = slices.Delete(a.History, a.least(), a.least()+1)
	}
}

// least returns the place of the release that can be forgotten first.
func (a *app) least() int {
	for i := len(a.History) - 1; i > 0; i-- {
		if slices.ContainsFunc(a.History[:i], func(p rollout.Past) bool {
			return p.Release.Image.Identity() == a.History[i].Release.Image.Identity()
		}) {
			return i
		}
	}
	return len(a.History) - 1
}

// spare remembers an image that was pulled for nothing.
func (a *app) spare(i rollout.PastImage) {
	a.Spare = slices.DeleteFunc(a.Spare, func(old rollout.PastImage) bool { return old.Identity() == i.Identity() })
	a.Spare = slices.Insert(a.Spare, 0, i)
	a.Spare = a.Spare[:min(len(a.Spare), longest)]
}

// knows tells whether a release of the image is in the history.
func (a *app) knows(i workload.Image) bool {
	return slices.ContainsFunc(a.History, func(p rollout.Past) bool { return p.Release.Image.Identity() == i.Identity() })
}

// images adds to a request what is known of the app's images.
func (a *app) images(r *rollout.Request) {
	if r.Images == nil {
		return
	}
	known := *r.Images
	for _, p := range a.History {
		known.Known = append(known.Known, rollout.PastImage{Image: p.Release.Image, Fetched: p.Fetched})
	}
	known.Spare = slices.Clone(a.Spare)
	r.Images = &known
}

// targets returns the releases that a rollback can go back to, the newest first: every release but those of the image
// that runs.
func (a *app) targets() []rollout.Target {
	var out []rollout.Target
	var ran []string
	for _, p := range a.History {
		if a.Current == nil || p.Release.Image.Identity() != a.Current.Image.Identity() {
			out = append(out, rollout.Target{Past: p, PreStarts: slices.Clone(ran)})
		}
		if p.PreStart {
			ran = append(ran, p.Release.ID)
		}
	}
	return out
}

// aim chooses the release that a rollback goes back to, or says why it goes nowhere.
func (a *app) aim(r *rollout.Request, asked Request) error {
	targets := a.targets()
	if len(targets) == 0 {
		return fault.New(fault.Refused, "no earlier release of %s is known, so there is nothing to go back to; nothing was changed; deploy an image with 'fairlead deploy %[1]s --image …'", r.App)
	}
	t := targets[0]
	if asked.Release != "" {
		found := slices.DeleteFunc(slices.Clone(targets), func(t rollout.Target) bool { return !strings.HasPrefix(t.Release.ID, asked.Release) })
		switch {
		case len(found) > 1:
			return fault.New(fault.Usage, "%q is the beginning of several releases: %s; nothing was changed; say more of it", asked.Release, listed(found))
		case len(found) == 0 && a.Current != nil && strings.HasPrefix(a.Current.ID, asked.Release):
			return fault.New(fault.Refused, "release %s is the current one; nothing was changed; the earlier ones are %s; to give it today's environment, use 'fairlead rotate %s'", a.Current.ID, listed(targets), r.App)
		case len(found) == 0:
			return fault.New(fault.Refused, "%s has no earlier release %q with another image than the one that runs; nothing was changed; those that are known: %s", r.App, asked.Release, listed(targets))
		}
		t = found[0]
	}
	if unproved := slices.DeleteFunc(slices.Clone(a.Cleared), func(s string) bool { return slices.Contains(t.Proved, s) }); len(unproved) > 0 {
		return fault.New(fault.Refused, "release %s (%s) never took %s from the environment, and the database does not hold the value any more, since it was cleared: that release would run without it; nothing was changed",
			t.Release.ID, t.Release.Image, strings.Join(unproved, ", "))
	}
	if len(t.PreStarts) > 0 && !asked.Confirmed {
		return fault.New(fault.Usage, "%s; nothing was changed; if the image of release %s can work with the database as it is now, say so with --yes", t.Warning(), t.Release.ID)
	}
	r.To, r.Image = t.Release.ID, t.Release.Image
	return nil
}

// listed names releases for a person.
func listed(targets []rollout.Target) string {
	var out []string
	for _, t := range targets {
		out = append(out, fmt.Sprintf("%s (%s)", t.Release.ID, t.Release.Image))
	}
	return strings.Join(out, ", ")
}
