//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
	"github.com/capakraken/fairlead/e2e/world"
)

// rounds is how often each side is measured, by turns. The median counts.
const rounds = 9

// payload is what a pull has to fetch, beside layers that are there already.
const payload = 6 << 20

// BenchmarkRollout compares a rollout with the bare calls to the Engine that do the same by hand. Both sides deploy images
// of their own and take turns, so that whatever else the machine does meets both.
func BenchmarkRollout(b *testing.B) {
	for _, c := range []struct {
		name     string
		services []string
		app      []string // what stands in the images' environment
	}{
		{"one service", []string{"web"}, nil},
		{"two services", []string{"web", "worker"}, nil},
		{"one service that starts in 3 s", []string{"web"}, []string{"REFAPP_MISBEHAVE=slow-start=3s"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				compare(b, c.services, c.app)
			}
		})
	}
}

func compare(b *testing.B, services, app []string) {
	r := benchRig(b, services)
	hand, err := newByHand(b, r, services)
	if err != nil {
		b.Fatal(err)
	}
	var ours, seen, floor series
	pace := paces{}
	for i := range rounds + 1 {
		took, steps, err := rollOut(b.Context(), r, fmt.Sprintf("2.%d.0", i), app...)
		if err != nil {
			b.Fatal(err)
		}
		bare, err := hand.rollOut(b.Context(), fmt.Sprintf("3.%d.0", i), app...)
		if err != nil {
			b.Fatal(err)
		}
		if i == 0 {
			continue // the first of each replaces nothing, and pulls the layers that all share
		}
		ours, seen, floor = append(ours, took.daemon), append(seen, took.client), append(floor, bare)
		pace.add(steps)
	}
	b.ReportMetric(ours.median().Seconds()/floor.median().Seconds(), "x-floor")
	b.ReportMetric(seen.median().Seconds()/floor.median().Seconds(), "x-floor-with-command")
	b.ReportMetric(ours.median().Seconds()*1000, "ms/rollout")
	b.ReportMetric(floor.median().Seconds()*1000, "ms/floor")
	b.Logf("where the time goes: %s", pace)
	b.Logf("by hand: %s", hand.pace)
}

// benchRig makes a rig with the given services whose daemon runs.
func benchRig(b *testing.B, services []string) *rig.Rig {
	b.Helper()
	w := world.ForTest(b)
	path, err := binary()
	if err != nil {
		b.Fatal(err)
	}
	template := rig.Config
	if !slices.Contains(services, "worker") {
		template = withoutWorker(template)
	}
	r, err := rig.New(b.Context(), rig.Options{World: w, Binary: path, Template: template})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := r.Close(); err != nil {
			b.Error(err)
		}
	})
	if err := r.WriteEnv(goodEnv()); err != nil {
		b.Fatal(err)
	}
	if err := r.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	return r
}

// withoutWorker cuts the service worker out of a configuration.
func withoutWorker(template string) string {
	var out strings.Builder
	cutting := false
	for line := range strings.Lines(template) {
		indent := len(line) - len(strings.TrimLeft(line, " "))
		if strings.HasPrefix(strings.TrimSpace(line), "worker:") {
			cutting = true
			continue
		}
		if cutting = cutting && indent > 6; !cutting {
			out.WriteString(line)
		}
	}
	return out.String()
}

// times are how long a rollout took: from its request to its end as the journal has it, and for who ran the command.
type times struct{ daemon, client time.Duration }

// rollOut deploys a new image.
func rollOut(ctx context.Context, r *rig.Rig, tag string, env ...string) (times, []rig.Record, error) {
	if _, err := padded(ctx, r, tag, env...); err != nil {
		return times{}, nil, err
	}
	tail, err := r.Tail()
	if err != nil {
		return times{}, nil, err
	}
	start := time.Now()
	res, err := r.Run(ctx, "deploy", rig.App, "--image", tag)
	took := times{client: time.Since(start)}
	if err != nil || res.Code != 0 {
		return took, nil, fmt.Errorf("%s (%w)", res, err)
	}
	records, err := tail.Next()
	if err != nil {
		return took, nil, err
	}
	took.daemon = records[len(records)-1].Time.Sub(records[0].Time)
	return took, records, nil
}

// padded makes an image of which a pull takes its time.
func padded(ctx context.Context, r *rig.Rig, tag string, env ...string) (world.Image, error) {
	return r.World.Image(ctx, r.Registry, world.ImageSpec{Repository: r.Options.Repository, Tag: tag,
		Env: slices.Concat(env, []string{"REFAPP_VERSION=" + tag}), Padding: payload})
}

// series are several measurements of one thing.
type series []time.Duration

func (s series) median() time.Duration { return slices.Sorted(slices.Values(s))[len(s)/2] }

// paces are what each part of a rollout took, over several.
type paces map[string]series

// add takes in the records of a rollout: an action takes from its beginning to its result, and what is between belongs to
// the journal.
func (p paces) add(records []rig.Record) {
	for i, r := range records[1:] {
		what := "between"
		if a := r.Data.Action; r.Type == "action.done" {
			what = strings.TrimSpace(a.Verb + " " + a.Service)
		}
		p[what] = append(p[what], r.Time.Sub(records[i].Time))
	}
}

// String returns the medians, the longest first.
func (p paces) String() string {
	var all []string
	names := slices.SortedFunc(maps.Keys(p), func(a, b string) int { return int(p[b].median() - p[a].median()) })
	for _, name := range names {
		all = append(all, fmt.Sprintf("%s %.1f ms", name, p[name].median().Seconds()*1000))
	}
	return strings.Join(all, ", ")
}

// BenchmarkIdle measures the daemon when it has nothing to do, after a rollout.
func BenchmarkIdle(b *testing.B) {
	for b.Loop() {
		r := benchRig(b, []string{"web", "worker"})
		if _, _, err := rollOut(b.Context(), r, "2.0.0"); err != nil {
			b.Fatal(err)
		}
		if err := elapsed(b.Context(), 2*time.Second); err != nil { // what the rollout left to be done
			b.Fatal(err)
		}
		before := ticks(b, r.PID())
		if err := elapsed(b.Context(), 10*time.Second); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(ticks(b, r.PID())-before), "ticks/10s")
		b.ReportMetric(resident(b, r.PID()), "MB-resident")
	}
}

// BenchmarkBinary measures the binary as it is shipped.
func BenchmarkBinary(b *testing.B) {
	for b.Loop() {
		path := filepath.Join(b.TempDir(), "fairlead")
		build := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "github.com/capakraken/fairlead/cmd/fairlead")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		file, err := os.Stat(path)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(file.Size())/1e6, "MB")
	}
}
