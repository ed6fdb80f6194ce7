package steps

import (
	"slices"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/workload"
)

func TestParseImage(t *testing.T) {
	const own = "registry.example.com/shop/app"
	digest := "sha256:" + strings.Repeat("ab", 32)
	for ref, test := range map[string]struct {
		tag, digest string
		kind        fault.Kind
	}{
		"2.0.0":                      {tag: "2.0.0"},
		"latest":                     {tag: "latest"},
		digest:                       {digest: digest},
		own + ":2.0.0":               {tag: "2.0.0"},
		own + "@" + digest:           {digest: digest},
		own + ":2.0.0@" + digest:     {tag: "2.0.0", digest: digest},
		"":                           {kind: fault.Usage},
		own:                          {kind: fault.Usage},
		"sha256:abc":                 {kind: fault.Usage},
		"a tag":                      {kind: fault.Usage},
		"-x":                         {kind: fault.Usage},
		own + ":":                    {kind: fault.Usage},
		strings.Repeat("x", 129):     {kind: fault.Refused}, // too long for a tag, so it is taken for a repository
		"shop/app:2.0.0":             {kind: fault.Refused},
		"registry.example.com/x:1":   {kind: fault.Refused},
		"other.example.com/shop/app": {kind: fault.Refused},
		own + "/evil:2.0.0":          {kind: fault.Refused},
	} {
		t.Run(ref, func(t *testing.T) {
			image, err := parseImage(own, ref)
			if test.kind != "" {
				expect(t, err, test.kind)
				return
			}
			if want := (workload.Image{Repository: own, Tag: test.tag, Digest: test.digest}); err != nil || image != want {
				t.Errorf("%+v, %v, want %+v", image, err, want)
			}
		})
	}
	if image, err := parseImage("shop/app", "docker.io/shop/app:1"); err != nil || image.Repository != "shop/app" || image.Tag != "1" {
		t.Errorf("%+v, %v: the registry's host may be left out", image, err)
	}
}

func TestBegin(t *testing.T) {
	for name, test := range map[string]struct {
		edits  []string
		app    string
		kind   rollout.Kind
		image  string
		clears bool
		fault  fault.Kind
	}{
		"deploy":                        {kind: rollout.Deploy, image: "2.0.0", clears: true},
		"deploy of a manual app":        {kind: rollout.Deploy, image: "2.0.0", edits: []string{"clear: with_deploy", "clear: manual"}},
		"deploy without an image":       {kind: rollout.Deploy, fault: fault.Usage},
		"rotate":                        {kind: rollout.Rotate},
		"rotate with an image":          {kind: rollout.Rotate, image: "2.0.0", fault: fault.Usage},
		"cleanup":                       {kind: rollout.Cleanup, clears: true},
		"cleanup of a manual app":       {kind: rollout.Cleanup, clears: true, edits: []string{"clear: with_deploy", "clear: manual"}},
		"cleanup with an image":         {kind: rollout.Cleanup, image: "2.0.0", fault: fault.Usage},
		"an unknown kind":               {kind: "explode", fault: fault.Usage},
		"an unknown app":                {kind: rollout.Rotate, app: "shoe", fault: fault.NotFound},
		"cleanup without a legacy home": {kind: rollout.Cleanup, fault: fault.Refused, edits: withoutLegacy()},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, test.edits...)
			app := "shop"
			if test.app != "" {
				app = test.app
			}
			request, err := r.Begin(app, test.kind, test.image)
			if test.fault != "" {
				expect(t, err, test.fault)
				return
			}
			if err != nil || request.Clears != test.clears || !slices.Equal(request.Services, []string{"web", "worker"}) || request.Limits.Verify == 0 {
				t.Errorf("%+v, %v", request, err)
			}
		})
	}
}

// withoutLegacy makes the app one that never kept secrets in its database.
func withoutLegacy() []string {
	return []string{
		", legacy: {column: azureOpenAiApiKey}", "", ", legacy: {column: smtpPassword}", "", ", legacy: {column: anonSeed}, on_mismatch: refuse", "",
		"    legacy: {dsn: {env: DATABASE_URL}, table: SystemSettings, row: {id: singleton}}\n    clear: with_deploy\n", "",
	}
}

func TestDoRefusesWhatNobodyDoes(t *testing.T) {
	r := newRig(t)
	_, err := r.do(t.Context(), r.requested(rollout.Deploy), rollout.DoEnd, "")
	expect(t, err, fault.Internal)
	s := r.requested(rollout.Deploy)
	s.Request.App = "shoe"
	_, err = r.do(t.Context(), s, rollout.DoValidate, "")
	expect(t, err, fault.NotFound, `"shoe"`)
}

func TestNewNeedsEveryOption(t *testing.T) {
	for name, drop := range map[string]func(o *Options){
		"instance": func(o *Options) { o.Instance = "" }, "apps": func(o *Options) { o.Apps = nil }, "runtime": func(o *Options) { o.Runtime = nil },
		"containers": func(o *Options) { o.Containers = nil }, "host": func(o *Options) { o.Host = nil }, "images": func(o *Options) { o.Images = nil },
		"prober": func(o *Options) { o.Prober = nil }, "database": func(o *Options) { o.Database = nil },
	} {
		o := newRig(t).Options
		drop(&o)
		if _, err := New(o); fault.KindOf(err) != fault.Internal {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

func TestNewRefusesWhatNoRolloutCouldHonour(t *testing.T) {
	o := newRig(t).Options
	for _, d := range o.Apps["shop"].Services {
		d.YAML.Content[0].Value = "links" // instead of command
	}
	_, err := New(o)
	expect(t, err, fault.Refused, "2 problems", "services.web.links", "services.worker.links")
}
