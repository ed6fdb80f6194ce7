//go:build e2e

package e2e

import (
	"regexp"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/e2e/rig"
)

// TestDefaultBridge rolls out an app that names no network, no container and no legacy database, as small installations
// do: the Engine's default bridge knows no aliases, and the names are Fairlead's own.
func TestDefaultBridge(t *testing.T) {
	plain := rig.Config
	for _, line := range []string{`        networks: .*\n`, `        container_name: .*\n`, `    legacy: .*\n`, `    clear: .*\n`, `, legacy: \{column: \w+\}`, `, on_mismatch: refuse`} {
		plain = regexp.MustCompile(line).ReplaceAllString(plain, "")
	}
	plain = strings.Replace(plain, "environment: production", "environment: {{.Instance}}", 1) // the names are this test's alone
	s := newTenant(t, rig.Options{Template: plain, NoDatabase: true})
	s.says(s.run(0, "deploy", rig.App, "--image", s.image("2.0.0")), "nothing ran before", "succeeded")
	s.says(s.run(0, "deploy", rig.App, "--image", s.image("2.0.1")), "stopped, and kept until the new one is proved", "succeeded")
	res := s.run(0, "status", rig.App)
	s.says(res, rig.App+"-"+s.Instance+"-web", rig.App+"-"+s.Instance+"-worker", "2.0.1")
	all, err := s.Containers(t.Context())
	s.must(err)
	if len(all) != 2 {
		t.Errorf("%d containers, want one for each service: %+v", len(all), all)
	}
}
