package cli

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/workload"
)

func (t *tool) status() *cobra.Command {
	return &cobra.Command{
		Use:   "status [APP]",
		Short: "Show what runs",
		Args:  atMost("APP"),
		RunE: func(c *cobra.Command, args []string) error {
			client := t.client()
			defer client.Close()
			if len(args) > 0 {
				return t.statusOf(c.Context(), client, args[0])
			}
			return t.statusOfAll(c.Context(), client)
		},
	}
}

// statusOfAll shows one line for each app.
func (t *tool) statusOfAll(ctx context.Context, client *api.Client) error {
	apps, err := client.Apps(ctx)
	if err != nil {
		return err
	}
	if t.json() {
		return t.encode(apps)
	}
	if len(apps) == 0 {
		t.say("no app is configured")
	}
	rows := [][]string{{"APP", "ENVIRONMENT", "RELEASE", "IMAGE", "SERVICES", "STATE", "LAST"}}
	for _, a := range apps {
		release, image := "", ""
		if a.Current != nil {
			release, image = a.Current.ID, a.Current.Image.String()
		}
		rows = append(rows, []string{a.Name, a.Environment, release, image, services(a), state(a), t.last(ctx, client, a)})
	}
	t.table(rows)
	t.warnOfRefusal(ctx, client)
	return nil
}

// warnOfRefusal says when the daemon accepts no rollout.
func (t *tool) warnOfRefusal(ctx context.Context, client *api.Client) {
	if h, err := client.Health(ctx); err == nil && h.Refusing != "" {
		t.hint("the daemon accepts no rollout now: %s", h.Refusing)
	}
}

// services says how each service's container is.
func services(a rollout.App) string {
	if a.Unobserved != "" {
		return "unknown"
	}
	var out []string
	for _, name := range a.Services {
		var found []string
		for _, c := range a.Containers {
			if c.Service == name {
				found = append(found, condition(c))
			}
		}
		if len(found) == 0 {
			found = []string{"absent"}
		}
		out = append(out, name+" "+strings.Join(found, " + "))
	}
	return strings.Join(out, ", ")
}

// state says in a few words whether something is the matter with an app.
func state(a rollout.App) string {
	var out []string
	if a.Active != "" {
		out = append(out, "rolling out "+a.Active)
	}
	if a.Stands != "" {
		out = append(out, "stands still")
	}
	for l := a.Lock; l != nil; l = l.Before {
		switch {
		case l.Lost:
			out = append(out, "lost")
		case l.Rollout != "":
			out = append(out, "halted")
		default:
			out = append(out, "locked")
		}
	}
	if a.Unrecognised != "" {
		out = append(out, "not recognised yet")
	}
	if n := len(a.Waiting); n > 0 {
		out = append(out, fmt.Sprintf("%d waiting", n))
	}
	if len(a.Drift) > 0 {
		out = append(out, "drifted")
	}
	if a.Unobserved != "" {
		out = append(out, "cannot be looked at")
	}
	switch {
	case len(out) == 0 && a.Current == nil && a.Active == "":
		return "not rolled out"
	case len(out) == 0:
		return "ok"
	}
	return strings.Join(out, ", ")
}

// last says how the last rollout of an app ended.
func (t *tool) last(ctx context.Context, client *api.Client, a rollout.App) string {
	if a.Last == "" {
		return ""
	}
	r, err := client.Rollout(ctx, a.Last)
	if err != nil {
		return a.Last
	}
	return fmt.Sprintf("%s %s %s", r.Kind, outcome(r), t.moment(r.Ended))
}

// statusOf shows all that is known of one app.
func (t *tool) statusOf(ctx context.Context, client *api.Client, name string) error {
	a, err := client.App(ctx, name)
	if err != nil {
		return err
	}
	if t.json() {
		return t.encode(a)
	}
	t.pairs([][2]string{
		{"app", a.Name}, {"environment", a.Environment}, {"repository", a.Repository}, {"state", state(a)},
		{"release", t.release(a)}, {"running now", t.active(ctx, client, a)}, {"stands still", a.Stands}, {"last rollout", strings.TrimSpace(a.Last + " " + t.last(ctx, client, a))},
		{"images", disk(a.Disk)}, {"adopted", t.adopted(a.Adopted)}, {"lock", t.lockedBy(a.Lock)}, {"and before it", t.lockedBy(before(a.Lock))},
		{"not recognised", a.Unrecognised}, {"unobserved", a.Unobserved},
	})
	if len(a.Containers) > 0 {
		t.say("")
		t.containerTable(a)
	}
	t.targets(a)
	t.waiters(a)
	for i, d := range a.Drift {
		if i == 0 {
			t.say("")
		}
		t.say("drift: %s", d)
	}
	t.advise(a)
	t.warnOfRefusal(ctx, client)
	return nil
}

