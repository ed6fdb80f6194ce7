package orchestrator

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/rollout/rollouttest"
)

const statePage = "../../docs/state-model.md"

// docs/state-model.md says of each action what a stop does to it.
func TestStatePageStops(t *testing.T) {
	table := rollouttest.Open(t, statePage).Table("## A stop")
	if len(table) != 14 {
		t.Errorf("the page knows %d actions", len(table))
	}
	for verb, row := range table {
		t.Run(verb, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w, action := newWorld(), verb
				w.prestarts = slices.Contains([]string{"prepare", "pre_start", "discard"}, verb)
				if verb == "hook" {
					w.hooks = []rollout.Hook{{Step: rollout.Verify, When: rollout.After, Name: "tell", Timeout: time.Minute}}
				}
				switch verb {
				case "restore", "hold", "discard":
					w.on["verify"] = fails
				}
				switch verb {
				case "replace", "promote", "retire", "restore":
					action += " worker"
				}
				takes := 5 * time.Second // less than Patience
				took := stopIn(open(t, w), action, func(c call) error {
					select {
					case <-time.After(takes):
						return nil
					case <-c.ctx.Done():
						return hangs(c)
					}
				})
				got := map[time.Duration]string{0: "is interrupted", takes: "may finish"}[took]
				if diff := cmp.Diff(map[string]rollouttest.Set{"at a stop": {got: true}}, row); diff != "" {
					t.Errorf("the stop took %s (-the daemon +the page):\n%s", took, diff)
				}
			})
		})
	}
}

// The page knows every record that is not of a rollout, and no other.
func TestStatePageRecords(t *testing.T) {
	t.Parallel()
	want := rollouttest.Facts{}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`(?m)^\s*(?:const )?\w+\s*=\s*"([a-z]+\.[a-z]+)"`)
	for _, path := range sources {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range named.FindAllStringSubmatch(string(text), -1) {
			if !strings.HasSuffix(path, "_test.go") {
				want[m[1]] = nil
			}
		}
	}
	got := rollouttest.Open(t, statePage).Table("### Records that are not of a rollout")
	for name := range got {
		got[name] = nil
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got) == 0 {
		t.Errorf("the records (-the code +the page):\n%s", diff)
	}
}
