package config

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// fragment is a part of a configuration in a page.
var fragment = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// Every env list in docs/sources.md is one that the daemon takes.
func TestSourcesPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/sources.md")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[SourceKind]int{}
	found := fragment.FindAllStringSubmatch(string(page), -1)
	for _, m := range found {
		text := "instance: a\napps:\n  shop:\n    environment: production\n    image: shop\n    services: {web: {}}\n    " + strings.ReplaceAll(m[1], "\n", "\n    ")
		cfg, err := Parse("fairlead.yaml", []byte(text))
		if err != nil {
			t.Errorf("%v\n%s", err, m[1])
		}
		for _, s := range cfg.Apps["shop"].Env {
			kinds[s.Kind()]++
		}
	}
	if len(found) < 4 || kinds[FileSource] < 1 || kinds[AgeSource] < 1 || kinds[EnvironmentSource] < 1 || kinds[ExecSource] < 4 {
		t.Errorf("the page has %d fragments, %v", len(found), kinds)
	}
	for _, manager := range []string{"### SOPS", "### HashiCorp Vault and OpenBao", "### Doppler"} {
		if !strings.Contains(string(page), manager) {
			t.Errorf("the page lacks %s", manager)
		}
	}
}