// disk says what the app takes of the disk.
func disk(d *rollout.Disk) string {
	if d == nil {
		return ""
	}
	text := fmt.Sprintf("%s kept, about %s", count(d.Images, "image is", "images are"), size(d.Bytes))
	if d.Free > 0 {
		text += "; " + size(int64(min(d.Free, math.MaxInt64))) + " are free"
	}
	return text
}

// targets shows what a rollback can go back to.
func (t *tool) targets(a rollout.App) {
	if len(a.Targets) == 0 {
		return
	}
	t.say("")
	rows := [][]string{{"ROLLBACK TO", "IMAGE", "SINCE", "VERIFIED", "ON THE HOST"}}
	for _, target := range a.Targets {
		rows = append(rows, []string{target.Release.ID, target.Release.Image.String(), t.moment(target.Since),
			yesNo(target.Verified), onHost(a, target)})
	}
	t.table(rows)
}

// release says what the current release is.
func (t *tool) release(a rollout.App) string {
	r := a.Current
	switch {
	case r == nil && a.Lock.Guards():
		return "none is known"
	case r == nil:
		return "none was rolled out yet"
	}
	return fmt.Sprintf("%s, %s, since %s", r.ID, r.Image, t.moment(r.Since))
}

// adopted says since when, and why, the release is what was found on the host.
func (t *tool) adopted(a *rollout.Adopted) string {
	if a == nil {
		return ""
	}
	return "since " + t.moment(a.Since) + ": " + a.Why
}

// before returns the lock that was on already.
func before(l *rollout.Lock) *rollout.Lock {
	if l == nil {
		return nil
	}
	return l.Before
}

func (t *tool) containerTable(a rollout.App) {
	rows := [][]string{{"SERVICE", "CONTAINER", "ID", "STATE", "IMAGE", "RELEASE", "STARTED"}}
	for _, c := range slices.SortedStableFunc(slices.Values(a.Containers), func(x, y workload.Container) int {
		return slices.Index(a.Services, x.Service) - slices.Index(a.Services, y.Service)
	}) {
		release := c.Release
		if !c.Ours {
			release = "not ours"
		}
		rows = append(rows, []string{c.Service, c.Name, short(c.ID), condition(c), c.Image.String(), release, t.moment(c.StartedAt)})
	}
	t.table(rows)
}

// advise says what to do about what is the matter.
func (t *tool) advise(a rollout.App) {
	switch {
	case a.Stands != "":
		t.say("next: mend what stands in its way, and the rollout goes on by itself")
	case a.Active != "":
		t.say("next: follow the rollout with: fairlead watch %s", a.Active)
	case a.Lock != nil && a.Lock.Lost:
		t.say("next: see that one container of each service runs and is the right one, then: fairlead unlock %s --reason \"what was done\"", a.Name)
	case a.Lock != nil && a.Lock.Rollout != "":
		t.say("next: see what happened with: fairlead show %s; put it right, then: fairlead unlock %s --reason \"what was done\"", a.Lock.Rollout, a.Name)
	case a.Lock != nil:
		t.say("next: take the lock away with: fairlead unlock %s --reason TEXT", a.Name)
	case len(a.Drift) > 0 && a.Current != nil:
		t.say("next: roll the release out again with: fairlead deploy %s --image %s --force", a.Name, again(a.Current.Image))
	}
}

// again returns what names an image on the command line, exactly.
func again(i workload.Image) string {
	if i.Digest != "" {
		return i.Digest
	}
	return i.Tag
}

// onHost says whether a rollback to the release needs a registry.
func onHost(a rollout.App, target rollout.Target) string {
	switch {
	case target.Kept:
		return "kept"
	case a.Disk == nil:
		return "unknown"
	}
	return "not kept"
}
